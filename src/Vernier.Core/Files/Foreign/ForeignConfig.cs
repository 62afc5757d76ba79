using System.Text.Json;
using Vernier.Errors;

namespace Vernier.Files.Foreign;

/// <summary>An object of <c>quantization_config</c>, which knows the names that it was asked for. Null counts as absent.</summary>
/// <param name="element">The object.</param>
/// <param name="path">The path of config.json, for messages.</param>
internal sealed class ForeignConfig(JsonElement element, string path)
{
    /// <summary>What to do about what is not read.</summary>
    public const string Remedy = "Give the original model in F32, F16 or BF16; the tool that quantized this one may be able to write it";

    private const int LongestQuote = 60;

    private readonly HashSet<string> _known = new(StringComparer.Ordinal);

    /// <summary>The path of config.json, for messages.</summary>
    public string Path => path;

    /// <summary>The names of the members that were not asked for and say something.</summary>
    public IReadOnlyList<string> Unknown =>
        [.. element.EnumerateObject().Where(member => !_known.Contains(member.Name) && !IsNothing(member.Value))
            .Select(member => member.Name)];

    /// <summary>Notes members that do not change what weights stand for.</summary>
    public void Harmless(params ReadOnlySpan<string> names)
    {
        foreach (string name in names)
            _known.Add(name);
    }

    /// <summary>A text, or null where absent.</summary>
    public string? Text(string name) => !TryGet(name, out JsonElement value) ? null
        : value.ValueKind == JsonValueKind.String ? value.GetString() : throw Wrong(name, value, "is not a string");

    /// <summary>A whole number.</summary>
    public int Integer(string name, int minimum, int maximum, int absent) => !TryGet(name, out JsonElement value) ? absent
        : value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out int number) && number >= minimum && number <= maximum ? number
        : throw Wrong(name, value, $"is not an integer from {minimum} to {maximum}");

    /// <summary>True or false.</summary>
    public bool Flag(string name, bool absent) => !TryGet(name, out JsonElement value) ? absent : value.ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        _ => throw Wrong(name, value, "is not true or false"),
    };

    /// <summary>A member of any type, as it is written; null where absent.</summary>
    public string? Written(string name) => TryGet(name, out JsonElement value) ? value.GetRawText() : null;

    /// <summary>An object, or null where absent.</summary>
    public ForeignConfig? Object(string name) => !TryGet(name, out JsonElement value) ? null
        : value.ValueKind == JsonValueKind.Object ? new ForeignConfig(value, path) : throw Wrong(name, value, "is not an object");

    /// <summary>The objects that the members of an object are; none where absent.</summary>
    public IReadOnlyList<ForeignConfig> Objects(string name)
    {
        if (Object(name) is not ForeignConfig members)
            return [];
        ForeignConfig self = this;
        return [.. members.Members.Select(member => member.Value.ValueKind == JsonValueKind.Object
            ? new ForeignConfig(member.Value, self.Path) : throw self.Wrong(member.Name, member.Value, "is not an object"))];
    }

    /// <summary>The names of the members of an object; none where absent.</summary>
    public IReadOnlyList<string> Names(string name) => [.. Object(name)?.Members.Select(member => member.Name) ?? []];

    /// <summary>The texts of a list; none where absent.</summary>
    public IReadOnlyList<string> Texts(string name)
    {
        if (!TryGet(name, out JsonElement value))
            return [];
        return value.ValueKind == JsonValueKind.Array && value.EnumerateArray().All(item => item.ValueKind == JsonValueKind.String)
            ? [.. value.EnumerateArray().Select(item => item.GetString()!)] : throw Wrong(name, value, "is not a list of strings");
    }

    /// <summary>Refuses a member that asks for what is not done here, unless it is absent, false or empty.</summary>
    /// <param name="name">The member.</param>
    /// <param name="what">What it asks for, as in "asks for sparse weights".</param>
    public void Refuse(string name, string what)
    {
        if (TryGet(name, out JsonElement value) && !IsNothing(value))
            throw Unsupported(name, $"which asks for {what}");
    }

    /// <summary>Refuses any other value than those that are read.</summary>
    /// <returns>The value.</returns>
    public string OneOf(string name, string absent, params ReadOnlySpan<string> read)
    {
        string value = Text(name) ?? absent;
        foreach (string one in read)
        {
            if (string.Equals(one, value, StringComparison.OrdinalIgnoreCase))
                return one;
        }
        throw Unsupported(name, "which is not read here");
    }

    /// <summary>The refusal of a member with its value.</summary>
    public UnsupportedModelException Unsupported(string name, string why) => new(path, ForeignRules.Variant,
        $"'{name}' of quantization_config is {Quote(Written(name) ?? "absent")}, {why}", Remedy);

    private IEnumerable<JsonProperty> Members => element.EnumerateObject();

    private bool TryGet(string name, out JsonElement value)
    {
        _known.Add(name);
        return element.TryGetProperty(name, out value) && value.ValueKind != JsonValueKind.Null;
    }

    private InvalidFileException Wrong(string name, JsonElement value, string problem) => new(path, ForeignRules.Config,
        $"'{name}' of quantization_config is {Quote(value.GetRawText())}, which {problem}", "Correct the value, or take the file of the "
            + "original model");

    private static bool IsNothing(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Null or JsonValueKind.False => true,
        JsonValueKind.Object => !value.EnumerateObject().Any(),
        JsonValueKind.Array => value.GetArrayLength() == 0,
        _ => false,
    };

    private static string Quote(string text) => text.Length > LongestQuote ? text[..LongestQuote] + "..." : text;
}
