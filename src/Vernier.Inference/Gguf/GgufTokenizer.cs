using System.Globalization;
using System.Text.Json.Nodes;
using Vernier.Errors;
using Vernier.Files.Gguf;

namespace Vernier.Inference.Gguf;

/// <summary>The tokenizer of a model: tokenizer.json and tokenizer_config.json, and the metadata of the same meaning.</summary>
internal static class GgufTokenizer
{
    /// <summary>The key of the tokens.</summary>
    public const string Tokens = Prefix + "tokens";

    private const string Prefix = "tokenizer.ggml.", ChatTemplate = "tokenizer.chat_template";

    private const int Normal = 1, Unknown = 2, Control = 3, UserDefined = 4, Unused = 5, Byte = 6;

    /// <summary>A space in the vocabulary of a SentencePiece model.</summary>
    private const string Space = "\u2581";

    private static readonly string[] s_special = ["bos", "eos", "unk", "pad", "sep", "mask"];

    /// <summary>The ways to cut a text that both sides know: the name that is written first.</summary>
    private static readonly (string[] Names, Func<JsonNode> PreTokenizer)[] s_preTokenizers =
    [
        (["gpt-2", "phi-2", "mpt", "olmo"], () => ByteLevel(useRegex: true)),
        (["llama-bpe", "llama3", "llama-v3"], () => Sequence(Split(@"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"), ByteLevel(useRegex: false))),
        (["qwen2", "deepseek-r1-qwen"], () => Sequence(Split(@"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"), ByteLevel(useRegex: false))),
        (["smollm", "refact", "command-r", "codeshell", "exaone"], () => Sequence(new JsonObject { ["type"] = "Digits", ["individual_digits"] = true }, ByteLevel(useRegex: true))),
        (["default"], () => Sequence(
            Split(@"[\p{P}\$\+<=>\^~\|]+"), Split(@"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)"), Split(@"\p{N}+"), Split("[0-9][0-9][0-9]"), ByteLevel(useRegex: false))),
    ];

    /// <summary>The metadata of a model's tokenizer.</summary>
    /// <param name="tokenizer">tokenizer.json.</param>
    /// <param name="settings">tokenizer_config.json.</param>
    /// <param name="config">The model, whose vocabulary can be larger than the tokenizer's.</param>
    /// <param name="chatTemplate">The text of chat_template.jinja, if there is one.</param>
    /// <param name="path">The tokenizer.json, for messages.</param>
    /// <exception cref="InvalidFileException">llama.cpp has no such tokenizer.</exception>
    public static List<KeyValuePair<string, GgufValue>> ToMetadata(JsonObject tokenizer, JsonObject settings, ModelConfig config, string? chatTemplate, string path)
    {
        var pairs = new List<KeyValuePair<string, GgufValue>>();
        void Add(string key, object value) => pairs.Add(KeyValuePair.Create(key, GgufValue.Of(value)));
        var model = (JsonObject)tokenizer["model"]!;
        bool pieces = Flag(model, "byte_fallback");
        Add(Prefix + "model", pieces ? "llama" : "gpt2");
        if (!pieces)
            Add(Prefix + "pre", NameOf(tokenizer["pre_tokenizer"], path));
        else if (!IsPieceKind(tokenizer))
            throw new InvalidFileException(path, GgufModelRules.Tokenizer, "the tokenizer falls back to bytes but does not write spaces as SentencePiece does", "Give a model whose tokenizer is byte-level, or of the SentencePiece kind");

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
        foreach (string name in s_special)
        {
            if (SpecialId(name, tokens, settings, model, config) is int id)
                Add($"{Prefix}{(name == "unk" ? "unknown" : name == "pad" ? "padding" : name == "sep" ? "seperator" : name)}_token_id", (uint)id);
        }
        (bool begin, bool end) = Surrounds(tokenizer, settings);
        Add(Prefix + "add_bos_token", begin);
        Add(Prefix + "add_eos_token", end);
        if (pieces)
            Add(Prefix + "add_space_prefix", AddsSpace(tokenizer));
        AddTemplates(settings["chat_template"], chatTemplate, Add);
        return pairs;
    }

