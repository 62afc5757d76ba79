using System.Globalization;
using System.Text.Json.Nodes;
using Vernier.Errors;
using Vernier.Files.Gguf;
using Vernier.Files.Tokenizers;
using Vernier.Inference.Configuration;
using static Vernier.Inference.Gguf.GgufTokenizer;

namespace Vernier.Inference.Gguf;

/// <summary>Makes metadata of tokenizer.json and tokenizer_config.json.</summary>
internal static class GgufTokenizerWriter
{
    /// <summary>The metadata of a model's tokenizer.</summary>
    /// <param name="tokenizer">tokenizer.json.</param>
    /// <param name="settings">tokenizer_config.json.</param>
    /// <param name="config">The model, whose vocabulary can be larger than the tokenizer's.</param>
    /// <param name="chatTemplate">The text of chat_template.jinja, if there is one.</param>
    /// <param name="path">The tokenizer.json, for messages.</param>
    /// <exception cref="InvalidFileException">llama.cpp has no such tokenizer.</exception>
    public static List<KeyValuePair<string, GgufValue>> ToMetadata(
        JsonObject tokenizer, JsonObject settings, ModelConfig config, string? chatTemplate, string path)
    {
        var pairs = new List<KeyValuePair<string, GgufValue>>();
        void Add(string key, object value) => pairs.Add(KeyValuePair.Create(key, GgufValue.Of(value)));
        var model = (JsonObject)tokenizer["model"]!;
        bool pieces = Flag(model, "byte_fallback");
        Add(Prefix + "model", pieces ? "llama" : "gpt2");
        if (!pieces)
            Add(Prefix + "pre", GgufPreTokenizers.NameOf(tokenizer["pre_tokenizer"], path));
        else if (!IsPieceKind(tokenizer))
            throw new UnsupportedModelException(path, GgufModelRules.Tokenizer,
                "the tokenizer falls back to bytes but does not write spaces as SentencePiece does",
                "Give a model whose tokenizer is byte-level, or of the SentencePiece kind");

        (string[] tokens, int[] types) = Vocabulary(tokenizer, model, pieces, config.VocabularySize, path);
        Add(Tokens, tokens);
        string[] merges = [.. ((JsonArray)model["merges"]!).Select(MergeText)];
        if (pieces)
        {
            float[] scores = Scores(tokens, types, merges);
            Add(Prefix + "scores", scores);
            if (!merges.SequenceEqual(MergesOf(tokens, types, scores)))
                Add(Prefix + "merges", merges);
        }
        Add(Prefix + "token_type", types);
        if (!pieces)
            Add(Prefix + "merges", merges);
        foreach (string name in Special)
        {
            if (SpecialId(name, tokens, settings, model, config) is int id)
                Add(SpecialKey(name), (uint)id);
        }
        (bool begin, bool end) = Surrounds(tokenizer, settings);
        Add(Prefix + "add_bos_token", begin);
        Add(Prefix + "add_eos_token", end);
        if (pieces)
            Add(Prefix + "add_space_prefix", AddsSpace(tokenizer));
        AddTemplates(settings["chat_template"], chatTemplate, Add);
        return pairs;
    }

    private static void AddTemplates(JsonNode? templates, string? file, Action<string, object> add)
    {
        if (file is not null)
            add(ChatTemplate, file);
        if (templates is JsonArray named)
        {
            foreach (JsonObject entry in named.OfType<JsonObject>())
            {
                string name = (string)entry["name"]!;
                if (name != "default")
                    add($"{ChatTemplate}.{name}", (string)entry["template"]!);
                else if (file is null)
                    add(ChatTemplate, (string)entry["template"]!);
            }
        }
        else if (file is null && templates is JsonValue single && single.TryGetValue(out string? text))
        {
            add(ChatTemplate, text);
        }
    }

