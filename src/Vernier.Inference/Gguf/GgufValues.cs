using System.Globalization;
using System.Text.Json.Nodes;
using Vernier.Files.Gguf;

namespace Vernier.Inference.Gguf;

/// <summary>Metadata values as JSON: {"type": "UInt32", "value": 5}, arrays with the type of their elements, {"type": "Int32[]", "value":
/// [1, 2]}.</summary>
internal static class GgufValues
{
    public static JsonObject ToJson(GgufValue value) => new()
    {
        ["type"] = value.Type == GgufType.Array ? $"{value.ElementType}[]" : $"{value.Type}",
        ["value"] = value.Data is Array items ? new JsonArray(
            [.. items.Cast<object>().Select<object, JsonNode>(item => item is GgufValue inner ? ToJson(inner) : Scalar(item))])
            : Scalar(value.Data),
    };

    /// <summary>The value that <see cref="ToJson"/> wrote, or null where the JSON is none.</summary>
    public static GgufValue? Parse(JsonNode? json)
    {
        if (json is not JsonObject { } described || (string?)described["type"] is not string type)
            return null;
        try
        {
            if (!type.EndsWith("[]", StringComparison.Ordinal))
                return Enum.TryParse(type, out GgufType scalar) ? GgufValue.Of(Number(scalar, described["value"])) : null;
            if (!Enum.TryParse(type[..^2], out GgufType element) || described["value"] is not JsonArray items)
                return null;
            if (element == GgufType.Array)
                return GgufValue.Of(items.Select(item => Parse(item) ?? throw new FormatException()).ToArray());
            object[] numbers = [.. items.Select(item => Number(element, item))];
            var array = Array.CreateInstance(numbers.Length > 0 ? numbers[0].GetType()
                : Number(element, JsonValue.Create("0")).GetType(), numbers.Length);
            numbers.CopyTo(array, 0);
            return GgufValue.Of(array);
        }
        catch (Exception e) when (e is FormatException or OverflowException or InvalidOperationException or ArgumentException)
        {
            return null;
        }
    }

    // Numbers that JSON lacks, and those that readers of JSON round, are texts.
    private static JsonValue Scalar(object value) => value switch
    {
        string text => JsonValue.Create(text),
        bool flag => JsonValue.Create(flag),
        IFormattable number => JsonValue.Create(number.ToString(value is float or double ? "R" : null, CultureInfo.InvariantCulture)),
        _ => throw new ArgumentException($"{value.GetType()} is no metadata value", nameof(value)),
    };

    private static object Number(GgufType type, JsonNode? json)
    {
        string text = type == GgufType.Bool && json is JsonValue flag && flag.TryGetValue(out bool set) ? set.ToString()
            : (string?)json ?? throw new FormatException();
        CultureInfo c = CultureInfo.InvariantCulture;
        return type switch
        {
            GgufType.UInt8 => byte.Parse(text, c),
            GgufType.Int8 => sbyte.Parse(text, c),
            GgufType.UInt16 => ushort.Parse(text, c),
            GgufType.Int16 => short.Parse(text, c),
            GgufType.UInt32 => uint.Parse(text, c),
            GgufType.Int32 => int.Parse(text, c),
            GgufType.Float32 => float.Parse(text, c),
            GgufType.Bool => text is "true" or "True",
            GgufType.UInt64 => ulong.Parse(text, c),
            GgufType.Int64 => long.Parse(text, c),
            GgufType.Float64 => double.Parse(text, c),
            GgufType.String => text,
            _ => throw new FormatException(),
        };
    }
}
