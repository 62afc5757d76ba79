using System.Text.Json;

namespace Vernier.Tests.References;

/// <summary>The ids of a tokenizer.json.</summary>
internal static class ReferenceTokens
{
    /// <summary>The largest id of a token and one; null for text that is no tokenizer.</summary>
    public static int? Count(string json)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(json);
            IEnumerable<int> ids = document.RootElement.GetProperty("model").GetProperty("vocab").EnumerateObject()
                .Select(token => token.Value.GetInt32());
            if (document.RootElement.TryGetProperty("added_tokens", out JsonElement added) && added.ValueKind == JsonValueKind.Array)
                ids = ids.Concat(added.EnumerateArray().Select(token => token.GetProperty("id").GetInt32()));
            return 1 + ids.DefaultIfEmpty(-1).Max();
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            return null;
        }
    }
}