    private static (string[] Tokens, int[] Types) Vocabulary(JsonObject tokenizer, JsonObject model, bool pieces, int size, string path)
    {
        var texts = new Dictionary<int, (string Text, int Type)>();
        string? unknown = (string?)model["unk_token"];
        foreach ((string text, JsonNode? id) in (JsonObject)model["vocab"]!)
            texts[(int)id!] = (text, text == unknown && pieces ? Unknown : pieces && IsByte(text) ? OneByte : Normal);
        foreach (JsonObject added in (tokenizer["added_tokens"] as JsonArray ?? []).OfType<JsonObject>())
        {
            string text = (string)added["content"]!;
            texts[(int)added["id"]!] = (text, text == unknown && pieces ? Unknown : Flag(added, "special") ? Control : UserDefined);
        }
        int count = Math.Max(size, texts.Count == 0 ? 0 : texts.Keys.Max() + 1);
        if (count > size)
            throw new InvalidFileException(path, GgufModelRules.Tokenizer,
                $"the tokenizer has {count} tokens, and the vocabulary of config.json {size}",
                "Check that tokenizer.json and config.json belong together");
        var tokens = new string[count];
        var types = new int[count];
        HashSet<string> taken = [.. texts.Values.Select(token => token.Text)];
        for (int id = 0; id < count; id++)
            (tokens[id], types[id]) = texts.TryGetValue(id, out (string Text, int Type) token) ? token : (Padding(id, taken), Unused);
        return (tokens, types);
    }

    /// <summary>The text of a token that is given as one, or as an object that has it.</summary>
    public static string? TextOf(JsonNode? token) => token is JsonObject described ? (string?)described["content"]
        : token is JsonValue value && value.TryGetValue(out string? plain) ? plain : null;

    // As llama.cpp calls it, unless a token has that name: two alike are one to it.
    private static string Padding(int id, HashSet<string> taken)
    {
        string name = $"[PAD{id}]";
        while (!taken.Add(name))
            name += "_";
        return name;
    }

    private static int? SpecialId(string name, string[] tokens, JsonObject settings, JsonObject model, ModelConfig config)
    {
        string? text = TextOf(settings[name + "_token"] ?? (name == "unk" ? model["unk_token"] : null));
        int id = text is null ? -1 : Array.IndexOf(tokens, text);
        return id >= 0 ? id : name switch
        {
            "bos" => config.BeginToken,
            "eos" => config.EndTokens.Count > 0 ? config.EndTokens[0] : null,
            _ => null,
        };
    }

    /// <summary>Whether a text begins and ends with special tokens: by the template, else by the settings, which count alone in some
    /// classes.</summary>
    public static (bool Begin, bool End) Surrounds(JsonObject tokenizer, JsonObject settings)
    {
        if (TokenizerSettings.FlagsCount(TextOf(settings["tokenizer_class"])))
            return (settings["add_bos_token"] is null ? TextOf(settings["bos_token"]) is not null : Flag(settings, "add_bos_token"),
                Flag(settings, "add_eos_token"));
        IEnumerable<JsonObject> processors = tokenizer["post_processor"] is not JsonObject processor ? []
            : processor["processors"] is JsonArray parts ? parts.OfType<JsonObject>() : [processor];
        foreach (JsonObject part in processors)
        {
            if ((string?)part["type"] == "TemplateProcessing" && part["single"] is JsonArray { Count: > 0 } single)
                return (((JsonObject)single[0]!).ContainsKey("SpecialToken"), ((JsonObject)single[^1]!).ContainsKey("SpecialToken"));
        }
        return (Flag(settings, "add_bos_token"), Flag(settings, "add_eos_token"));
    }

    private static bool IsPieceKind(JsonObject tokenizer) =>
        tokenizer["normalizer"]?.ToJsonString().Contains("\\u2581", StringComparison.Ordinal) == true
            || (string?)(tokenizer["pre_tokenizer"] as JsonObject)?["type"] == "Metaspace";

    /// <summary>Whether a text of a SentencePiece tokenizer begins with a space.</summary>
    public static bool AddsSpace(JsonObject tokenizer) =>
        tokenizer["normalizer"]?.ToJsonString().Contains("\"Prepend\"", StringComparison.Ordinal) == true
        || tokenizer["pre_tokenizer"] is JsonObject { } metaspace && (string?)metaspace["type"] == "Metaspace"
            && (string?)metaspace["prepend_scheme"] != "never";

    private static bool IsByte(string text) =>
        text.Length == 6 && text.StartsWith("<0x", StringComparison.Ordinal) && text[5] == '>'
            && byte.TryParse(text.AsSpan(3, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out _);
}
