using System.Text.Json.Nodes;

namespace Vernier.Tests;

/// <summary>Makes JSON documents from one by putting its own values, and some others, where they don't belong: always JSON, often
/// nonsense.</summary>
internal static class JsonRearranged
{
    private static readonly string[] Values =
    [
        "null", "true", "false", "0", "1", "-1", "2147483647", "1e9", "0.5", "\"\"", "\"a\"", "\" \"", "\"▁\"", "\"\\ud83d\\ude00\"", "[]",
            "{}", "[\"a\",\"b\"]",
        """{"type":"Fuse"}""", """{"type":"NFKD"}""", """{"type":"ByteLevel"}""", """{"type":"Metaspace"}""", """{"type":"Whitespace"}""",
            """{"type":"Digits"}""",
        """{"Regex":"\\s+|x*"}""", """{"Regex":"(?:a|b?c)+?[^\\d]"}""", """{"String":""}""", "\"Removed\"", "\"Contiguous\"",
            "\"MergedWithNext\"", "\"first\"", "\"never\"", "\"<0x41>\"",
    ];

    /// <summary>Documents with one to three changes each.</summary>
    public static IEnumerable<string> Of(JsonObject document, int count, int randomSeed)
    {
        var random = new Random(randomSeed);
        for (int i = 0; i < count; i++)
        {
            JsonNode copy = document.DeepClone();
            for (int changes = random.Next(1, 4); changes > 0; changes--)
                Change(copy, random);
            yield return copy.ToJsonString();
        }
    }

    private static void Change(JsonNode document, Random random)
    {
        JsonNode place = Descend(document, random);
        if (place.Parent is null)
            return;
        switch (random.Next(4))
        {
            case 0 when place.Parent is JsonObject parent:
                parent.Remove(place.GetPropertyName());
                break;
            case 0:
                place.Parent.AsArray().RemoveAt(place.GetElementIndex());
                break;
            case 1:
                place.ReplaceWith(Descend(document, random).DeepClone());
                break;
            case 2 when place.Parent is JsonArray list:
                list.Insert(random.Next(list.Count + 1), place.DeepClone());
                break;
            default:
                place.ReplaceWith(JsonNode.Parse(Values[random.Next(Values.Length)]));
                break;
        }
    }

    /// <summary>A value somewhere below: small parts are as likely as large ones.</summary>
    private static JsonNode Descend(JsonNode node, Random random)
    {
        while (random.Next(5) > 0)
        {
            JsonNode?[] children = node switch
            {
                JsonObject parent => [.. parent.Select(member => member.Value)],
                JsonArray parent => [.. parent],
                _ => [],
            };
            if (children.Length == 0 || children[random.Next(children.Length)] is not { } child)
                break;
            node = child;
        }
        return node;
    }
}
