using System.Text.Json.Nodes;

namespace Vernier.Inference.Gguf;

/// <summary>
/// What must be changed in one JSON object to get another: a member with its new value, with null where it goes, and for an object on both
/// sides
/// what must be changed in it. A member that becomes null itself is {"$null": true}.
/// </summary>
internal static class JsonPatch
{
    private const string Null = "$null";

    /// <summary>What leads from one object to another; empty where nothing differs.</summary>
    public static JsonObject Between(JsonObject from, JsonObject to)
    {
        var patch = new JsonObject();
        foreach ((string name, JsonNode? value) in to)
        {
            bool known = from.TryGetPropertyValue(name, out JsonNode? old);
            if (known && JsonNode.DeepEquals(old, value))
                continue;
            patch[name] = value is null ? new JsonObject { [Null] = true } : known && old is JsonObject before && value is JsonObject after
                ? Between(before, after) : value.DeepClone();
        }
        foreach ((string name, _) in from)
        {
            if (!to.ContainsKey(name))
                patch[name] = null;
        }
        return patch;
    }

    /// <summary>Changes an object as a patch says.</summary>
    public static void Apply(JsonObject target, JsonObject patch)
    {
        foreach ((string name, JsonNode? value) in patch)
        {
            if (value is null)
                target.Remove(name);
            else if (value is JsonObject { Count: 1 } one && one.ContainsKey(Null))
                target[name] = null;
            else if (value is JsonObject changes && target[name] is JsonObject inner)
                Apply(inner, changes);
            else
                target[name] = value.DeepClone();
        }
    }
}
