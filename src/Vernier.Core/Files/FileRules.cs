using Vernier.Errors;

namespace Vernier.Files;

/// <summary>The rules every file has to keep, and those every JSON file has to keep, by their stable names.</summary>
/// <seealso cref="VernierException.Rule"/>
public static class FileRules
{
    /// <summary>The file exists.</summary>
    public const string FileMissing = "file-missing";

    /// <summary>The path is that of an ordinary file that may be read.</summary>
    public const string FileUnreadable = "file-unreadable";

    /// <summary>The file is at least one byte long.</summary>
    public const string FileEmpty = "file-empty";

    /// <summary>The file is no longer than the reader's limit.</summary>
    public const string FileTooLarge = "file-too-large";

    /// <summary>The text is well-formed UTF-8 without a byte order mark.</summary>
    public const string JsonNotUtf8 = "json-not-utf8";

    /// <summary>The text is one JSON value of RFC 8259: no comments, no trailing commas, no lone surrogates in strings.</summary>
    public const string JsonInvalid = "json-invalid";

    /// <summary>No number that is read is written as <c>NaN</c>, <c>Infinity</c> or <c>-Infinity</c>, which JSON lacks.</summary>
    public const string JsonNotFinite = "json-not-finite";

    /// <summary>No object has two members of the same name.</summary>
    public const string JsonDuplicateKey = "json-duplicate-key";

    /// <summary>Arrays and objects are nested no deeper than <see cref="StrictJson.MaxDepth"/>.</summary>
    public const string JsonTooDeep = "json-too-deep";
}
