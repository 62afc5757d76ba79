using Vernier.Errors;
using Vernier.Inference;
using Vernier.Inference.Gguf;
using Vernier.Inference.Models;
using Vernier.Inference.Passes;
using Vernier.Tests.References;

namespace Vernier.Tests.Gguf;

/// <summary>Files in which another program has changed one thing: what it has changed counts, or the file is refused.</summary>
public sealed class GgufConfigTests : IDisposable
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
    [InlineData("qwen3", "qwen3.rope.freq_base", 500f)]
    [InlineData("phi3 longrope", "phi3.rope.scaling.attn_factor", 2f)]
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

    /// <summary>What is kept of config.json is not what the metadata say, and what they have no place for would be lost; or it is
    /// not computed.</summary>
    [Theory]
    [InlineData("mistral", "llama.attention.sliding_window", 5u, GgufModelRules.MetadataType, "windows")]
    [InlineData("qwen2 layer types", "qwen2.rope.freq_base", 77f, GgufModelRules.MetadataType, "'qwen2.rope.freq_base'")]
    [InlineData("llama one key/value head", "llama.rope.freq_base", 77f, GgufModelRules.MetadataType, "nonlinearity")]
    [InlineData("phi3 partial rotation and window", "phi3.attention.sliding_window", 5u, GgufModelRules.MetadataType, "windows")]
    [InlineData("llama", "llama.attention.value_length", 12u, GgufModelRules.Architecture, "'llama.attention.value_length' is 12")]
    [InlineData("qwen2", "qwen2.attention.sliding_window", 5u, GgufModelRules.Architecture, "'qwen2.attention.sliding_window' is 5")]
    [InlineData("llama", "llama.rope.scaling.attn_factor", 1.5f, GgufModelRules.Architecture, "the amplitude 1.5")]
    [InlineData("llama", "llama.rope.freq_base", float.PositiveInfinity, GgufModelRules.MetadataType, "which is not finite")]
    [InlineData("llama", "llama.attention.layer_norm_rms_epsilon", float.NaN, GgufModelRules.MetadataType, "which is not finite")]
    [InlineData("llama", "vernier.config", "[]", GgufModelRules.MetadataType, "a JSON object")]
    public void What_would_be_lost_is_refused(string spec, string key, object value, string rule, string words)
    {
        VernierException error = Assert.ThrowsAny<VernierException>(() => Logits(With(Export(spec), key, value)));
        Assert.Equal(rule, error.Rule);
        Assert.Contains(words, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_kept_config_is_of_the_family_that_the_metadata_name()
    {
        StoredGguf file = Export("llama");
        string kept = file["vernier.config"]!.String!.Replace("\"llama\"", "\"qwen2\"", StringComparison.Ordinal);
        VernierException error = Assert.ThrowsAny<VernierException>(() => Logits(With(file, "vernier.config", kept)));
        Assert.Equal(GgufModelRules.MetadataType, error.Rule);
        Assert.Contains("'general.architecture' is 'llama', and the config.json kept beside it is that of 'qwen2'", error.Message,
            StringComparison.Ordinal);
    }

    /// <summary>A change of what is kept alone changes nothing: the metadata count.</summary>
    [Fact]
    public void The_metadata_count_where_the_kept_config_differs()
    {
        StoredGguf file = Export("llama rope_parameters");
        string kept = file["vernier.config"]!.String!.Replace("77", "78", StringComparison.Ordinal);
        Assert.Equal(Logits(file), Logits(With(file, "vernier.config", kept)));
    }

    /// <summary>A Llama with a window is a Mistral, where nothing of a config.json is kept.</summary>
    [Fact]
    public void A_window_of_a_llama_counts()
    {
        StoredGguf file = Export("llama");
        file.Values.RemoveAll(value => value.Key == "vernier.config");
        float[] before = Logits(file), after = Logits(With(file, "llama.attention.sliding_window", 3u));
        Assert.True(ReferenceModel.TryRead(_work["m.gguf"], out ReferenceModel? reference, out string? reason), reason);
        Assert.All(reference.Logits(s_text).SelectMany(row => row).Zip(after), pair => Assert.Equal(pair.First, pair.Second, 1e-4));
        Assert.True(before.Zip(after).Max(pair => Math.Abs(pair.First - pair.Second)) > 1e-2);
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
