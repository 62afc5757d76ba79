using System.Text.Json.Nodes;

namespace Vernier.Tests;

/// <summary>The tokenizer of a small model.</summary>
internal static class TinyTokenizer
{
    /// <summary>A SentencePiece-like tokenizer of the size of a tiny model's vocabulary.</summary>
    public static void Write(string folder, int vocabulary)
    {
        string[] tokens = [.. ((string[])["<unk>", "<s>", "</s>", "<pad>", "\u2581", "a", "b", "c", "ab", "\u2581a", "abc", "\u2581ab"]),
            .. Enumerable.Range(0, vocabulary - 12).Select(i => $"<0x{i:X2}>")];
        var vocab = new JsonObject();
        for (int id = 0; id < tokens.Length; id++)
            vocab[tokens[id]] = id;
        JsonObject Added(int id) => new() { ["id"] = id, ["content"] = tokens[id], ["single_word"] = false, ["lstrip"] = false,
            ["rstrip"] = false, ["normalized"] = false, ["special"] = true };
        var tokenizer = new JsonObject
        {
            ["version"] = "1.0", ["truncation"] = null, ["padding"] = null,
            ["added_tokens"] = new JsonArray(Added(0), Added(1), Added(2)),
            ["normalizer"] = JsonNode.Parse(
                """
                    {"type":"Sequence","normalizers":[{"type":"Prepend","prepend":"\u2581"},{"type":"Replace","pattern":{"String":" "},
                    "content":"\u2581"}]}
                    """),
            ["pre_tokenizer"] = null,
            ["post_processor"] = JsonNode.Parse(
                """
                    {"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"<s>","type_id":0}},{"Sequence":{"id":"A","type_id":0}}],
                    "pair":[],"special_tokens":{"<s>":{"id":"<s>","ids":[1],"tokens":["<s>"]}}}
                    """),
            ["decoder"] = JsonNode.Parse(
                """
                    {"type":"Sequence","decoders":[{"type":"Replace","pattern":{"String":"\u2581"},"content":" "},{"type":"ByteFallback"},
                    {"type":"Fuse"},{"type":"Strip","content":" ","start":1,"stop":0}]}
                    """),
            ["model"] = new JsonObject
            {
                ["type"] = "BPE", ["dropout"] = null, ["unk_token"] = "<unk>", ["continuing_subword_prefix"] = null,
                    ["end_of_word_suffix"] = null, ["fuse_unk"] = true, ["byte_fallback"] = true,
                ["vocab"] = vocab, ["merges"] = new JsonArray("a b", "\u2581 a", "ab c", "\u2581 ab", "\u2581a b"),
            },
        };
        File.WriteAllText(Path.Combine(folder, "tokenizer.json"), tokenizer.ToJsonString());
        File.WriteAllText(Path.Combine(folder, "tokenizer_config.json"),
            """
                {"bos_token":{"content":"<s>"},"eos_token":"</s>","unk_token":"<unk>","chat_template":[{"name":"default",
                "template":"{{ x }}"},{"name":"tool","template":"{{ y }}"}],"model_max_length":128}
                """);
        File.WriteAllText(Path.Combine(folder, "chat_template.jinja"), "{{ x }}");
    }
}
