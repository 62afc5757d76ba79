using System.Text.Json.Nodes;
using Vernier.Errors;

namespace Vernier.Inference.Gguf;

/// <summary>The ways in which texts are cut before they are encoded, by the names that llama.cpp has for them.</summary>
internal static class GgufPreTokenizers
{
    /// <summary>The ways to cut a text that both sides know: the name that is written first.</summary>
    private static readonly (string[] Names, Func<JsonNode> PreTokenizer)[] s_preTokenizers =
    [
        (["gpt-2", "phi-2", "mpt", "olmo"], () => ByteLevel(useRegex: true)),
        (["llama-bpe", "llama3", "llama-v3"], () => Sequence(
            Split(@"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"),
            ByteLevel(useRegex: false))),
        (["qwen2", "deepseek-r1-qwen"], () => Sequence(
            Split(@"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"),
            ByteLevel(useRegex: false))),
        (["smollm", "refact", "command-r", "codeshell", "exaone"], () =>
            Sequence(new JsonObject { ["type"] = "Digits", ["individual_digits"] = true }, ByteLevel(useRegex: true))),
        (["default"], () => Sequence(
            Split(@"[\p{P}\$\+<=>\^~\|]+"), Split(@"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)"),
                Split(@"\p{N}+"), Split("[0-9][0-9][0-9]"), ByteLevel(useRegex: false))),
    ];

    /// <summary>All names.</summary>
    public static IEnumerable<string> Names => s_preTokenizers.SelectMany(known => known.Names);

    /// <summary>The <c>pre_tokenizer</c> of a name, or null for a name that is not known.</summary>
    public static JsonNode? Of(string name) => s_preTokenizers.FirstOrDefault(known => known.Names.Contains(name)).PreTokenizer?.Invoke();

    /// <summary>The name of a <c>pre_tokenizer</c>.</summary>
    /// <param name="preTokenizer">The member of tokenizer.json.</param>
    /// <param name="path">The path of the file, for messages.</param>
    /// <exception cref="UnsupportedModelException">It has none.</exception>
    public static string NameOf(JsonNode? preTokenizer, string path)
    {
        JsonNode[] parts = Meaning(preTokenizer);
        foreach ((string[] names, Func<JsonNode> known) in s_preTokenizers)
        {
            if (Meaning(known()) is JsonNode[] others && others.Length == parts.Length
                && others.Zip(parts).All(pair => JsonNode.DeepEquals(pair.First, pair.Second)))
                return names[0];
        }
        throw new UnsupportedModelException(path, GgufModelRules.PreTokenizer,
            "llama.cpp has no name that is known here for the way in which texts are cut (pre_tokenizer)",
            $"Give a model that cuts texts as one of {string.Join(", ", s_preTokenizers.Select(known => known.Names[0]))}");
    }

    /// <summary>A cut at bytes that are written as letters.</summary>
    public static JsonObject ByteLevel(bool useRegex, bool prefix = false) =>
        new() { ["type"] = "ByteLevel", ["add_prefix_space"] = prefix, ["trim_offsets"] = true, ["use_regex"] = useRegex };

    /// <summary>The parts of a pre-tokenizer without what makes no difference.</summary>
    private static JsonNode[] Meaning(JsonNode? node)
    {
        if (node is not JsonObject whole)
            return [];
        IEnumerable<JsonObject> parts = whole["pretokenizers"] is JsonArray sequence ? sequence.OfType<JsonObject>() : [whole];
        return [.. parts.Select(part => new JsonObject(part
            .Where(pair => pair.Key != "trim_offsets"
                && !(pair.Value is JsonValue value && value.TryGetValue(out bool flag)
                && (pair.Key, flag) is ("invert", false) or ("use_regex", true) or ("individual_digits", false)))
            .OrderBy(pair => pair.Key, StringComparer.Ordinal).Select(pair => KeyValuePair.Create(pair.Key, pair.Value?.DeepClone()))))];
    }

    private static JsonObject Split(string expression) =>
        new() { ["type"] = "Split", ["pattern"] = new JsonObject { ["Regex"] = expression }, ["behavior"] = "Isolated",
        ["invert"] = false };

    private static JsonObject Sequence(params JsonNode[] parts) =>
        new() { ["type"] = "Sequence", ["pretokenizers"] = new JsonArray(parts) };
}
