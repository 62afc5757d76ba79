using System.Text.Json;
using System.Text.Json.Nodes;
using Vernier.Files;
using Vernier.Files.Gguf;
using Vernier.Inference.Architectures;
using Vernier.Inference.Configuration;
using Vernier.Inference.Gguf;

namespace Vernier.Inference.Models;

/// <summary>
/// What another program has changed in the metadata of a file since an export kept the original texts beside them: the metadata count.
/// </summary>
internal static class GgufEdits
{
    /// <summary>The ids of the token that begins a text and of those that end it, where they are not those of config.json; -1 for
    /// none.</summary>
    public const string TokenIds = "vernier.token_ids";

    private const string Begin = "tokenizer.ggml.bos_token_id";

    private static readonly string[] s_rope =
        ["rope_theta", "rope_scaling", "partial_rotary_factor", "original_max_position_embeddings", "rope_parameters"];

    /// <summary>The original config.json with what was changed since.</summary>
    /// <param name="original">What the export kept.</param>
    /// <param name="now">What follows from the metadata as they are.</param>
    /// <param name="file">The file.</param>
    /// <param name="stored">The architecture of the metadata.</param>
    public static JsonObject Apply(JsonObject original, JsonObject now, GgufFile file, GgufArchitecture stored)
    {
        using JsonDocument document = StrictJson.ParseSettings(ModelTexts.Serialize(original), file.Path);
        ModelConfig config = ArchitectureCatalogue.Read(ConfigObject.Of(document.RootElement, file.Path));
        if (ArchitectureCatalogue.Of(config).Gguf is not GgufArchitecture own || own.Name != stored.Name)
            return now;
        // What would follow from the metadata as the export wrote them: the difference was made since.
        JsonObject then = stored.ToConfig(new GgufMetadata(Expected(config, file, own), file.Path), file);
        JsonObject patch = JsonPatch.Between(then, now);
        // A scaling that does not say how attention is sharpened takes that from the longest context.
        bool recomputed = now.ContainsKey("rope_scaling") && patch.ContainsKey("max_position_embeddings");
        if (recomputed || Array.Exists(s_rope, patch.ContainsKey) || !HasRopeTensors(own, config, file))
        {
            foreach (string name in s_rope)
            {
                original.Remove(name);
                patch.Remove(name);
                if (now[name] is JsonNode value)
                    original[name] = value.DeepClone();
            }
        }
        JsonPatch.Apply(original, patch);
        if (!JsonNode.DeepEquals(original["vocab_size"], now["vocab_size"]))
            original["vocab_size"] = now["vocab_size"]!.DeepClone();
        return original;
    }

    /// <summary>Whether texts of a tokenizer that an export kept are still those of the metadata.</summary>
    /// <param name="tokenizer">tokenizer.json.</param>
    /// <param name="settings">tokenizer_config.json.</param>
    /// <param name="metadata">The metadata.</param>
    /// <param name="original">The config.json that the export kept, if it did.</param>
    public static bool IsKept(JsonObject tokenizer, JsonObject settings, GgufMetadata metadata, JsonObject? original)
    {
        const string Prefix = GgufTokenizer.Prefix;
        (bool begin, bool end) = GgufTokenizerWriter.Surrounds(tokenizer, settings);
        if (metadata.Flag(Prefix + "add_bos_token") is bool addsBegin && addsBegin != begin
            || metadata.Flag(Prefix + "add_eos_token") is bool addsEnd && addsEnd != end)
            return false;
        // A template has ids of its own.
        if ((begin || end) && (metadata.Array<int>(TokenIds) ?? OfJson(original)) is int[] written
            && Keys.Zip(written).Any(pair => (metadata.Integer(pair.First) ?? -1) != pair.Second))
            return false;
        bool pieces = metadata.Text(Prefix + "model") == "llama";
        if (pieces && metadata.Flag(Prefix + "add_space_prefix") is bool space && space != GgufTokenizerWriter.AddsSpace(tokenizer))
            return false;
        if (!pieces && GgufPreTokenizers.Of(metadata.Text(Prefix + "pre") ?? "default") is JsonNode cut
            && GgufPreTokenizers.NameOf(cut, metadata.Path) != GgufPreTokenizers.NameOf(tokenizer["pre_tokenizer"], metadata.Path))
            return false;
        string[] tokens = metadata.Array<string>(GgufTokenizer.Tokens)!;
        return GgufTokenizer.Special.All(name => metadata.Integer(GgufTokenizer.SpecialKey(name)) is not long id
            || GgufTokenizerWriter.TextOf(settings[name + "_token"]) is not string text || tokens[id] == text);
    }

    /// <summary>Notes the tokens of an export that are others than those of its config.json.</summary>
    public static void AddTokenIds(IDictionary<string, GgufValue> metadata, ModelConfig config)
    {
        int[] ids = [.. Keys.Select(key => metadata.TryGetValue(key, out GgufValue? value) ? (int)(value.AsInteger() ?? -1) : -1)];
        if (!ids.SequenceEqual(OfConfig(config)))
            metadata[TokenIds] = GgufValue.Of(ids);
    }

    private static string[] Keys => [Begin, .. GgufMetadata.EndKeys];

    private static int[] OfConfig(ModelConfig config) => [config.BeginToken ?? -1,
        .. GgufMetadata.EndKeys.Select((_, index) => index < config.EndTokens.Count ? config.EndTokens[index] : -1)];

    private static int[]? OfJson(JsonObject? config)
    {
        if (config is null)
            return null;
        int[] begin = Ids("bos_token_id"), end = Ids("eos_token_id");
        return [begin.FirstOrDefault(-1), .. GgufMetadata.EndKeys.Select((_, index) => index < end.Length ? end[index] : -1)];

        int[] Ids(string name) => config[name] switch
        {
            JsonArray list => [.. list.Select(id => id is JsonValue number && number.TryGetValue(out int value) ? value : -1)],
            JsonValue single when single.TryGetValue(out int value) => [value],
            _ => [],
        };
    }

    private static Dictionary<string, GgufValue> Expected(ModelConfig config, GgufFile file, GgufArchitecture own)
    {
        var expected = new Dictionary<string, GgufValue>(StringComparer.Ordinal);
        foreach ((string key, GgufValue value) in file.Metadata)
        {
            if (!key.StartsWith(own.Name + ".", StringComparison.Ordinal))
                expected[key] = value;
        }
        foreach ((string key, GgufValue value) in own.ToMetadata(config, ""))
            expected[key] = value;
        int[] ids = new GgufMetadata(file.Metadata, file.Path).Array<int>(TokenIds) is int[] noted && noted.Length == Keys.Length ? noted
            : OfConfig(config);
        foreach ((string key, int id) in Keys.Zip(ids))
        {
            if (id < 0)
                expected.Remove(key);
            else
                expected[key] = GgufValue.Of((uint)id);
        }
        return expected;
    }

    private static bool HasRopeTensors(GgufArchitecture own, ModelConfig config, GgufFile file)
    {
        var expected = own.RopeTensors(config).ToDictionary(tensor => tensor.Name, tensor => tensor.Factors, StringComparer.Ordinal);
        foreach (string name in (string[])[GgufNames.RopeFactors, GgufNames.LongFactors, GgufNames.ShortFactors])
        {
            if (file.TryGet(name, out GgufTensor? tensor) != expected.TryGetValue(name, out float[]? factors))
                return false;
            if (tensor is null)
                continue;
            var stored = new float[tensor.Count];
            file.Read(name, 0, stored);
            if (!stored.AsSpan().SequenceEqual(factors))
                return false;
        }
        return true;
    }
}