    /// <summary>tokenizer.json and tokenizer_config.json of a file.</summary>
    /// <exception cref="InvalidFileException">The tokenizer can't be represented.</exception>
    public static (JsonObject Tokenizer, JsonObject Settings) ToJson(GgufMetadata metadata)
    {
        string kind = metadata.Text(Prefix + "model") ?? throw metadata.Missing(Prefix + "model");
        if (kind is not ("gpt2" or "llama"))
            throw new InvalidFileException(metadata.Path, GgufModelRules.Tokenizer, $"the tokenizer is of the kind {ConfigObject.Quote(kind)}", "Give a model whose tokenizer is byte-level BPE ('gpt2') or of the SentencePiece kind ('llama')");
        bool pieces = kind == "llama";
        string[] tokens = metadata.Array<string>(Tokens) ?? throw metadata.Missing(Tokens);
        int[] types = metadata.Array<int>(Prefix + "token_type") ?? [.. tokens.Select(_ => Normal)];
        string[]? merges = metadata.Array<string>(Prefix + "merges");
        if (types.Length != tokens.Length)
            throw metadata.Wrong(Prefix + "token_type", $"an array of {tokens.Length} types");
        if (merges is null)
        {
            float[] scores = pieces ? metadata.Array<float>(Prefix + "scores") ?? throw metadata.Missing(Prefix + "scores") : throw metadata.Missing(Prefix + "merges");
            if (scores.Length != tokens.Length)
                throw metadata.Wrong(Prefix + "scores", $"an array of {tokens.Length} scores");
            merges = MergesOf(tokens, types, scores);
        }
        string? pre = pieces ? null : metadata.Text(Prefix + "pre") ?? "default";
        Func<JsonNode>? preTokenizer = pre is null ? null : s_preTokenizers.FirstOrDefault(known => known.Names.Contains(pre)).PreTokenizer
            ?? throw new InvalidFileException(metadata.Path, GgufModelRules.PreTokenizer, $"texts are cut in the way {ConfigObject.Quote(pre)}", $"Give a model with one of the ways {string.Join(", ", s_preTokenizers.SelectMany(known => known.Names))}");

        JsonObject model = Model(tokens, types, merges, pieces, metadata, pre);
        bool space = metadata.Flag(Prefix + "add_space_prefix") ?? true;
        var tokenizer = new JsonObject
        {
            ["version"] = "1.0",
            ["truncation"] = null,
            ["padding"] = null,
            ["added_tokens"] = Added(tokens, types),
            ["normalizer"] = pieces ? PieceNormalizer(space) : pre!.StartsWith("qwen2", StringComparison.Ordinal) ? new JsonObject { ["type"] = "NFC" } : null,
            ["pre_tokenizer"] = preTokenizer?.Invoke(),
            ["post_processor"] = null,
            ["decoder"] = pieces ? PieceDecoder(space) : ByteLevel(useRegex: true, prefix: true),
            ["model"] = model,
        };
        return (tokenizer, Settings(metadata, tokens, pieces));
    }

    /// <summary>A merge as the two tokens with a space between them, however the file has it.</summary>
    public static string MergeText(JsonNode? merge) => merge is JsonArray pair ? string.Join(' ', pair.Select(part => (string)part!)) : (string)merge!;

    private static JsonObject Model(string[] tokens, int[] types, string[] merges, bool pieces, GgufMetadata metadata, string? pre)
    {
        var vocabulary = new JsonObject();
        for (int id = 0; id < tokens.Length; id++)
        {
            bool added = types[id] is Control or UserDefined || !pieces && types[id] == Unknown;
            if (types[id] != Unused && !(added && !pieces) && !vocabulary.TryAdd(tokens[id], id))
                throw new InvalidFileException(metadata.Path, GgufModelRules.Tokenizer, $"the token {ConfigObject.Quote(tokens[id])} stands twice", "Convert the model again");
        }
        return new JsonObject
        {
            ["type"] = "BPE",
            ["dropout"] = null,
            ["unk_token"] = pieces && metadata.Integer(Prefix + "unknown_token_id") is long id1 && id1 >= 0 && id1 < tokens.Length ? tokens[id1] : null,
            ["continuing_subword_prefix"] = null,
            ["end_of_word_suffix"] = null,
            ["fuse_unk"] = pieces,
            ["byte_fallback"] = pieces,
            ["ignore_merges"] = pre is "llama-bpe" or "llama3" or "llama-v3",
            ["vocab"] = vocabulary,
            ["merges"] = new JsonArray([.. merges.Select(merge => JsonValue.Create(merge))]),
        };
    }

    private static JsonArray Added(string[] tokens, int[] types)
    {
        var added = new JsonArray();
        for (int id = 0; id < tokens.Length; id++)
        {
            if (types[id] is Control or UserDefined or Unknown)
            {
                added.Add(new JsonObject
                {
                    ["id"] = id, ["content"] = tokens[id], ["single_word"] = false, ["lstrip"] = false, ["rstrip"] = false, ["normalized"] = false, ["special"] = types[id] != UserDefined,
                });
            }
        }
        return added;
    }

