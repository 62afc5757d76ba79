using System.Text.Json;

namespace Vernier.Tests.Edits;

/// <summary>A JSON object as text that can be wrong: its members in order, each with the text of its value, and names may stand
/// twice.</summary>
internal sealed class JsonText
{
    public List<(string Name, string Value)> Members { get; init; } = [];

    public JsonText Copy() => new() { Members = [.. Members] };

    /// <summary>Takes an object apart; null for text that is none.</summary>
    public static JsonText? Parse(string text)
    {
        if (!text.StartsWith('{'))
            return null;
        try
        {
            using JsonDocument document = JsonDocument.Parse(text);
            return new JsonText {
                Members = [.. document.RootElement.EnumerateObject().Select(member => (member.Name, member.Value.GetRawText()))] };
        }
        catch (JsonException)
        {
            return null; // An earlier edit has made it so.
        }
    }

    public override string ToString() =>
        "{" + string.Join(", ", Members.Select(member => $"{JsonSerializer.Serialize(member.Name)}: {member.Value}")) + "}";
}
