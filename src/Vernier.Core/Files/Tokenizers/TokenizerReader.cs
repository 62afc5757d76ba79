using System.Text.Json;
using Vernier.Errors;
using Vernier.Files.Tokenizers.AddedTokens;
using Vernier.Files.Tokenizers.Decoders;
using Vernier.Files.Tokenizers.Models;
using Vernier.Files.Tokenizers.Normalizers;
using Vernier.Files.Tokenizers.PreTokenizers;
using Vernier.Files.Tokenizers.Rules;

namespace Vernier.Files.Tokenizers;

/// <summary>Reads tokenizer.json and tokenizer_config.json.</summary>
internal static class TokenizerReader
{
    private const long MaxTokenizerBytes = 256L << 20;
    private const long MaxConfigBytes = 16L << 20;

    /// <summary>Reads the files of a folder.</summary>
    public static TokenizerParts Read(string folder)
    {
        string path = Path.Combine(folder, "tokenizer.json"), configPath = Path.Combine(folder, "tokenizer_config.json");
        if (!File.Exists(path))
            throw new InvalidFileException(folder, TokenizerRules.Missing, "there is no tokenizer.json",
                "Give the folder of a Hugging Face model that has one");
        using JsonDocument document = StrictJson.Parse(path, MaxTokenizerBytes);
        using JsonDocument? config = File.Exists(configPath) ? StrictJson.Parse(configPath, MaxConfigBytes) : null;
        return Read(new JsonField(document.RootElement, path, ""), config is null ? null
            : new JsonField(config.RootElement, configPath, ""));
    }

    /// <summary>Reads texts in memory; the path is for messages.</summary>
    public static TokenizerParts Read(ReadOnlyMemory<byte> tokenizer, ReadOnlyMemory<byte> configuration, string path)
    {
        using JsonDocument document = StrictJson.Parse(tokenizer, path), config = StrictJson.Parse(configuration, path);
        return Read(new JsonField(document.RootElement, path, ""), new JsonField(config.RootElement, path, ""));
    }

    /// <summary>Reads documents that are parsed already.</summary>
    public static TokenizerParts Read(JsonField root, JsonField? config)
    {
        if (root.Find("version") is { } version && version.AsString() != "1.0")
            throw version.Error(TokenizerRules.UnsupportedVersion, $"the version '{version.AsString()}' isn't supported",
                "Save the tokenizer with version 1.0 of the format");
        BytePairModel model = BytePairReader.Read(root.Get("model"));
        List<AddedToken> added = AddedTokenReader.Read(root.Find("added_tokens"), model.Vocabulary);
        int? bos = ReadSpecial(config, "bos_token", model.Vocabulary), eos = ReadSpecial(config, "eos_token", model.Vocabulary);
        return new TokenizerParts(
            model,
            NormalizerReader.Read(root.Find("normalizer"), root.File),
            root.Find("pre_tokenizer") is { } preTokenizer ? PreTokenizerReader.Read(preTokenizer) : [],
            DecoderReader.Read(root.Find("decoder")),
            added,
            SpecialTokenTemplate.Read(root.Find("post_processor"), model.Vocabulary) ?? FromConfig(config, bos, eos),
            bos,
            eos);
    }

    /// <summary>The tokens that <c>add_bos_token</c> and <c>add_eos_token</c> ask for, where the tokenizer.json adds none.</summary>
    private static SpecialTokenTemplate FromConfig(JsonField? config, int? bos, int? eos) =>
        new(Ids("add_bos_token", "bos_token", bos, config), Ids("add_eos_token", "eos_token", eos, config));

    private static int[] Ids(string flag, string name, int? id, JsonField? config)
    {
        if (config?.Flag(flag) != true)
            return [];
        return id is int known ? [known]
            : throw config.Value.Error(TokenizerRules.UnknownSpecialToken, $"{flag} is true, but there is no {name}",
                $"Name the {name} or set {flag} to false");
    }

    /// <summary>Reads a token that is given as a text or as an object with the text as <c>content</c>.</summary>
    private static int? ReadSpecial(JsonField? config, string name, Vocabulary vocabulary)
    {
        if (config?.Find(name) is not { } field)
            return null;
        string token = (field.Element.ValueKind == JsonValueKind.Object ? field.Get("content") : field).AsString();
        return vocabulary.TryGetId(token, out int id) ? id
            : throw field.Error(TokenizerRules.UnknownSpecialToken, $"the token '{token}' isn't in the vocabulary",
                $"Name a token of tokenizer.json as {name}");
    }
}
