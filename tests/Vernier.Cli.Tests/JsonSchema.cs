using System.Text.Json;

namespace Vernier.Tests;

/// <summary>Checks the members of a JSON object: their names, their order and their types.</summary>
internal static class JsonSchema
{
    /// <summary>Compares with a list such as <c>bits:number recipe:string</c>.</summary>
    public static void Check(JsonElement value, string expected)
    {
        IEnumerable<string> members = value.EnumerateObject()
            .Select(member => $"{member.Name}:{member.Value.ValueKind.ToString().ToLowerInvariant()}");
        Assert.Equal(expected.Split((char[])[' ', '\n', '\r'], StringSplitOptions.RemoveEmptyEntries), members);
    }
}
