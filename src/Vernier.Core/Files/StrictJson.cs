using System.Text.Json;
using System.Text.Unicode;
using Vernier.Errors;

namespace Vernier.Files;

/// <summary>
/// Parses JSON that came from elsewhere: RFC 8259 to the letter, no duplicate keys, bounded in size and depth.
/// Every failure is an <see cref="InvalidFileException"/> with a rule of <see cref="FileRules"/>; in a document that was
/// accepted, <see cref="JsonElement.GetString"/> never throws on a string.
/// </summary>
public static class StrictJson
{
    /// <summary>How deep arrays and objects may be nested: 64.</summary>
    public const int MaxDepth = 64;

    /// <summary>Reads and parses a file.</summary>
    /// <param name="path">The path of the file.</param>
    /// <param name="maxBytes">The largest file that is accepted, in bytes. A longer file is refused before it is read.</param>
    /// <returns>The document, to be disposed by the caller.</returns>
    /// <exception cref="InvalidFileException">
    /// The file is missing, unreadable, empty or longer than <paramref name="maxBytes"/>, or breaks a rule of
    /// <see cref="Parse(ReadOnlyMemory{byte}, string)"/>.
    /// </exception>
    public static JsonDocument Parse(string path, long maxBytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(maxBytes);
        return Parse(ReadFile(path, Math.Min(maxBytes, Array.MaxLength)), path);
    }

    /// <summary>Parses text that is already in memory. The document refers to the memory, which must not change.</summary>
    /// <param name="utf8">The text.</param>
    /// <param name="path">The file that the text came from, for messages.</param>
    /// <returns>The document, to be disposed by the caller.</returns>
    /// <exception cref="InvalidFileException">
    /// The text is not UTF-8, not JSON, has duplicate keys, or is nested deeper than <see cref="MaxDepth"/>.
    /// </exception>
    public static JsonDocument Parse(ReadOnlyMemory<byte> utf8, string path)
    {
        CheckUtf8(utf8.Span, path);
        CheckTokens(utf8.Span, path);
        try
        {
            return JsonDocument.Parse(utf8, new JsonDocumentOptions { MaxDepth = MaxDepth, AllowDuplicateProperties = false });
        }
        catch (JsonException e)
        {
            // The tokens are in order, so what is left is the one rule that only the document knows.
            throw new InvalidFileException(path, FileRules.JsonDuplicateKey, "an object has two members of the same name" + At(e),
                "Remove one of them; which of the two is meant cannot be known", innerException: e);
        }
    }

    /// <summary>As <see cref="Parse(string, long)"/>, for a file of settings of which not all is read: <c>NaN</c>, <c>Infinity</c> and
    /// <c>-Infinity</c>, which Python writes, are passed over as <see cref="BareNumbers"/>.</summary>
    /// <param name="path">The path of the file.</param>
    /// <param name="maxBytes">The largest file that is accepted, in bytes.</param>
    /// <returns>The document, to be disposed by the caller.</returns>
    /// <exception cref="InvalidFileException">The file breaks another rule.</exception>
    public static JsonDocument ParseSettings(string path, long maxBytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(maxBytes);
        return ParseSettings(ReadFile(path, Math.Min(maxBytes, Array.MaxLength)), path);
    }

    /// <summary>As <see cref="Parse(ReadOnlyMemory{byte}, string)"/>, for settings of which not all is read; see
    /// <see cref="ParseSettings(string, long)"/>.</summary>
    /// <param name="utf8">The text.</param>
    /// <param name="path">The file that the text came from, for messages.</param>
    /// <returns>The document, to be disposed by the caller.</returns>
    /// <exception cref="InvalidFileException">The text breaks another rule.</exception>
    public static JsonDocument ParseSettings(ReadOnlyMemory<byte> utf8, string path) => Parse(BareNumbers.Hide(utf8), path);

    private static void CheckUtf8(ReadOnlySpan<byte> utf8, string path)
    {
        if (utf8.StartsWith("\uFEFF"u8))
            throw new InvalidFileException(path, FileRules.JsonNotUtf8, "the text begins with a byte order mark",
                "Save the file as UTF-8 without a byte order mark");
        if (!Utf8.IsValid(utf8))
            throw new InvalidFileException(path, FileRules.JsonNotUtf8, "the text is not UTF-8", $"{InputFile.Again}, or save it as UTF-8");
    }

    private static void CheckTokens(ReadOnlySpan<byte> utf8, string path)
    {
        // The reader's own limit is lifted so that depth has a rule of its own.
        var reader = new Utf8JsonReader(utf8, new JsonReaderOptions { MaxDepth = int.MaxValue });
        try
        {
            while (reader.Read())
            {
                // The depth of the start token itself is that of its parent.
                if (reader.TokenType is JsonTokenType.StartArray or JsonTokenType.StartObject && reader.CurrentDepth >= MaxDepth)
                    throw new InvalidFileException(path, FileRules.JsonTooDeep,
                        $"arrays and objects are nested deeper than {MaxDepth} levels, at byte {reader.TokenStartIndex}", InputFile.Again);
                if (reader.ValueIsEscaped && reader.TokenType is JsonTokenType.String or JsonTokenType.PropertyName)
                    reader.GetString();
            }
        }
        catch (JsonException e)
        {
            throw BareNumbers.Find(utf8) is (string number, string member)
                ? BareNumbers.Refuse(path, member.Length == 0 ? "the value" : $"'{member}'", number, At(e))
                : new InvalidFileException(path, FileRules.JsonInvalid, "the text is not JSON" + At(e), InputFile.Again, innerException: e);
        }
        catch (InvalidOperationException e)
        {
            throw new InvalidFileException(path, FileRules.JsonInvalid,
                $"the string at byte {reader.TokenStartIndex} is not Unicode: it has half of a surrogate pair", InputFile.Again,
                innerException: e);
        }
    }

    private static string At(JsonException e) =>
        e.LineNumber is long line && e.BytePositionInLine is long column ? $" (line {line + 1}, byte {column + 1})" : "";

    private static byte[] ReadFile(string path, long maxBytes)
    {
        using FileStream stream = InputFile.Open(path);
        long length = stream.Length;
        if (length > maxBytes)
            throw new InvalidFileException(path, FileRules.FileTooLarge,
                $"the file is {length} bytes long, and at most {maxBytes} are read", "Check that this is the right file");
        try
        {
            byte[] bytes = GC.AllocateUninitializedArray<byte>((int)length);
            stream.ReadExactly(bytes);
            return bytes;
        }
        catch (Exception e)
        {
            if (InputFile.Failure(path, e) is InvalidFileException failure)
                throw failure;
            throw;
        }
    }
}
