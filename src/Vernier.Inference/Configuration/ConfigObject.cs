using System.Text.Json;
using Vernier.Errors;
using Vernier.Files;

namespace Vernier.Inference.Configuration;

/// <summary>An object of a configuration file whose values are read with their type and range checked. Null counts as absent.</summary>
/// <param name="path">The path of the file, for messages.</param>
/// <param name="element">The object.</param>
public readonly struct ConfigObject(string path, JsonElement element)
{
    private const int LongestQuote = 60;

    private readonly HashSet<string>? _read;
    private readonly FamilyKeys? _keys;

    private ConfigObject(string path, JsonElement element, HashSet<string>? read, FamilyKeys? keys)
        : this(path, element) => (_read, _keys) = (read, keys);

    /// <summary>The path of the file, for messages.</summary>
    public string Path => path;

    /// <summary>The object.</summary>
    public JsonElement Element => element;

    /// <summary>The member <c>model_type</c>, or an empty text.</summary>
    public string ModelType => element.TryGetProperty("model_type", out JsonElement value) && value.ValueKind == JsonValueKind.String
        ? value.GetString()! : "";

    /// <summary>Whether a value is there.</summary>
    public bool Has(string name) => TryGet(name, out _);

    /// <summary>Whether a value is in the file, not only a default of the family.</summary>
    public bool States(string name) => TryGet(name, out _) && (element.TryGetProperty(_keys?.InFile(name) ?? name, out _)
        || element.TryGetProperty(name, out _));

    /// <summary>Whether the name is there at all, even with the value null.</summary>
    public bool Mentions(string name)
    {
        string inFile = _keys?.InFile(name) ?? name;
        _read?.Add(inFile);
        return element.TryGetProperty(inFile, out _);
    }

    /// <summary>The same object, which notes the names that it is asked for.</summary>
    internal ConfigObject Noting(HashSet<string> read) => new(path, element, read, _keys);

    /// <summary>The same object, with the names and defaults of a family.</summary>
    public ConfigObject As(FamilyKeys keys) => new(path, element, _read, keys);

    /// <summary>A whole number.</summary>
    /// <param name="name">The member.</param>
    /// <param name="minimum">The least that is sound.</param>
    /// <param name="maximum">The most that is sound.</param>
    /// <param name="absent">What stands for a member that is not there; null where it must be.</param>
    /// <exception cref="InvalidFileException">The value is of another type or lies outside its range, or is missing and has no
    /// default.</exception>
    public int Integer(string name, int minimum, int maximum, int? absent = null)
    {
        if (!TryGet(name, out JsonElement value))
            return absent ?? throw Missing(name);
        return CheckInteger(name, value, minimum, maximum);
    }

    /// <summary>A number above one bound and at most another.</summary>
    /// <inheritdoc cref="Integer"/>
    /// <param name="name">The member.</param>
    /// <param name="above">What it must be above.</param>
    /// <param name="maximum">The most that is sound.</param>
    /// <param name="absent">What stands for a member that is not there; null where it must be.</param>
    public double Number(string name, double above, double maximum, double? absent = null)
    {
        if (!TryGet(name, out JsonElement value))
            return absent ?? throw Missing(name);
        return CheckNumber(name, value, above, maximum);
    }

    /// <summary>True or false.</summary>
    /// <exception cref="InvalidFileException">The value is of another type or lies outside its range, or is missing and has no
    /// default.</exception>
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

    /// <summary>A text, or null where absent.</summary>
    /// <exception cref="InvalidFileException">The value is no text.</exception>
    public string? Text(string name)
    {
        if (!TryGet(name, out JsonElement value))
            return null;
        return value.ValueKind == JsonValueKind.String ? value.GetString() : throw WrongType(name, "a string");
    }

    /// <summary>An object, or null where absent.</summary>
    /// <exception cref="InvalidFileException">The value is no object.</exception>
    public ConfigObject? Object(string name)
    {
        if (!TryGet(name, out JsonElement value))
            return null;
        return value.ValueKind == JsonValueKind.Object ? new ConfigObject(path, value) : throw WrongType(name, "an object");
    }

    /// <summary>An array of exactly so many entries, or null where absent.</summary>
    /// <exception cref="InvalidFileException">The value is no array, or of another length.</exception>
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

    /// <summary>An array of exactly so many numbers, each above one bound and at most another, or null where absent.</summary>
    /// <exception cref="InvalidFileException">The value is no such array.</exception>
    public double[]? Numbers(string name, int length, double above, double maximum)
    {
        if (Array(name, length) is not { } array)
            return null;
        ConfigObject self = this;
        return [.. array.EnumerateArray().Select(value => self.CheckNumber(name, value, above, maximum))];
    }

    /// <summary>One integer or a list of at most 1024; empty where absent.</summary>
    /// <exception cref="InvalidFileException">The value is neither, or a number lies outside its range.</exception>
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

    /// <summary>The object that a file is.</summary>
    /// <param name="element">The root of the file.</param>
    /// <param name="path">The path of the file, for messages.</param>
    /// <exception cref="InvalidFileException">It is no object.</exception>
    public static ConfigObject Of(JsonElement element, string path) =>
        element.ValueKind == JsonValueKind.Object ? new ConfigObject(path, element)
        : throw new InvalidFileException(path, ModelRules.ConfigType, "the file is not a JSON object",
            "Give the config.json that belongs to these weights");

    /// <summary>The error of a file that is sound and asks for what does not run here.</summary>
    /// <param name="rule">What it is, of <see cref="ModelRules"/>.</param>
    /// <param name="problem">What is not supported, in one sentence without a full stop.</param>
    /// <param name="remedy">What the user can do.</param>
    public UnsupportedModelException Unsupported(string rule, string problem, string remedy) => new(path, rule, problem, remedy);

    /// <summary>An error of the file.</summary>
    /// <param name="rule">The rule that is broken, of <see cref="ModelRules"/>.</param>
    /// <param name="problem">What is wrong, in one sentence without a full stop.</param>
    /// <param name="remedy">What the user can do.</param>
    public InvalidFileException Error(string rule, string problem,
        string remedy = "Correct the value, or take the file of the original model") =>
        new(path, rule, problem, remedy);

    /// <summary>A value of the file as it may be quoted in a message: one line, not long.</summary>
    public static string Quote(string text) =>
        "'" + string.Concat((text.Length > LongestQuote ? text[..LongestQuote] + "..." : text).Select(c => char.IsControl(c) ? '?' : c))
            + "'";

    private bool TryGet(string name, out JsonElement value)
    {
        if (!Find(name, out value) || value.ValueKind == JsonValueKind.Null)
            return false;
        CheckFinite(name, value);
        return true;
    }

    private bool Find(string name, out JsonElement value)
    {
        string inFile = _keys?.InFile(name) ?? name;
        _read?.Add(inFile);
        if (element.TryGetProperty(inFile, out value))
            return true;
        if (_keys is null)
            return false;
        // The library takes the name that others have too.
        if (inFile != name && element.TryGetProperty(name, out value))
        {
            _read?.Add(name);
            return true;
        }
        return _keys.Defaults.TryGetProperty(name, out value);
    }

    private void CheckFinite(string name, JsonElement value)
    {
        if (BareNumbers.NameOf(value) is string number)
            throw BareNumbers.Refuse(path, $"'{name}'", number);
    }

    private int CheckInteger(string name, JsonElement value, int minimum, int maximum)
    {
        CheckFinite(name, value);
        if (value.ValueKind != JsonValueKind.Number)
            throw WrongType(name, "an integer");
        if (!value.TryGetInt32(out int number) || number < minimum || number > maximum)
            throw Error(ModelRules.ConfigRange, $"'{name}' is {Quote(value.GetRawText())}, not an integer from {minimum} to {maximum}");
        return number;
    }

    private double CheckNumber(string name, JsonElement value, double above, double maximum)
    {
        CheckFinite(name, value);
        if (value.ValueKind != JsonValueKind.Number)
            throw WrongType(name, "a number");
        if (!value.TryGetDouble(out double number) || !(number > above && number <= maximum))
            throw Error(ModelRules.ConfigRange,
                $"'{name}' is {Quote(value.GetRawText())}, not a number above {above} and at most {maximum}");
        return number;
    }

    private InvalidFileException Missing(string name) => Error(ModelRules.ConfigMissing, $"'{name}' is missing");

    private InvalidFileException WrongType(string name, string expected) => Error(ModelRules.ConfigType, $"'{name}' is not {expected}");
}
