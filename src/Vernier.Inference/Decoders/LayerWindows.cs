using System.Text.Json;
using Vernier.Errors;
using Vernier.Inference.Configuration;

namespace Vernier.Inference.Decoders;

/// <summary>
/// The sliding windows of layers as Qwen's config.json tells them: one of <c>sliding_window</c> tokens, 4096 where the file does not
/// mention
/// it, in the layers that <c>layer_types</c> lists, else from <c>max_window_layers</c> on; none at all unless <c>use_sliding_window</c>
/// asks.
/// </summary>
public sealed class LayerWindows
{
    private readonly int? _window;
    private readonly bool[] _sliding;

    /// <summary>Reads the windows.</summary>
    /// <param name="root">The object of config.json.</param>
    /// <param name="layers">The number of layers.</param>
    /// <exception cref="InvalidFileException">A value has the wrong type or lies outside its range, or a layer slides without a
    /// window.</exception>
    public LayerWindows(ConfigObject root, int layers)
    {
        bool given = root.Has("sliding_window") || !root.Mentions("sliding_window"), used = root.Flag("use_sliding_window", false) && given;
        _window = used ? root.Integer("sliding_window", 1, ModelConfig.MostPositions, 4096) : null;
        _sliding = new bool[layers];
        int first = root.Integer("max_window_layers", 0, ModelConfig.MostPositions, 28);
        JsonElement? types = root.Array("layer_types", layers);
        for (int layer = 0; layer < layers; layer++)
            _sliding[layer] = types is { } list ? IsSliding(root, list[layer]) : layer >= first && _window is not null;
    }

    /// <summary>The window of a layer in tokens, or null where it sees the whole context.</summary>
    public int? this[int layer] => _sliding[layer] ? _window : null;

    private bool IsSliding(ConfigObject root, JsonElement type)
    {
        switch (type.ValueKind == JsonValueKind.String ? type.GetString() : null)
        {
            case "full_attention":
                return false;
            case "sliding_attention" when _window is not null:
                return true;
            case "sliding_attention":
                throw root.Error(ModelRules.ConfigLayerTypes, "'layer_types' has sliding attention but there is no sliding window");
            default:
                throw root.Error(ModelRules.ConfigLayerTypes,
                    $"'layer_types' has {ConfigObject.Quote(type.GetRawText())}, neither full_attention nor sliding_attention");
        }
    }
}
