using System.Text.Json;
using Vernier.Errors;
using Vernier.Files.Tokenizers.AddedTokens;
using Vernier.Files.Tokenizers.Decoders;
using Vernier.Files.Tokenizers.Models;
using Vernier.Files.Tokenizers.Normalizers;
using Vernier.Files.Tokenizers.PreTokenizers;
using Vernier.Files.Tokenizers.Rules;

namespace Vernier.Files.Tokenizers;

/// <summary>Reads tokenizer.json and the files beside it.</summary>
internal static class TokenizerReader
{
    private const long MaxTokenizerBytes = 256L << 20;
    private const long MaxConfigBytes = 16L << 20;

    /// <summary>Reads the files of a folder.</summary>
    public static TokenizerParts Read(string folder)
    {
        string path = Path.Combine(folder, "tokenizer.json");
        if (!File.Exists(path))
            throw new InvalidFileException(folder, TokenizerRules.Missing, "there is no tokenizer.json",
                "Give the folder of a Hugging Face model that has one");
        using JsonDocument document = StrictJson.Parse(path, MaxTokenizerBytes);
        using JsonDocument? config = Settings(folder, "tokenizer_config.json"), map = Settings(folder, "special_tokens_map.json"),
            added = Settings(folder, "added_tokens.json");
        return Read(new JsonField(document.RootElement, path, ""), new TokenizerSettings(Field("tokenizer_config.json", config),
            Field("special_tokens_map.json", map), Field("added_tokens.json", added)));

        JsonField? Field(string name, JsonDocument? file) =>
            file is null ? null : new JsonField(file.RootElement, Path.Combine(folder, name), "");
    }

    /// <summary>Reads texts in memory; the path is for messages.</summary>
    public static TokenizerParts Read(ReadOnlyMemory<byte> tokenizer, ReadOnlyMemory<byte> configuration, string path)
    {
        using JsonDocument document = StrictJson.Parse(tokenizer, path), config = StrictJson.ParseSettings(configuration, path);
        return Read(new JsonField(document.RootElement, path, ""), new TokenizerSettings(new JsonField(config.RootElement, path, "")));
    }

    /// <summary>Reads documents that are parsed already.</summary>
    public static TokenizerParts Read(JsonField root, TokenizerSettings settings)
    {
        if (root.Find("version") is { } version && version.AsString() != "1.0")
            throw version.Error(TokenizerRules.UnsupportedVersion, $"the version '{version.AsString()}' isn't supported",
                "Save the tokenizer with version 1.0 of the format");
        BytePairModel model = BytePairReader.Read(root.Get("model"));
        List<AddedToken> added = settings.With(AddedTokenReader.Read(root.Find("added_tokens"), model.Vocabulary), model.Vocabulary);
        int? bos = settings.SpecialId("bos_token", model.Vocabulary), eos = settings.SpecialId("eos_token", model.Vocabulary);
        List<IPreTokenizer> cuts = root.Find("pre_tokenizer") is { } preTokenizer ? PreTokenizerReader.Read(preTokenizer) : [];
        return new TokenizerParts(
            model,
            NormalizerReader.Read(root.Find("normalizer"), root.File),
            settings.WithPrefixSpace(cuts, root),
            DecoderReader.Read(root.Find("decoder")),
            added,
            settings.Template(SpecialTokenTemplate.Read(root.Find("post_processor"), model.Vocabulary), bos, eos),
            bos,
            eos,
            settings.Check());
    }

    private static JsonDocument? Settings(string folder, string name)
    {
        string path = Path.Combine(folder, name);
        return File.Exists(path) ? StrictJson.ParseSettings(path, MaxConfigBytes) : null;
    }
}
