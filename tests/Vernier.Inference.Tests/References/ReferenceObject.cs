using System.Text.Json;
using System.Text.RegularExpressions;

namespace Vernier.Tests.References;

/// <summary>An object of config.json as the reference reads it. A null is what the library makes of it: see each caller.</summary>
internal sealed partial class ReferenceObject
{
    private readonly Dictionary<string, JsonElement> _members = new(StringComparer.Ordinal);

    public ReferenceObject(JsonElement element)
    {
        if (element.ValueKind != JsonValueKind.Object)
            throw new ReferenceRefusal("no object");
        foreach (JsonProperty member in element.EnumerateObject())
        {
            if (!_members.TryAdd(member.Name, member.Value))
                throw new ReferenceRefusal($"{member.Name} stands twice");
        }
    }

    public IReadOnlyDictionary<string, JsonElement> Members => _members;

    public static ReferenceObject Parse(byte[] utf8)
    {
        try
        {
            string text = System.Text.Encoding.UTF8.GetString(utf8);
            using JsonDocument document = JsonDocument.Parse(BareNumber().Replace(text, "${before}\"${number}\""));
            return new ReferenceObject(document.RootElement.Clone());
        }
        catch (JsonException e)
        {
            throw new ReferenceRefusal("no JSON: " + e.Message);
        }
    }

    // Python writes numbers that JSON lacks; where one is read, a text is no number either.
    [GeneratedRegex(@"(?<before>[:\[,]\s*)(?<number>NaN|-?Infinity)(?=\s*[,\]}])", RegexOptions.CultureInvariant, 1000)]
    private static partial Regex BareNumber();

    /// <summary>Whether the name is there, be it with null.</summary>
    public bool Mentions(string name) => _members.ContainsKey(name);

    /// <summary>Whether there is a value.</summary>
    public bool Has(string name) => Mentions(name) && _members[name].ValueKind != JsonValueKind.Null;

    public bool IsNull(string name) => Mentions(name) && !Has(name);

    /// <summary>A whole number from 1; the default where there is none, a refusal where there is no default.</summary>
    public int Size(string name, int? absent = null)
    {
        if (!Has(name))
            return absent ?? throw new ReferenceRefusal($"{name} is missing");
        return _members[name].ValueKind == JsonValueKind.Number && _members[name].TryGetInt32(out int size) && size > 0 ? size
            : throw new ReferenceRefusal($"{name} is {_members[name].GetRawText()}");
    }

    /// <summary>A number above 0.</summary>
    public double Number(string name, double? absent = null)
    {
        if (!Has(name))
            return absent ?? throw new ReferenceRefusal($"{name} is missing");
        return _members[name].ValueKind == JsonValueKind.Number && _members[name].GetDouble() is > 0 and < 1e18 and double number ? number
            : throw new ReferenceRefusal($"{name} is {_members[name].GetRawText()}");
    }

    /// <summary>A truth value; null is false, as it is in Python.</summary>
    public bool Flag(string name) => Has(name) && _members[name].ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        _ => throw new ReferenceRefusal($"{name} is {_members[name].GetRawText()}"),
    };

    public string? Text(string name) => !Has(name) ? null
        : _members[name].ValueKind == JsonValueKind.String ? _members[name].GetString()
        : throw new ReferenceRefusal($"{name} is {_members[name].GetRawText()}");

    /// <summary>An object; null where there is none.</summary>
    public ReferenceObject? Object(string name) => Has(name) ? new ReferenceObject(_members[name]) : null;

    /// <summary>Numbers above 0, exactly so many.</summary>
    public double[] Numbers(string name, int count)
    {
        if (!Has(name) || _members[name].ValueKind != JsonValueKind.Array || _members[name].GetArrayLength() != count)
            throw new ReferenceRefusal($"{name} is no list of {count}");
        return [.. _members[name].EnumerateArray().Select(entry => entry.ValueKind == JsonValueKind.Number && entry.GetDouble() > 0
            ? entry.GetDouble() : throw new ReferenceRefusal($"{name} has {entry.GetRawText()}"))];
    }
}
