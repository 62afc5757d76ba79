using System.Text.Json.Nodes;

namespace Vernier.Inference.Gguf;

/// <summary>What the two sides of a tokenizer share: keys, types of tokens, merges.</summary>
internal static class GgufTokenizer
{
    /// <summary>The key of the tokens.</summary>
    public const string Tokens = Prefix + "tokens";

    /// <summary>What the keys of a tokenizer begin with, and the key of the chat template.</summary>
    public const string Prefix = "tokenizer.ggml.", ChatTemplate = "tokenizer.chat_template";

    /// <summary>The types of tokens.</summary>
    public const int Normal = 1, Unknown = 2, Control = 3, UserDefined = 4, Unused = 5, OneByte = 6;

    /// <summary>A space in the vocabulary of a SentencePiece model.</summary>
    public const string Space = "\u2581";

    /// <summary>The special tokens as tokenizer_config.json names them.</summary>
    public static IReadOnlyList<string> Special { get; } = ["bos", "eos", "unk", "pad", "sep", "mask"];

    /// <summary>The key of the id of a special token.</summary>
    public static string SpecialKey(string name) =>
        $"{Prefix}{(name == "unk" ? "unknown" : name == "pad" ? "padding" : name == "sep" ? "seperator" : name)}_token_id";

    /// <summary>A merge as the two tokens with a space between them, however the file has it.</summary>
    public static string MergeText(JsonNode? merge) =>
        merge is JsonArray pair ? string.Join(' ', pair.Select(part => (string)part!)) : (string)merge!;

    /// <summary>Scores that make llama.cpp merge in the order of the merges: less by one for each, and 0 for what no merge makes.</summary>
    public static float[] Scores(string[] tokens, int[] types, string[] merges)
    {
        var rank = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (string merge in merges)
            rank.TryAdd(merge.Replace(" ", "", StringComparison.Ordinal), rank.Count);
        return [.. tokens.Select((text, id) => types[id] == Normal && rank.TryGetValue(text, out int order) ? -1f - order
            : types[id] == Normal ? -1f - rank.Count : 0f)];
    }

    /// <summary>The merges that follow from scores: every way to make a token of two, the highest score first.</summary>
    public static string[] MergesOf(string[] tokens, int[] types, float[] scores)
    {
        var ids = new Dictionary<string, int>(StringComparer.Ordinal);
        for (int id = 0; id < tokens.Length; id++)
        {
            if (types[id] is Normal or UserDefined)
                ids.TryAdd(tokens[id], id);
        }
        var merges = new List<(float Score, int Token, int Left, int Right)>();
        foreach ((string text, int id) in ids)
        {
            if (types[id] != Normal || text.Length > 256)
                continue;
            for (int cut = 1; cut < text.Length; cut++)
            {
                if (!char.IsLowSurrogate(text[cut]) && ids.TryGetValue(text[..cut], out int left)
                    && ids.TryGetValue(text[cut..], out int right))
                    merges.Add((scores[id], id, left, right));
            }
        }
        return [.. merges.OrderByDescending(merge => merge.Score).ThenBy(merge => merge.Token).ThenBy(merge => merge.Left)
            .ThenBy(merge => merge.Right).Select(merge => $"{tokens[merge.Left]} {tokens[merge.Right]}")];
    }

    /// <summary>Whether a member is true.</summary>
    public static bool Flag(JsonObject node, string name) => node[name] is JsonValue value && value.TryGetValue(out bool flag) && flag;

    /// <summary>A replacement of one text by another.</summary>
    public static JsonObject Replace(string from, string to) =>
        new() { ["type"] = "Replace", ["pattern"] = new JsonObject { ["String"] = from }, ["content"] = to };
}
