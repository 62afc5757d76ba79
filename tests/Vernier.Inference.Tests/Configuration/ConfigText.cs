using System.Text;
using System.Text.Json.Nodes;
using Vernier.Inference.Architectures;
using Vernier.Inference.Decoders;

namespace Vernier.Tests.Configuration;

/// <summary>A config.json that differs from that of a small network in some members.</summary>
internal static class ConfigText
{
    /// <summary>The network's entries, of a family, with others in their place.</summary>
    /// <param name="type">The value of <c>model_type</c>.</param>
    /// <param name="changes">An object; a member that is the text "-" is left out.</param>
    public static string Change(string type, string changes)
    {
        JsonObject config = JsonNode.Parse((TinySpecs.Llama with { Type = type }).Config())!.AsObject();
        foreach ((string name, JsonNode? value) in JsonNode.Parse(changes)!.AsObject())
        {
            if (value is JsonValue text && text.TryGetValue(out string? mark) && mark == "-")
                config.Remove(name);
            else
                config[name] = value?.DeepClone();
        }
        return config.ToJsonString();
    }

    /// <summary>Reads a configuration of a transformer.</summary>
    public static TransformerConfig Read(string type, string changes, string path = "config.json") =>
        (TransformerConfig)ArchitectureCatalogue.Read(Encoding.UTF8.GetBytes(Change(type, changes)), path);
}
