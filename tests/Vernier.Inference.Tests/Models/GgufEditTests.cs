using System.Text.Json.Nodes;
using Vernier.Files.Gguf;
using Vernier.Inference.Configuration;
using Vernier.Inference.Decoders;
using Vernier.Inference.Gguf;
using Vernier.Inference.Models;

namespace Vernier.Tests.Models;

/// <summary>Metadata that were edited in a file of ours count, though the original texts are kept beside them: each row edits
/// one.</summary>
public sealed class GgufEditTests : IDisposable
{
    private const int Begin = 4094, End = 4095;

    private readonly TempFolder _work = new();

    public static TheoryData<string, object?, string> Edits { get; } = new()
    {
        { "llama.context_length", 512u, "max_position_embeddings=512" },
        { "llama.rope.freq_base", 20000f, "rope_theta=20000" },
        { "llama.attention.layer_norm_rms_epsilon", 1e-3f, "rms_norm_eps=0.001" },
        { "llama.attention.sliding_window", 8u, "model_type=mistral sliding_window=8" },
        { "llama.rope.scaling.factor", 2f, """rope_scaling={"rope_type":"linear","factor":2}""" },
        { "llama.feed_forward_length", 77u, "intermediate_size=77" },
        { "tokenizer.ggml.eos_token_id", 7u, "eos_token_id=7" },
        { "tokenizer.ggml.eot_token_id", 7u, "eos_token_id=[4095,7]" },
        { "tokenizer.ggml.bos_token_id", 9u, "bos_token_id=9" },
        { "tokenizer.ggml.bos_token_id", null, "bos_token_id=" },
        { "general.name", "another", "" },
    };

    [Theory]
    [MemberData(nameof(Edits))]
    public void An_edit_of_the_metadata_counts(string key, object? value, string members)
    {
        string source = Folder(_ => { });
        string good = Export(source);
        JsonObject original = ConfigOf(good), edited = ConfigOf(Edit(good, key, value));
        foreach (string member in members.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            string[] parts = member.Split('=', 2);
            Assert.Equal(parts[1], edited[parts[0]] is JsonValue text && text.TryGetValue(out string? plain) ? plain
                : edited[parts[0]]?.ToJsonString() ?? "");
            original.Remove(parts[0]);
            edited.Remove(parts[0]);
        }
        original.Remove("architectures");
        edited.Remove("architectures");
        // Nothing else has changed, what the metadata have no place for included.
        Assert.True(JsonNode.DeepEquals(original, edited), edited.ToJsonString());
        Assert.Equal("kept", (string?)edited["of_no_key"]);
    }

    /// <summary>An edit counts wherever config.json says the same: in newer files the rotary embedding has another place.</summary>
    [Fact]
    public void An_edit_of_the_rotary_embedding_takes_the_place_of_the_newer_member()
    {
        string good = Export(Folder(config =>
        {
            config.Remove("rope_theta");
            config["rope_parameters"] = new JsonObject { ["rope_type"] = "linear", ["factor"] = 2.0, ["rope_theta"] = 300.0 };
        }));
        RopeConfig Rope(string path)
        {
            using var model = Model.Open(path);
            return ((TransformerConfig)model.Configuration).Rope;
        }
        Assert.Equal((300, 2, RopeScaling.Linear), (Rope(good).Theta, Rope(good).Factor, Rope(good).Scaling));
        RopeConfig theta = Rope(Edit(good, "llama.rope.freq_base", 77f)), factor = Rope(Edit(good, "llama.rope.scaling.factor", 4f)),
            none = Rope(Edit(good, "llama.rope.scaling.type", "none"));
        Assert.Equal((77, 2, RopeScaling.Linear), (theta.Theta, theta.Factor, theta.Scaling));
        Assert.Equal((300, 4, RopeScaling.Linear), (factor.Theta, factor.Factor, factor.Scaling));
        Assert.Equal((300, RopeScaling.None), (none.Theta, none.Scaling));
    }

    /// <summary>What Python writes and nobody reads passes through a file and back.</summary>
    [Fact]
    public void A_number_that_JSON_lacks_is_kept()
    {
        string source = Folder(_ => { }), config = Path.Combine(source, "config.json");
        File.WriteAllText(config, File.ReadAllText(config).Replace("\"kept\"", "[-Infinity, NaN]", StringComparison.Ordinal));
        using var model = Model.Open(Export(source));
        Assert.Equal(["of_no_key"], model.Configuration.NotUnderstood);
        string back = Directory.CreateDirectory(_work["back"]).FullName;
        GgufExport.WriteFolder(model, back);
        string written = string.Concat(File.ReadAllText(Path.Combine(back, "config.json")).Where(c => !char.IsWhiteSpace(c)));
        Assert.Contains("\"of_no_key\":[-Infinity,NaN]", written, StringComparison.Ordinal);
    }

