using System.Text.Json.Nodes;

namespace Vernier.Tests;

/// <summary>Small tokenizers of each kind, made by hand.</summary>
internal static class TokenizerFixtures
{
    public const string Llama3Regex =
        @"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
    public const string QwenRegex =
        @"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

    private static readonly string[] Merges =
    [
        "h e", "l l", "he ll", "hell o", "Ġ w", "o r", "Ġw or", "l d", "Ġwor ld", "1 2", "12 3", "Ġ Ġ", "Ġ in", "i n", "' s", "' S",
        "Ã ©", "e r", "Ġ t", "Ġt he",
    ];

    /// <summary>The names of the tokenizers.</summary>
    public static string[] Names => ["gpt2", "llama3", "qwen", "sentencepiece", "metaspace", "added", "clip"];

    /// <summary>A tokenizer.json by name.</summary>
    public static JsonObject Create(string name) => name switch
    {
        "gpt2" => Document(ByteLevelModel(), pre: ByteLevel(useRegex: true), decoder: ByteLevel(useRegex: true)),
        "llama3" => Llama3(),
        "qwen" => Document(ByteLevelModel(), normalizer: Parse("""{"type":"NFC"}"""), pre: Sequence(Split(QwenRegex)),
            decoder: ByteLevel(useRegex: false)),
        "sentencepiece" => SentencePiece(),
        "metaspace" => Metaspace(),
        "added" => WithAddedTokens(),
        "clip" => Clip(),
        _ => throw new ArgumentException(name),
    };

    public static JsonNode Parse(string json) => JsonNode.Parse(json)!;

    public static JsonObject Token(int id, string content, bool special = false, bool normalized = false, bool singleWord = false,
        bool left = false, bool right = false) => new()
    {
        ["id"] = id,
        ["content"] = content,
        ["single_word"] = singleWord,
        ["lstrip"] = left,
        ["rstrip"] = right,
        ["normalized"] = normalized,
        ["special"] = special,
    };

    public static JsonNode Split(string regex) => new JsonObject
    {
        ["type"] = "Split",
        ["pattern"] = new JsonObject { ["Regex"] = regex },
        ["behavior"] = "Isolated",
        ["invert"] = false,
    };

    /// <summary>Split, then bytes.</summary>
    public static JsonNode Sequence(JsonNode split) => new JsonObject
    {
        ["type"] = "Sequence",
        ["pretokenizers"] = new JsonArray(split, ByteLevel(useRegex: false)),
    };

    private static JsonNode ByteLevel(bool useRegex) =>
        new JsonObject { ["type"] = "ByteLevel", ["add_prefix_space"] = false, ["trim_offsets"] = true, ["use_regex"] = useRegex };

    private static JsonObject Document(JsonNode model, JsonNode? normalizer = null, JsonNode? pre = null, JsonNode? post = null,
        JsonNode? decoder = null, params JsonNode[] added) => new()
    {
        ["version"] = "1.0",
        ["truncation"] = null,
        ["padding"] = null,
        ["added_tokens"] = new JsonArray(added),
        ["normalizer"] = normalizer,
        ["pre_tokenizer"] = pre,
        ["post_processor"] = post,
        ["decoder"] = decoder,
        ["model"] = model,
    };

    private static JsonObject Model(IEnumerable<string> tokens, IEnumerable<JsonNode> merges)
    {
        var vocabulary = new JsonObject();
        foreach (string token in tokens)
            vocabulary[token] = vocabulary.Count;
        return new JsonObject { ["type"] = "BPE", ["dropout"] = null, ["unk_token"] = null, ["vocab"] = vocabulary,
            ["merges"] = new JsonArray([.. merges]) };
    }

    private static JsonObject ByteLevelModel(params string[] extra) => Model(
        Vernier.Files.Tokenizers.Unicode.ByteAlphabet.Characters.Select(c => c.ToString())
            .Concat(Merges.Select(merge => merge.Replace(" ", "", StringComparison.Ordinal))).Concat(extra),
        Merges.Select(merge => (JsonNode)merge));