    private static JsonObject Settings(GgufMetadata metadata, string[] tokens, bool pieces)
    {
        var settings = new JsonObject { ["tokenizer_class"] = pieces ? "LlamaTokenizerFast" : "PreTrainedTokenizerFast" };
        foreach (string name in s_special)
        {
            string key = $"{Prefix}{(name == "unk" ? "unknown" : name == "pad" ? "padding" : name == "sep" ? "seperator" : name)}_token_id";
            if (metadata.Integer(key) is long id)
                settings[name + "_token"] = id >= 0 && id < tokens.Length ? tokens[id] : throw metadata.Wrong(key, $"a token from 0 to {tokens.Length - 1}");
        }
        // Where the file does not say, llama.cpp begins texts of SentencePiece tokenizers with a token.
        settings["add_bos_token"] = metadata.Flag(Prefix + "add_bos_token") ?? (pieces && settings.ContainsKey("bos_token"));
        settings["add_eos_token"] = metadata.Flag(Prefix + "add_eos_token") ?? false;
        List<KeyValuePair<string, string>> named = [.. metadata.Pairs.Where(pair => pair.Key.StartsWith(ChatTemplate + ".", StringComparison.Ordinal) && pair.Value.Data is string)
            .Select(pair => KeyValuePair.Create(pair.Key[(ChatTemplate.Length + 1)..], (string)pair.Value.Data))];
        if (metadata.Text(ChatTemplate) is string template)
        {
            settings["chat_template"] = named.Count == 0 ? template
                : new JsonArray([.. named.Prepend(KeyValuePair.Create("default", template)).Select(pair => new JsonObject { ["name"] = pair.Key, ["template"] = pair.Value })]);
        }
        return settings;
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
            texts[(int)id!] = (text, text == unknown && pieces ? Unknown : pieces && IsByte(text) ? Byte : Normal);
        foreach (JsonObject added in (tokenizer["added_tokens"] as JsonArray ?? []).OfType<JsonObject>())
        {
            string text = (string)added["content"]!;
            texts[(int)added["id"]!] = (text, text == unknown && pieces ? Unknown : Flag(added, "special") ? Control : UserDefined);
        }
        int count = Math.Max(size, texts.Count == 0 ? 0 : texts.Keys.Max() + 1);
        if (count > size)
            throw new InvalidFileException(path, GgufModelRules.Tokenizer, $"the tokenizer has {count} tokens, and the vocabulary of config.json {size}", "Check that tokenizer.json and config.json belong together");
        var tokens = new string[count];
        var types = new int[count];
        for (int id = 0; id < count; id++)
            (tokens[id], types[id]) = texts.TryGetValue(id, out (string Text, int Type) token) ? token : ($"[PAD{id}]", Unused);
        return (tokens, types);
    }

    /// <summary>Scores that make llama.cpp merge in the order of the merges: less by one for each, and 0 for what no merge makes.</summary>
    private static float[] Scores(string[] tokens, int[] types, string[] merges)
    {
        var rank = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (string merge in merges)
            rank.TryAdd(merge.Replace(" ", "", StringComparison.Ordinal), rank.Count);
        return [.. tokens.Select((text, id) => types[id] == Normal && rank.TryGetValue(text, out int order) ? -1f - order : types[id] == Normal ? -1f - rank.Count : 0f)];
    }