    /// <summary>The tokenizer's files may name other tokens than config.json: only a change of what was written is an edit.</summary>
    [Fact]
    public void Tokens_that_never_agreed_are_no_edit()
    {
        string source = Folder(config => config["eos_token_id"] = new JsonArray(5, 6, 7));
        string good = Export(source);
        using (GgufFile file = GgufFile.Open(good))
            Assert.Equal([Begin, End, 6, -1], (int[])file.Metadata["vernier.token_ids"].Data);
        Assert.Equal("[5,6,7]", ConfigOf(good)["eos_token_id"]!.ToJsonString());
        Assert.Equal("[8,6]", ConfigOf(Edit(good, "tokenizer.ggml.eos_token_id", 8u))["eos_token_id"]!.ToJsonString());
    }

    public static TheoryData<string, object?, int[]> Tokens { get; } = new()
    {
        { "general.name", "x", [Begin, -1] },
        { "tokenizer.ggml.add_bos_token", false, [-1] },
        { "tokenizer.ggml.add_eos_token", true, [Begin, -1, End] },
        { "tokenizer.ggml.bos_token_id", 9u, [9, -1] },
    };

    /// <summary>Ids of the text that one letter is, -1 for the letter's own.</summary>
    [Theory]
    [MemberData(nameof(Tokens))]
    public void An_edit_of_the_tokenizer_counts(string key, object? value, int[] expected)
    {
        string source = Folder(_ => { });
        // A template that the metadata have no place for is kept beside them.
        string path = Path.Combine(source, "tokenizer.json");
        JsonObject tokenizer = JsonNode.Parse(File.ReadAllText(path))!.AsObject();
        string begin = tokenizer["added_tokens"]!.AsArray().Single(token => (int)token!["id"]! == Begin)!["content"]!.GetValue<string>();
        tokenizer["post_processor"] = new JsonObject
        {
            ["type"] = "TemplateProcessing",
            ["single"] = new JsonArray(new JsonObject { ["SpecialToken"] = new JsonObject { ["id"] = begin, ["type_id"] = 0 } },
                new JsonObject { ["Sequence"] = new JsonObject { ["id"] = "A", ["type_id"] = 0 } }),
            ["pair"] = new JsonArray(),
            ["special_tokens"] = new JsonObject { [begin] = new JsonObject { ["id"] = begin, ["ids"] = new JsonArray(Begin), ["tokens"] =
                new JsonArray(begin) } },
        };
        File.WriteAllText(path, tokenizer.ToJsonString());
        using var model = Model.Open(Edit(Export(source), key, value));
        int letter = model.Tokenizer.Encode("e").Single();
        Assert.Equal(expected, model.Tokenizer.Encode("e", addSpecialTokens: true).Select(id => id == letter ? -1 : id));
    }

    public void Dispose() => _work.Dispose();

    private static JsonObject ConfigOf(string path)
    {
        using var model = Model.Open(path);
        return JsonObject.Create(model.Config.Clone())!;
    }

    // The network is small, and has the sample's tokenizer.
    private string Folder(Action<JsonObject> change)
    {
        TinySpec spec = TinySpecs.Llama with { Vocabulary = 4096, Layers = 1 };
        JsonObject config = JsonNode.Parse(spec.Config())!.AsObject();
        config["bos_token_id"] = Begin;
        config["eos_token_id"] = End;
        config["rope_theta"] = 10000.0;
        config["architectures"] = new JsonArray("LlamaForCausalLM");
        config["attention_bias"] = false;
        config["mlp_bias"] = false;
        config["of_no_key"] = "kept";
        change(config);
        string folder = TinyModel.Write(_work["source"], config.ToJsonString(), spec.Tensors(1));
        foreach (string name in (string[])["tokenizer.json", "tokenizer_config.json"])
            File.Copy(Path.Combine(SharedData.Quill, name), Path.Combine(folder, name));
        return folder;
    }

    private string Export(string folder)
    {
        Assert.True(GgufMix.TryGet("F32", out GgufMix? mix));
        GgufExport.Write(folder, _work["good.gguf"], mix);
        return _work["good.gguf"];
    }

    private string Edit(string path, string key, object? value)
    {
        using GgufFile file = GgufFile.Open(path);
        var metadata = new OrderedDictionary<string, GgufValue>(StringComparer.Ordinal);
        foreach ((string name, GgufValue old) in file.Metadata)
            metadata[name] = old;
        if (value is null)
            Assert.True(metadata.Remove(key));
        else
            metadata[key] = GgufValue.Of(value);
        string edited = _work[$"edited{Guid.NewGuid():N}.gguf"];
        using var writer = new GgufWriter(edited, metadata, [.. file.Tensors]);
        foreach (GgufTensor tensor in file.Tensors)
            writer.Write(tensor.Name, file.Bytes(tensor.Name));
        writer.Complete();
        return edited;
    }
}
