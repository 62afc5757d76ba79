using Vernier.Files.Tokenizers.Patterns;
using Vernier.Files.Tokenizers.Rules;

namespace Vernier.Files.Tokenizers.Normalizers;

/// <summary>Reads the <c>normalizer</c> of a tokenizer.json.</summary>
internal static class NormalizerReader
{
    /// <summary>Reads the steps in order; a sequence becomes its parts.</summary>
    public static NormalizerChain Read(JsonField? field, string file)
    {
        List<INormalizer> steps = field is { } present ? [.. present.Parts("normalizers").Select(ReadPart)] : [];
        if (steps.OfType<ByteLevelNormalizer>().Skip(1).Any())
            throw field!.Value.Unsupported(TokenizerRules.UnsupportedNormalizer, "more than one ByteLevel isn't supported");
        return new NormalizerChain(file, steps);
    }

    private static INormalizer ReadPart(JsonField field) => field.Get("type").AsString() switch
    {
        "NFC" => new UnicodeForm(Compose: true, Compatibility: false),
        "NFD" => new UnicodeForm(Compose: false, Compatibility: false),
        "NFKC" => new UnicodeForm(Compose: true, Compatibility: true),
        "NFKD" => new UnicodeForm(Compose: false, Compatibility: true),
        "Lowercase" => Map.Lowercase,
        "StripAccents" => Map.StripAccents,
        "Strip" => new Strip(field.Flag("strip_left", missing: true), field.Flag("strip_right", missing: true)),
        "Prepend" => new Prepend(field.Get("prepend").AsShortString()),
        "Replace" => new Replace(PatternReader.Read(field.Get("pattern")), field.Get("content").AsShortString()),
        "ByteLevel" => new ByteLevelNormalizer(),
        string type => throw field.Unsupported(TokenizerRules.UnsupportedNormalizer, $"the normalizer '{type}' isn't supported"),
    };
}
