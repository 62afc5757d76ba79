namespace Vernier.Files.Tokenizers.Rules;

/// <summary>The rules that a tokenizer's files must keep, beside the <see cref="FileRules"/>; docs/formats/tokenizer.md describes
/// each.</summary>
public static class TokenizerRules
{
    /// <summary>The folder has no tokenizer.json.</summary>
    public const string Missing = "tokenizer-missing";

    /// <summary>A member that must be there is absent.</summary>
    public const string MissingField = "tokenizer-missing-field";

    /// <summary>A value has the wrong JSON type or lies outside its range.</summary>
    public const string WrongType = "tokenizer-wrong-type";

    /// <summary>A literal text, such as what a normalizer puts in, is longer than any tokenizer needs.</summary>
    public const string TextTooLong = "tokenizer-text-too-long";

    /// <summary>A component is a sequence of more parts than any tokenizer needs.</summary>
    public const string TooManyParts = "tokenizer-too-many-parts";

    /// <summary>The version of the format isn't 1.0.</summary>
    public const string UnsupportedVersion = "tokenizer-unsupported-version";

    /// <summary>The model isn't byte-pair encoding.</summary>
    public const string UnsupportedModel = "tokenizer-unsupported-model";

    /// <summary>The normalizer isn't supported.</summary>
    public const string UnsupportedNormalizer = "tokenizer-unsupported-normalizer";

    /// <summary>The pre-tokenizer isn't supported.</summary>
    public const string UnsupportedPreTokenizer = "tokenizer-unsupported-pre-tokenizer";

    /// <summary>The post-processor isn't supported.</summary>
    public const string UnsupportedPostProcessor = "tokenizer-unsupported-post-processor";

    /// <summary>The decoder isn't supported.</summary>
    public const string UnsupportedDecoder = "tokenizer-unsupported-decoder";

    /// <summary>A regular expression uses something that isn't supported.</summary>
    public const string UnsupportedPattern = "tokenizer-unsupported-pattern";

    /// <summary>The model drops merges at random.</summary>
    public const string Dropout = "tokenizer-dropout";

    /// <summary>A token id is negative, or far larger than the number of tokens.</summary>
    public const string IdOutOfRange = "tokenizer-id-out-of-range";

    /// <summary>Two tokens have the same id, or one token two ids.</summary>
    public const string IdConflict = "tokenizer-id-conflict";

    /// <summary>A merge isn't a pair of texts.</summary>
    public const string MergeMalformed = "tokenizer-merge-malformed";

    /// <summary>A merge names or makes a token that the vocabulary lacks.</summary>
    public const string MergeUnknownToken = "tokenizer-merge-unknown-token";

    /// <summary>A special token is named that the vocabulary lacks.</summary>
    public const string UnknownSpecialToken = "tokenizer-unknown-special-token";

    /// <summary>A setting changes token ids and isn't supported.</summary>
    public const string UnsupportedSetting = "tokenizer-unsupported-setting";

    /// <summary>A file beside tokenizer.json says otherwise of a token's id, or of a space before a text.</summary>
    public const string Contradiction = "tokenizer-contradiction";

    /// <summary>A normalizer or decoder makes a text many times longer.</summary>
    public const string Expands = "tokenizer-expands";
}
