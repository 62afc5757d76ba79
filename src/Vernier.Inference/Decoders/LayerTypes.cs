using System.Text.Json;
using Vernier.Errors;
using Vernier.Inference.Configuration;

namespace Vernier.Inference.Decoders;

/// <summary>The member <c>layer_types</c>: what each layer is.</summary>
public static class LayerTypes
{
    /// <summary>Attention to the whole context.</summary>
    public const string Full = "full_attention";

    /// <summary>Attention to a sliding window.</summary>
    public const string Sliding = "sliding_attention";

    /// <summary>Attention within chunks.</summary>
    public const string Chunked = "chunked_attention";

    /// <summary>A state space or linear attention.</summary>
    public const string Linear = "linear_attention";

    /// <summary>Reads the types.</summary>
    /// <param name="root">The object of config.json.</param>
    /// <param name="layers">The number of layers.</param>
    /// <param name="absent">The type of a layer where the file does not list them.</param>
    /// <param name="known">The types that the family has.</param>
    /// <exception cref="InvalidFileException">The list has another length, or a type that the family does not have.</exception>
    public static string[] Read(ConfigObject root, int layers, Func<int, string> absent, params IReadOnlyList<string> known)
    {
        ArgumentNullException.ThrowIfNull(absent);
        if (root.Array("layer_types", layers) is not { } list)
            return [.. Enumerable.Range(0, layers).Select(absent)];
        return [.. list.EnumerateArray().Select(entry => entry.ValueKind == JsonValueKind.String && known.Contains(entry.GetString())
            ? entry.GetString()!
            : throw root.Error(ModelRules.ConfigLayerTypes,
                $"'layer_types' has {ConfigObject.Quote(entry.GetRawText())}, none of {string.Join(", ", known)}"))];
    }

    /// <summary>The entries of a list of flags or of 0 and 1, or what stands for them where the file does not list them.</summary>
    /// <param name="root">The object of config.json.</param>
    /// <param name="member">The list.</param>
    /// <param name="layers">The number of layers.</param>
    /// <param name="absent">What holds for a layer where the file does not say.</param>
    /// <exception cref="InvalidFileException">The list has another length or other entries.</exception>
    public static bool[] Flags(ConfigObject root, string member, int layers, Func<int, bool> absent)
    {
        ArgumentNullException.ThrowIfNull(absent);
        if (root.Array(member, layers) is not { } list)
            return [.. Enumerable.Range(0, layers).Select(absent)];
        return [.. list.EnumerateArray().Select(entry => entry.ValueKind switch
        {
            JsonValueKind.True => true,
            JsonValueKind.False => false,
            JsonValueKind.Number when entry.TryGetInt32(out int number) && number is 0 or 1 => number == 1,
            _ => throw root.Error(ModelRules.ConfigType,
                $"{ConfigObject.Quote(member)} has {ConfigObject.Quote(entry.GetRawText())}, no flag"),
        })];
    }
}