    private static JsonObject Llama3()
    {
        // "Ġtest" and "Hello" are tokens that no merges make.
        JsonObject model = ByteLevelModel("Ġtest", "Hello");
        model["ignore_merges"] = true;
        return Document(
            model,
            pre: Sequence(Split(Llama3Regex)),
            post: Parse("""
                {"type":"Sequence","processors":[{"type":"ByteLevel","add_prefix_space":true,"trim_offsets":false,"use_regex":true},
                {"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"<|begin_of_text|>","type_id":0}},{"Sequence":{"id":"A",
                "type_id":0}}],
                "pair":[{"Sequence":{"id":"A","type_id":0}},{"Sequence":{"id":"B","type_id":1}}],
                "special_tokens":{"<|begin_of_text|>":{"id":"<|begin_of_text|>","ids":[278],"tokens":["<|begin_of_text|>"]}}}]}
                """),
            decoder: ByteLevel(useRegex: true),
            added: [Token(278, "<|begin_of_text|>", special: true), Token(279, "<|eot_id|>", special: true)]);
    }

    private static JsonObject SentencePieceModel()
    {
        string[] merges = ["▁ t", "h e", "▁t he", "l l", "he ll", "hell o", "▁ w", "o r", "l d", "▁w or", "▁wor ld", "▁ ▁", "▁▁ ▁▁", "e l",
            "o n"];
        JsonObject model = Model(
            ["<unk>", "<s>", "</s>", .. Enumerable.Range(0, 256).Select(b => $"<0x{b:X2}>"), .. "▁thelowrdn.éA".Select(c => c.ToString()),
                .. merges.Select(merge => merge.Replace(" ", "", StringComparison.Ordinal))],
            merges.Select(merge => new JsonArray([.. merge.Split(' ').Select(part => (JsonNode)part)])));
        model["unk_token"] = "<unk>";
        model["fuse_unk"] = true;
        model["byte_fallback"] = true;
        return model;
    }

    private static JsonNode[] SentencePieceTokens() =>
        [Token(0, "<unk>", special: true), Token(1, "<s>", special: true), Token(2, "</s>", special: true)];

    private static JsonObject SentencePiece() => Document(
        SentencePieceModel(),
        normalizer: Parse("""
            {"type":"Sequence","normalizers":[{"type":"Prepend","prepend":"▁"},{"type":"Replace","pattern":{"String":" "},"content":"▁"}]}
            """),
        post: Parse("""
            {"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"<s>","type_id":0}},{"Sequence":{"id":"A","type_id":0}},
            {"SpecialToken":{"id":"</s>","type_id":0}}],
            "pair":[{"Sequence":{"id":"A","type_id":0}},{"Sequence":{"id":"B","type_id":1}}],
            "special_tokens":{"<s>":{"id":"<s>","ids":[1],"tokens":["<s>"]},"</s>":{"id":"</s>","ids":[2],"tokens":["</s>"]}}}
            """),
        decoder: Parse("""
            {"type":"Sequence","decoders":[{"type":"Replace","pattern":{"String":"▁"},"content":" "},{"type":"ByteFallback"},
            {"type":"Fuse"},{"type":"Strip","content":" ","start":1,"stop":0}]}
            """),
        added: SentencePieceTokens());

    private static JsonObject Metaspace()
    {
        JsonObject model = SentencePieceModel();
        model["byte_fallback"] = false;
        return Document(
            model,
            pre: Parse("""{"type":"Metaspace","replacement":"▁","prepend_scheme":"first","split":true}"""),
            decoder: Parse("""{"type":"Metaspace","replacement":"▁","prepend_scheme":"first","split":true}"""),
            added: SentencePieceTokens());
    }

    private static JsonObject WithAddedTokens() => Document(
        ByteLevelModel(),
        normalizer: Parse("""{"type":"Lowercase"}"""),
        pre: ByteLevel(useRegex: true),
        decoder: ByteLevel(useRegex: true),
        added:
        [
            Token(276, "<left>", left: true), Token(277, "<right>", right: true), Token(278, "<both>", left: true, right: true),
                Token(279, "word", singleWord: true),
            Token(280, "ABC"), Token(281, "ABCDE"), Token(282, "Norm", normalized: true), Token(283, "<end>", special: true),
                Token(284, "one two"),
        ]);

    private static JsonObject Clip()
    {
        string[] merges = ["l o", "lo w</w>", "lo w", "e r</w>", "low er</w>"];
        JsonObject model = Model(
            ["<unk>", .. "lower".Distinct().SelectMany(c => new[] { $"{c}", $"{c}</w>" }),
                .. merges.Select(merge => merge.Replace(" ", "", StringComparison.Ordinal))],
            merges.Select(merge => (JsonNode)merge));
        model["unk_token"] = "<unk>";
        model["end_of_word_suffix"] = "</w>";
        return Document(model, normalizer: Parse("""{"type":"Lowercase"}"""), pre: Parse("""{"type":"WhitespaceSplit"}"""),
            decoder: Parse("""{"type":"BPEDecoder","suffix":"</w>"}"""));
    }
}
