using System.Text.Json;
using Vernier.Errors;

namespace Vernier.Inference;

/// <summary>An object of a configuration file whose values are read with their type and range checked. Null counts as absent.</summary>
internal readonly struct ConfigObject(string path, JsonElement element)
{
    private const int LongestQuote = 60;

    public string Path => path;

    public JsonElement Element => element;

    public bool Has(string name) => TryGet(name, out _);

    /// <summary>Whether the name is there at all, even with the value null.</summary>
    public bool Mentions(string name) => element.TryGetProperty(name, out _);

    public int Integer(string name, int minimum, int maximum, int? absent = null)
    {
        if (!TryGet(name, out JsonElement value))
            return absent ?? throw Missing(name);
        return CheckInteger(name, value, minimum, maximum);
    }

    public double Number(string name, double above, double maximum, double? absent = null)
    {
        if (!TryGet(name, out JsonElement value))
            return absent ?? throw Missing(name);
        return CheckNumber(name, value, above, maximum);
    }

    public bool Flag(string name, bool absent)
    {
        if (!TryGet(name, out JsonElement value))
            return absent;
        return value.ValueKind switch
        {
            JsonValueKind.True => true,
            JsonValueKind.False => false,
            _ => throw WrongType(name, "true or false"),
        };
    }

    public string? Text(string name)
    {
        if (!TryGet(name, out JsonElement value))
            return null;
        return value.ValueKind == JsonValueKind.String ? value.GetString() : throw WrongType(name, "a string");
    }

    public ConfigObject? Object(string name)
    {
        if (!TryGet(name, out JsonElement value))
            return null;
        return value.ValueKind == JsonValueKind.Object ? new ConfigObject(path, value) : throw WrongType(name, "an object");
    }

    /// <summary>An array of exactly so many entries, or null where absent.</summary>
    public JsonElement? Array(string name, int length)
    {
        if (!TryGet(name, out JsonElement value))
            return null;
        if (value.ValueKind != JsonValueKind.Array)
            throw WrongType(name, "an array");
        if (value.GetArrayLength() != length)
            throw Error(ModelRules.ConfigLength, $"'{name}' has {value.GetArrayLength()} entries where {length} are needed");
        return value;
    }

    public double[]? Numbers(string name, int length, double above, double maximum)
    {
        if (Array(name, length) is not { } array)
            return null;
        ConfigObject self = this;
        return [.. array.EnumerateArray().Select(value => self.CheckNumber(name, value, above, maximum))];
    }

    /// <summary>One integer or a list of at most 1024; empty where absent.</summary>
    public int[] Integers(string name, int minimum, int maximum)
    {
        if (!TryGet(name, out JsonElement value))
            return [];
        if (value.ValueKind != JsonValueKind.Array)
            return [CheckInteger(name, value, minimum, maximum)];
        if (value.GetArrayLength() > 1024)
            throw Error(ModelRules.ConfigLength, $"'{name}' has {value.GetArrayLength()} entries, more than 1024");
        ConfigObject self = this;
        return [.. value.EnumerateArray().Select(entry => self.CheckInteger(name, entry, minimum, maximum))];
    }

    public InvalidFileException Error(string rule, string problem, string remedy = "Correct the value, or download the file again") =>
        new(path, rule, problem, remedy);

    /// <summary>A value of the file as it may be quoted in a message: one line, not long.</summary>
    public static string Quote(string text) =>
        "'" + string.Concat((text.Length > LongestQuote ? text[..LongestQuote] + "..." : text).Select(c => char.IsControl(c) ? '?' : c)) + "'";

    private bool TryGet(string name, out JsonElement value) =>
        element.TryGetProperty(name, out value) && value.ValueKind != JsonValueKind.Null;

    private int CheckInteger(string name, JsonElement value, int minimum, int maximum)
    {
        if (value.ValueKind != JsonValueKind.Number)
            throw WrongType(name, "an integer");
        if (!value.TryGetInt32(out int number) || number < minimum || number > maximum)
            throw Error(ModelRules.ConfigRange, $"'{name}' is {Quote(value.GetRawText())}, not an integer from {minimum} to {maximum}");
        return number;
    }

    private double CheckNumber(string name, JsonElement value, double above, double maximum)
    {
        if (value.ValueKind != JsonValueKind.Number)
            throw WrongType(name, "a number");
        if (!value.TryGetDouble(out double number) || !(number > above && number <= maximum))
            throw Error(ModelRules.ConfigRange, $"'{name}' is {Quote(value.GetRawText())}, not a number above {above} and at most {maximum}");
        return number;
    }

    private InvalidFileException Missing(string name) => Error(ModelRules.ConfigMissing, $"'{name}' is missing");

    private InvalidFileException WrongType(string name, string expected) => Error(ModelRules.ConfigType, $"'{name}' is not {expected}");
}
