using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Vernier.Files;

namespace Vernier.Inference.Models;

/// <summary>The texts of a model.</summary>
/// <param name="Config">config.json.</param>
/// <param name="Tokenizer">tokenizer.json.</param>
/// <param name="Settings">tokenizer_config.json.</param>
/// <param name="ChatTemplate">chat_template.jinja, or null.</param>
/// <param name="Path">The file that errors of the tokenizer name.</param>
internal sealed record ModelTexts(JsonObject Config, JsonObject Tokenizer, JsonObject Settings, string? ChatTemplate, string Path)
{
    private static readonly JsonSerializerOptions s_json =
        new() { WriteIndented = true, NewLine = "\n", Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>A text as files have it.</summary>
    public static byte[] Serialize(JsonNode node) => BareNumbers.Restore(JsonSerializer.SerializeToUtf8Bytes(node, s_json));
}
