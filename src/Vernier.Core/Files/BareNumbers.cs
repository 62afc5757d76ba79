using System.Text;
using System.Text.Json;
using Vernier.Errors;

namespace Vernier.Files;

/// <summary>
/// <c>NaN</c>, <c>Infinity</c> and <c>-Infinity</c>, which Python writes as they are and JSON lacks. Where they may stand they are read
/// as texts that nobody writes, so that what is not asked for does not matter, and written as they were.
/// </summary>
public static class BareNumbers
{
    private const string Mark = "$bare:";

    private static readonly string[] s_names = ["-Infinity", "Infinity", "NaN"];

    /// <summary>The number that a value stands for, or null for any other value.</summary>
    public static string? NameOf(JsonElement value) =>
        value.ValueKind == JsonValueKind.String && value.GetString() is string text && text.StartsWith(Mark, StringComparison.Ordinal)
            && Array.IndexOf(s_names, text[Mark.Length..]) is int index and >= 0 ? s_names[index] : null;

    /// <summary>A text in which each of these numbers, where a value may stand, has become a text that <see cref="NameOf"/>
    /// knows.</summary>
    public static ReadOnlyMemory<byte> Hide(ReadOnlyMemory<byte> utf8)
    {
        ReadOnlySpan<byte> text = utf8.Span;
        if (text.IndexOf("NaN"u8) < 0 && text.IndexOf("Infinity"u8) < 0)
            return utf8;
        var result = new List<byte>(text.Length + 64);
        bool quoted = false;
        for (int at = 0; at < text.Length;)
        {
            if (!quoted && Length(text, at) is int length and > 0)
            {
                result.AddRange(Encoding.ASCII.GetBytes($"\"{Mark}{Encoding.ASCII.GetString(text.Slice(at, length))}\""));
                at += length;
                continue;
            }
            if (quoted && text[at] == '\\' && at + 1 < text.Length)
                result.Add(text[at++]);
            else if (text[at] == '"')
                quoted = !quoted;
            result.Add(text[at++]);
        }
        return result.ToArray();
    }

    /// <summary>The text as it was before <see cref="Hide"/>.</summary>
    public static byte[] Restore(ReadOnlySpan<byte> utf8)
    {
        if (utf8.IndexOf(Encoding.ASCII.GetBytes($"\"{Mark}")) < 0)
            return utf8.ToArray();
        string text = Encoding.UTF8.GetString(utf8);
        foreach (string name in s_names)
            text = text.Replace($"\"{Mark}{name}\"", name, StringComparison.Ordinal);
        return Encoding.UTF8.GetBytes(text);
    }

    /// <summary>The error of such a number that is asked for.</summary>
    internal static InvalidFileException Refuse(string path, string subject, string number, string place = "") =>
        new(path, FileRules.JsonNotFinite, $"{subject} is {number}, which is no number of JSON{place}", "Write a number, or null for none");

    /// <summary>The first of these numbers in a text that is JSON but for them, with the way to it, such as <c>a.b[2]</c>.</summary>
    internal static (string Number, string Member)? Find(ReadOnlySpan<byte> utf8)
    {
        byte[] hidden = Hide(utf8.ToArray()).ToArray();
        if (hidden.Length == utf8.Length)
            return null;
        try
        {
            using var document = JsonDocument.Parse(hidden, new JsonDocumentOptions { MaxDepth = StrictJson.MaxDepth });
            return Find(document.RootElement, "");
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static (string Number, string Member)? Find(JsonElement value, string path)
    {
        if (NameOf(value) is string number)
            return (number, path);
        if (value.ValueKind == JsonValueKind.Object)
        {
            return value.EnumerateObject().Select(member => Find(member.Value, path.Length == 0 ? member.Name : $"{path}.{member.Name}"))
                .FirstOrDefault(found => found is not null);
        }
        return value.ValueKind != JsonValueKind.Array ? null
            : value.EnumerateArray().Select((item, index) => Find(item, $"{path}[{index}]")).FirstOrDefault(found => found is not null);
    }

    // Only where a value ends there: a name of a member is none.
    private static int Length(ReadOnlySpan<byte> text, int at)
    {
        if (text[at] is not ((byte)'-' or (byte)'I' or (byte)'N'))
            return 0;
        foreach (string name in s_names)
        {
            if (!text[at..].StartsWith(Encoding.ASCII.GetBytes(name)))
                continue;
            ReadOnlySpan<byte> rest = text[(at + name.Length)..].TrimStart(" \t\r\n"u8);
            if (rest.IsEmpty || rest[0] is (byte)',' or (byte)']' or (byte)'}')
                return name.Length;
        }
        return 0;
    }
}