    /// <summary>The merges that follow from scores: every way to make a token of two, the highest score first.</summary>
    private static string[] MergesOf(string[] tokens, int[] types, float[] scores)
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
                if (!char.IsLowSurrogate(text[cut]) && ids.TryGetValue(text[..cut], out int left) && ids.TryGetValue(text[cut..], out int right))
                    merges.Add((scores[id], id, left, right));
            }
        }
        return [.. merges.OrderByDescending(merge => merge.Score).ThenBy(merge => merge.Token).ThenBy(merge => merge.Left).ThenBy(merge => merge.Right).Select(merge => $"{tokens[merge.Left]} {tokens[merge.Right]}")];
    }

    private static int? SpecialId(string name, string[] tokens, JsonObject settings, JsonObject model, ModelConfig config)
    {
        JsonNode? token = settings[name + "_token"] ?? (name == "unk" ? model["unk_token"] : null);
        string? text = token is JsonObject described ? (string?)described["content"] : token is JsonValue value && value.TryGetValue(out string? plain) ? plain : null;
        int id = text is null ? -1 : Array.IndexOf(tokens, text);
        return id >= 0 ? id : name switch
        {
            "bos" => config.BeginToken,
            "eos" => config.EndTokens.Count > 0 ? config.EndTokens[0] : null,
            _ => null,
        };
    }

    /// <summary>Whether a text begins and ends with special tokens: by the template, else by the settings.</summary>
    private static (bool Begin, bool End) Surrounds(JsonObject tokenizer, JsonObject settings)
    {
        IEnumerable<JsonObject> processors = tokenizer["post_processor"] is not JsonObject processor ? []
            : processor["processors"] is JsonArray parts ? parts.OfType<JsonObject>() : [processor];
        foreach (JsonObject part in processors)
        {
            if ((string?)part["type"] == "TemplateProcessing" && part["single"] is JsonArray { Count: > 0 } single)
                return (((JsonObject)single[0]!).ContainsKey("SpecialToken"), ((JsonObject)single[^1]!).ContainsKey("SpecialToken"));
        }
        return (Flag(settings, "add_bos_token"), Flag(settings, "add_eos_token"));
    }

    private static string NameOf(JsonNode? preTokenizer, string path)
    {
        JsonNode[] parts = Meaning(preTokenizer);
        foreach ((string[] names, Func<JsonNode> known) in s_preTokenizers)
        {
            if (Meaning(known()) is JsonNode[] others && others.Length == parts.Length && others.Zip(parts).All(pair => JsonNode.DeepEquals(pair.First, pair.Second)))
                return names[0];
        }
        throw new InvalidFileException(path, GgufModelRules.PreTokenizer, "llama.cpp has no name that is known here for the way in which texts are cut (pre_tokenizer)", $"Give a model that cuts texts as one of {string.Join(", ", s_preTokenizers.Select(known => known.Names[0]))}");
    }

    /// <summary>The parts of a pre-tokenizer without what makes no difference.</summary>
    private static JsonNode[] Meaning(JsonNode? node)
    {
        if (node is not JsonObject whole)
            return [];
        IEnumerable<JsonObject> parts = whole["pretokenizers"] is JsonArray sequence ? sequence.OfType<JsonObject>() : [whole];
        return [.. parts.Select(part => new JsonObject(part
            .Where(pair => pair.Key != "trim_offsets" && !(pair.Value is JsonValue value && value.TryGetValue(out bool flag) && (pair.Key, flag) is ("invert", false) or ("use_regex", true) or ("individual_digits", false)))
            .OrderBy(pair => pair.Key, StringComparer.Ordinal).Select(pair => KeyValuePair.Create(pair.Key, pair.Value?.DeepClone()))))];
    }

    private static bool IsPieceKind(JsonObject tokenizer) =>
        tokenizer["normalizer"]?.ToJsonString().Contains("\\u2581", StringComparison.Ordinal) == true || (string?)(tokenizer["pre_tokenizer"] as JsonObject)?["type"] == "Metaspace";

    private static bool AddsSpace(JsonObject tokenizer) =>
        tokenizer["normalizer"]?.ToJsonString().Contains("\"Prepend\"", StringComparison.Ordinal) == true
        || tokenizer["pre_tokenizer"] is JsonObject { } metaspace && (string?)metaspace["type"] == "Metaspace" && (string?)metaspace["prepend_scheme"] != "never";

    private static bool IsByte(string text) =>
        text.Length == 6 && text.StartsWith("<0x", StringComparison.Ordinal) && text[5] == '>' && byte.TryParse(text.AsSpan(3, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out _);

    private static bool Flag(JsonObject node, string name) => node[name] is JsonValue value && value.TryGetValue(out bool flag) && flag;

    private static JsonObject ByteLevel(bool useRegex, bool prefix = false) => new() { ["type"] = "ByteLevel", ["add_prefix_space"] = prefix, ["trim_offsets"] = true, ["use_regex"] = useRegex };

    private static JsonObject Split(string expression) => new() { ["type"] = "Split", ["pattern"] = new JsonObject { ["Regex"] = expression }, ["behavior"] = "Isolated", ["invert"] = false };

    private static JsonObject Sequence(params JsonNode[] parts) => new() { ["type"] = "Sequence", ["pretokenizers"] = new JsonArray(parts) };

    private static JsonObject Replace(string from, string to) => new() { ["type"] = "Replace", ["pattern"] = new JsonObject { ["String"] = from }, ["content"] = to };

    private static JsonObject PieceNormalizer(bool space)
    {
        JsonNode[] steps = space ? [new JsonObject { ["type"] = "Prepend", ["prepend"] = Space }, Replace(" ", Space)] : [Replace(" ", Space)];
        return new JsonObject { ["type"] = "Sequence", ["normalizers"] = new JsonArray(steps) };
    }

    private static JsonObject PieceDecoder(bool space)
    {
        List<JsonNode> steps = [Replace(Space, " "), new JsonObject { ["type"] = "ByteFallback" }, new JsonObject { ["type"] = "Fuse" }];
        if (space)
            steps.Add(new JsonObject { ["type"] = "Strip", ["content"] = " ", ["start"] = 1, ["stop"] = 0 });
        return new JsonObject { ["type"] = "Sequence", ["decoders"] = new JsonArray([.. steps]) };
    }
}
