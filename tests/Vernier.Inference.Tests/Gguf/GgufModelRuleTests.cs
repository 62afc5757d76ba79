using System.Reflection;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Vernier.Errors;
using Vernier.Files.Gguf;
using Vernier.Inference;
using Vernier.Inference.Gguf;
using Vernier.Inference.Models;

namespace Vernier.Tests.Gguf;

/// <summary>A broken model for each rule.</summary>
public sealed partial class GgufModelRuleTests : IDisposable
{
    private static readonly string[] s_rules =
        [.. typeof(GgufModelRules).GetFields(BindingFlags.Public | BindingFlags.Static)
        .Select(field => (string)field.GetRawConstantValue()!).Order(StringComparer.Ordinal)];

    private readonly TempFolder _work = new();

    public GgufModelRuleTests()
    {
        Assert.True(GgufMix.TryGet("BF16", out GgufMix? mix));
        GgufExport.Write(SharedData.Quill, _work["good.gguf"], mix);
    }

    public void Dispose() => _work.Dispose();

    [Fact]
    public void EveryBrokenModelIsRefusedByName()
    {
        var broken = new HashSet<string>(StringComparer.Ordinal);
        void Refused(string rule, Action read)
        {
            var error = Assert.ThrowsAny<VernierException>(read);
            Assert.Equal(rule, error.Rule);
            Assert.Equal(rule is GgufModelRules.Architecture or GgufModelRules.PreTokenizer or GgufModelRules.Tokenizer
                or GgufModelRules.Metadata,
                error is UnsupportedModelException);
            broken.Add(rule);
        }
        void Metadata(string rule, string key, object? value, bool tokenizer = false) => Refused(rule, () =>
        {
            string path = With(key, value is null ? null : GgufValue.Of(value), []);
            if (tokenizer)
                ReadTokenizer(path);
            else
                LanguageModel.Load(path);
        });
        Metadata(GgufModelRules.Architecture, "general.architecture", "rwkv6");
        Metadata(GgufModelRules.MetadataMissing, "llama.expert_count", 8u);
        Metadata(GgufModelRules.MetadataMissing, "general.architecture", null);
        Metadata(GgufModelRules.MetadataMissing, "llama.block_count", null);
        Metadata(GgufModelRules.MetadataMissing, "llama.attention.layer_norm_rms_epsilon", null);
        Metadata(GgufModelRules.MetadataMissing, "tokenizer.ggml.merges", null, tokenizer: true);
        Metadata(GgufModelRules.MetadataType, "llama.block_count", "six");
        Metadata(GgufModelRules.MetadataType, "tokenizer.ggml.tokens", new[] { 1, 2 }, tokenizer: true);
        Metadata(GgufModelRules.MetadataType, "tokenizer.ggml.token_type", new[] { 1 }, tokenizer: true);
        Metadata(GgufModelRules.MetadataType, "tokenizer.ggml.bos_token_id", 5000u, tokenizer: true);
        Metadata(GgufModelRules.Metadata, "llama.logit_scale", 0.5f);
        Metadata(GgufModelRules.Tokenizer, "tokenizer.ggml.model", "bert", tokenizer: true);
        Metadata(GgufModelRules.PreTokenizer, "tokenizer.ggml.pre", "tekken", tokenizer: true);
        Refused(GgufModelRules.TensorName, () => LanguageModel.Load(
            With("a", null, [new GgufTensor("blk.0.attn_sinks.weight", GgufTensorType.F32, [4])])));
        Refused(GgufModelRules.TensorShape, () => LanguageModel.Load(With("llama.attention.head_count", GgufValue.Of(16u), [])));
        Refused(GgufModelRules.TensorShape, () =>
            LanguageModel.Load(With("vernier.config", null, [new GgufTensor("rope_freqs.weight", GgufTensorType.F32, [5])])));

        Assert.True(GgufMix.TryGet("F16", out GgufMix? mix));
        string folder = Directory.CreateDirectory(_work["folder"]).FullName;
        foreach (string path in Directory.EnumerateFiles(SharedData.Quill))
            File.Copy(path, Path.Combine(folder, Path.GetFileName(path)));
        Edit(folder, "tokenizer.json", json => json["pre_tokenizer"] =
            JsonNode.Parse("""{"type":"Sequence","pretokenizers":[{"type":"Punctuation"},{"type":"ByteLevel"}]}"""));
        Refused(GgufModelRules.PreTokenizer, () => GgufExport.Write(folder, _work["x.gguf"], mix));
        Edit(folder, "tokenizer.json", json => json["model"]!["byte_fallback"] = true);
        Refused(GgufModelRules.Tokenizer, () => GgufExport.Write(folder, _work["x.gguf"], mix));
        Edit(folder, "config.json", json => json["quantization_config"] = JsonNode.Parse(
            """{"quant_method":"vernier","format":1,"recipe":"rtn","tensors":{}}"""));
        Refused(GgufModelRules.TensorType, () => GgufExport.Write(folder, _work["x.gguf"], mix));
        Refused(GgufModelRules.NotFinite, () => GgufExport.Write(
            QuillCopy.Write(_work["nan"], ("model.norm.weight", 3, float.NaN)), _work["x.gguf"], mix));
        Refused(GgufModelRules.NumberRange, () => GgufExport.Write(
            QuillCopy.Write(_work["large"], ("model.layers.0.mlp.up_proj.weight", 3, 7e4f)), _work["x.gguf"], mix));
        Assert.Equal(s_rules, broken.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void TheDocumentListsExactlyTheRules()
    {
        string document = File.ReadAllText(Path.Combine(SharedData.Root, "docs", "formats", "gguf.md"));
        Assert.Equal(s_rules, RuleRow().Matches(document).Select(match => match.Groups["rule"].Value).Order(StringComparer.Ordinal));
    }

    /// <summary>The good file with another value, or none, under a key, and with more tensors.</summary>
    private string With(string key, GgufValue? value, GgufTensor[] more)
    {
        using GgufFile file = GgufFile.Open(_work["good.gguf"]);
        var metadata = new OrderedDictionary<string, GgufValue>(StringComparer.Ordinal);
        foreach ((string name, GgufValue old) in file.Metadata)
            metadata[name] = old;
        if (value is null)
            metadata.Remove(key);
        else
            metadata[key] = value;
        using var writer = new GgufWriter(_work["bad.gguf"], metadata, [.. file.Tensors, .. more]);
        foreach (GgufTensor tensor in file.Tensors)
            writer.Write(tensor.Name, file.Bytes(tensor.Name));
        foreach (GgufTensor tensor in more)
            writer.Write(new byte[tensor.Bytes]);
        writer.Complete();
        return _work["bad.gguf"];
    }

    private static void ReadTokenizer(string path)
    {
        using var model = Model.Open(path);
        Assert.NotNull(model.Tokenizer);
    }

    private static void Edit(string folder, string name, Action<JsonNode> change)
    {
        string path = Path.Combine(folder, name);
        JsonNode json = JsonNode.Parse(File.ReadAllBytes(path))!;
        change(json);
        File.WriteAllText(path, json.ToJsonString());
    }

    [GeneratedRegex(@"^\| `(?<rule>gguf-model-[a-z0-9-]+)` \|", RegexOptions.Multiline | RegexOptions.CultureInvariant, 1000)]
    private static partial Regex RuleRow();
}
