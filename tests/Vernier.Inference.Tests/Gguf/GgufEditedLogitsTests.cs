using Vernier.Errors;
using Vernier.Inference;
using Vernier.Inference.Gguf;
using Vernier.Inference.Models;
using Vernier.Inference.Passes;
using Vernier.Tests.References;

namespace Vernier.Tests.Gguf;

/// <summary>Files in which another program has changed one thing: what it has changed counts, or the file is refused.</summary>
public sealed class GgufEditedLogitsTests : IDisposable
{
    private static readonly int[] s_text = [1, 5, 9, 2, 33, 17, 4, 4, 30, 8, 11, 3];

    private readonly TempFolder _work = new();

    public void Dispose() => _work.Dispose();

    /// <summary>The result is that of the changed file, as the reference reads it, and another than that of the file before.</summary>
    [Theory]
    [InlineData("llama", "llama.rope.freq_base", 77f)]
    [InlineData("llama", "llama.attention.layer_norm_rms_epsilon", 0.01f)]
    [InlineData("llama", "llama.rope.scaling.factor", 4f)]
    [InlineData("llama", "llama.rope.scale_linear", 4f)]
    [InlineData("llama linear scaling", "llama.rope.scaling.factor", 2f)]
    [InlineData("llama linear scaling", "llama.rope.scaling.type", "none")]
    [InlineData("mistral", "llama.rope.freq_base", 77f)]
    [InlineData("mistral", "llama.attention.sliding_window", 5u)]
    [InlineData("qwen2 layer types", "qwen2.rope.freq_base", 77f)]
    [InlineData("llama one key/value head", "llama.rope.freq_base", 77f)]
    [InlineData("phi3 partial rotation and window", "phi3.attention.sliding_window", 5u)]
    [InlineData("llama", "llama.attention.sliding_window", 3u)]
    [InlineData("qwen3", "qwen3.rope.freq_base", 500f)]
    [InlineData("phi3 longrope", "phi3.rope.scaling.attn_factor", 2f)]
    [InlineData("phi3 longrope", "phi3.rope.scaling.original_context_length", 8u)]
    public void What_another_program_has_changed_counts(string spec, string key, object value)
    {
        StoredGguf file = Export(spec);
        float[] before = Logits(file);
        StoredGguf changed = With(file, key, value);
        float[] after = Logits(changed);
        Assert.True(ReferenceModel.TryRead(_work["m.gguf"], out ReferenceModel? reference, out string? reason), reason);
        double[] expected = [.. reference.Logits(s_text).SelectMany(row => row)];
        Assert.All(expected.Zip(after), pair => Assert.Equal(pair.First, pair.Second, 1e-4));
        Assert.True(before.Zip(after).Max(pair => Math.Abs(pair.First - pair.Second)) > 1e-2);
    }

    /// <summary>Attention is sharpened as the metadata say, not by what would follow from another context.</summary>
    [Fact]
    public void The_longest_context_does_not_change_what_the_metadata_say()
    {
        StoredGguf file = Export("phi3 longrope");
        float[] before = Logits(file), after = Logits(With(file, "phi3.context_length", 64u));
        Assert.All(before.Zip(after), pair => Assert.Equal(pair.First, pair.Second, 1e-5));
    }

    /// <summary>What is not computed is refused beside what an export has kept too.</summary>
    [Theory]
    [InlineData("llama", "llama.attention.value_length", 12u, GgufModelRules.Metadata, "'llama.attention.value_length' is '12'")]
    [InlineData("qwen2", "qwen2.attention.sliding_window", 5u, GgufModelRules.Metadata, "'qwen2.attention.sliding_window' is '5'")]
    [InlineData("llama", "llama.rope.scaling.attn_factor", 1.5f, GgufModelRules.Metadata, "'llama.rope.scaling.attn_factor' is '1.5'")]
    [InlineData("llama", "llama.rope.freq_base", float.PositiveInfinity, GgufModelRules.MetadataType, "not a finite number")]
    [InlineData("llama", "vernier.config", "[]", GgufModelRules.MetadataType, "a JSON object")]
    public void What_is_not_computed_is_refused(string spec, string key, object value, string rule, string words)
    {
        VernierException error = Assert.ThrowsAny<VernierException>(() => Logits(With(Export(spec), key, value)));
        Assert.Equal(rule, error.Rule);
        Assert.Contains(words, error.Message, StringComparison.Ordinal);
    }

    /// <summary>What is kept of another family than the metadata name says nothing of the network.</summary>
    [Fact]
    public void The_kept_config_is_of_the_family_that_the_metadata_name()
    {
        StoredGguf file = Export("llama");
        string kept = file["vernier.config"]!.String!.Replace("\"llama\"", "\"qwen2\"", StringComparison.Ordinal);
        Assert.Equal(Logits(file), Logits(With(file, "vernier.config", kept)));
    }

    /// <summary>A change of what is kept alone changes nothing: the metadata count.</summary>
    [Fact]
    public void The_metadata_count_where_the_kept_config_differs()
    {
        StoredGguf file = Export("llama rope_parameters");
        string kept = file["vernier.config"]!.String!.Replace("77", "78", StringComparison.Ordinal);
        Assert.Equal(Logits(file), Logits(With(file, "vernier.config", kept)));
    }

    private StoredGguf Export(string name)
    {
        TinySpec spec = TinySpecs.All.Single(spec => spec.Name == name);
        string folder = TinyModel.Write(_work["folder"], spec, seed: 9);
        TinyTokenizer.Write(folder, spec.Vocabulary);
        GgufExport.Write(folder, _work["m.gguf"], GgufMix.All.Single(mix => mix.Name == "F32"));
        return StoredGguf.Read(File.ReadAllBytes(_work["m.gguf"]));
    }

    private static StoredGguf With(StoredGguf file, string key, object value)
    {
        StoredGguf changed = file.Copy();
        changed.Values.RemoveAll(old => old.Key == key);
        changed.Values.Add(value switch
        {
            string text => StoredValue.OfText(key, text),
            float number => StoredValue.OfSingle(key, number),
            _ => StoredValue.OfInteger(key, (uint)value),
        });
        return changed;
    }

    private float[] Logits(StoredGguf file)
    {
        File.WriteAllBytes(_work["m.gguf"], file.ToBytes());
        return LanguageModel.Load(_work["m.gguf"]).CreateSession().Forward([new Segment(s_text)], LogitRows.All).ToArray();
    }
}
