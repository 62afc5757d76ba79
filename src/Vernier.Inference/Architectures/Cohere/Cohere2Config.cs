using Vernier.Inference.Configuration;
using Vernier.Inference.Decoders;

namespace Vernier.Inference.Architectures.Cohere;

/// <summary>What config.json says about a Command R7B: three of four layers slide and rotate, every fourth sees all and does not
/// rotate.</summary>
internal sealed class Cohere2Config : CohereConfig
{
    private static readonly FamilyKeys s_keys = new("""{"sliding_window": 4096, "sliding_window_pattern": 4}""");

    private readonly string[] _types;
    private readonly int? _window;

    /// <summary>Reads the file.</summary>
    public Cohere2Config(ConfigObject root)
        : base(root)
    {
        root = root.As(s_keys);
        int own = root.Integer("sliding_window_pattern", 1, MostLayers), pattern = root.Integer("_sliding_window_pattern", 1, MostLayers,
            own);
        _types = LayerTypes.Read(root, LayerCount, layer => (layer + 1) % pattern == 0 ? LayerTypes.Full : LayerTypes.Sliding,
            LayerTypes.Full, LayerTypes.Sliding);
        _window = root.Has("sliding_window") ? ReadWindow(root) : null;
    }

    /// <inheritdoc/>
    public override int? WindowOf(int layer) => _types[layer] == LayerTypes.Sliding ? _window : null;

    /// <inheritdoc/>
    public override RopeConfig? RopeOf(int layer) => _types[layer] == LayerTypes.Sliding ? Rope : null;
}
