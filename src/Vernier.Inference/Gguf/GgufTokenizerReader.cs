using System.Text.Json.Nodes;
using Vernier.Errors;
using Vernier.Inference.Configuration;
using static Vernier.Inference.Gguf.GgufTokenizer;

namespace Vernier.Inference.Gguf;

/// <summary>Makes tokenizer.json and tokenizer_config.json of the metadata of a file.</summary>
internal static class GgufTokenizerReader
{
    /// <summary>tokenizer.json and tokenizer_config.json of a file.</summary>
    /// <exception cref="InvalidFileException">The tokenizer can't be represented.</exception>
    public static (JsonObject Tokenizer, JsonObject Settings) ToJson(GgufMetadata metadata)
    {
        string kind = metadata.Text(Prefix + "model") ?? throw metadata.Missing(Prefix + "model");
        if (kind is not ("gpt2" or "llama"))
            throw new UnsupportedModelException(metadata.Path, GgufModelRules.Tokenizer,
                $"the tokenizer is of the kind {ConfigObject.Quote(kind)}",
                "Give a model whose tokenizer is byte-level BPE ('gpt2') or of the SentencePiece kind ('llama')");
        bool pieces = kind == "llama";
        string[] tokens = metadata.Array<string>(Tokens) ?? throw metadata.Missing(Tokens);
        int[] types = metadata.Array<int>(Prefix + "token_type") ?? [.. tokens.Select(_ => Normal)];
        string[]? merges = metadata.Array<string>(Prefix + "merges");
        if (types.Length != tokens.Length)
            throw metadata.Wrong(Prefix + "token_type", $"an array of {tokens.Length} types");
        if (merges is null)
        {
            float[] scores = pieces ? metadata.Array<float>(Prefix + "scores") ?? throw metadata.Missing(Prefix + "scores")
                : throw metadata.Missing(Prefix + "merges");
            if (scores.Length != tokens.Length)
                throw metadata.Wrong(Prefix + "scores", $"an array of {tokens.Length} scores");
            merges = MergesOf(tokens, types, scores);
        }
        string? pre = pieces ? null : metadata.Text(Prefix + "pre") ?? "default";
        JsonNode? preTokenizer = pre is null ? null : GgufPreTokenizers.Of(pre)
            ?? throw new UnsupportedModelException(metadata.Path, GgufModelRules.PreTokenizer,
                $"texts are cut in the way {ConfigObject.Quote(pre)}",
                $"Give a model with one of the ways {string.Join(", ", GgufPreTokenizers.Names)}");

        JsonObject model = Model(tokens, types, merges, pieces, metadata, pre);
        bool space = metadata.Flag(Prefix + "add_space_prefix") ?? true;
        var tokenizer = new JsonObject
        {
            ["version"] = "1.0",
            ["truncation"] = null,
            ["padding"] = null,
            ["added_tokens"] = Added(tokens, types),
            ["normalizer"] = pieces ? PieceNormalizer(space) : pre!.StartsWith("qwen2", StringComparison.Ordinal)
                ? new JsonObject { ["type"] = "NFC" } : null,
            ["pre_tokenizer"] = preTokenizer,
            ["post_processor"] = null,
            ["decoder"] = pieces ? PieceDecoder(space) : GgufPreTokenizers.ByteLevel(useRegex: true, prefix: true),
            ["model"] = model,
        };
        return (tokenizer, Settings(metadata, tokens, pieces));
    }

    private static JsonObject Model(string[] tokens, int[] types, string[] merges, bool pieces, GgufMetadata metadata, string? pre)
    {
        var vocabulary = new JsonObject();
        for (int id = 0; id < tokens.Length; id++)
        {
            bool added = types[id] is Control or UserDefined || !pieces && types[id] == Unknown;
            if (types[id] != Unused && !(added && !pieces) && !vocabulary.TryAdd(tokens[id], id))
                throw new InvalidFileException(metadata.Path, GgufModelRules.Tokenizer,
                    $"the token {ConfigObject.Quote(tokens[id])} stands twice, with the ids {vocabulary[tokens[id]]} and {id}",
                    "Convert the model again");
        }
        return new JsonObject
        {
            ["type"] = "BPE",
            ["dropout"] = null,
            ["unk_token"] = pieces && metadata.Integer(Prefix + "unknown_token_id") is long id1 && id1 >= 0 && id1 < tokens.Length
                ? tokens[id1] : null,
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
                    ["id"] = id, ["content"] = tokens[id], ["single_word"] = false, ["lstrip"] = false, ["rstrip"] = false,
                        ["normalized"] = false, ["special"] = types[id] != UserDefined,
                });
            }
        }
        return added;
    }

    private static JsonObject Settings(GgufMetadata metadata, string[] tokens, bool pieces)
    {
        var settings = new JsonObject { ["tokenizer_class"] = pieces ? "LlamaTokenizerFast" : "PreTrainedTokenizerFast" };
        foreach (string name in Special)
        {
            string key = SpecialKey(name);
            if (metadata.Integer(key) is long id)
                settings[name + "_token"] = id >= 0 && id < tokens.Length ? tokens[id]
                    : throw metadata.Wrong(key, $"a token from 0 to {tokens.Length - 1}");
        }
        // Where the file does not say, llama.cpp begins texts of SentencePiece tokenizers with a token.
        settings["add_bos_token"] = metadata.Flag(Prefix + "add_bos_token") ?? (pieces && settings.ContainsKey("bos_token"));
        settings["add_eos_token"] = metadata.Flag(Prefix + "add_eos_token") ?? false;
        List<KeyValuePair<string, string>> named =
            [.. metadata.Pairs.Where(pair => pair.Key.StartsWith(ChatTemplate + ".", StringComparison.Ordinal) && pair.Value.Data is string)
            .Select(pair => KeyValuePair.Create(pair.Key[(ChatTemplate.Length + 1)..], (string)pair.Value.Data))];
        if (metadata.Text(ChatTemplate) is string template)
        {
            settings["chat_template"] = named.Count == 0 ? template
                : new JsonArray([.. named.Prepend(KeyValuePair.Create("default", template))
                    .Select(pair => new JsonObject { ["name"] = pair.Key, ["template"] = pair.Value })]);
        }
        return settings;
    }

    private static JsonObject PieceNormalizer(bool space)
    {
        JsonNode[] steps = space ? [new JsonObject { ["type"] = "Prepend", ["prepend"] = Space }, Replace(" ", Space)]
            : [Replace(" ", Space)];
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
