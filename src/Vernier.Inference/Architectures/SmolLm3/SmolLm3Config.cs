using Vernier.Inference.Configuration;
using Vernier.Inference.Decoders;

namespace Vernier.Inference.Architectures.SmolLm3;

/// <summary>What config.json says about a SmolLM3: a Llama every fourth layer of which does not rotate.</summary>
internal sealed class SmolLm3Config : TransformerConfig
{
    private static readonly FamilyKeys s_keys = new("""{"rope_theta": 2000000, "tie_word_embeddings": true}""");

    private readonly bool _bias;
    private readonly bool[] _rotates;
    private readonly string[] _types;
    private readonly int? _window;

    /// <summary>Reads the file.</summary>
    public SmolLm3Config(ConfigObject root)
        : base(root.As(s_keys), new TransformerRules { KeyValueHeads = 4 })
    {
        _bias = root.Flag("attention_bias", false);
        FeedForwardBias = root.Flag("mlp_bias", false);
        int interval = root.Integer("no_rope_layer_interval", 1, MostLayers, 4);
        _rotates = LayerTypes.Flags(root, "no_rope_layers", LayerCount, layer => (layer + 1) % interval != 0);
        bool slides = root.Flag("use_sliding_window", false) && root.Has("sliding_window");
        _window = slides ? ReadWindow(root) : null;
        root.Mentions("sliding_window");
        _types = LayerTypes.Read(root, LayerCount, layer => slides && !_rotates[layer] ? LayerTypes.Sliding : LayerTypes.Full,
            LayerTypes.Full, LayerTypes.Sliding);
    }

    /// <inheritdoc/>
    public override bool QueryKeyValueBias => _bias;

    /// <inheritdoc/>
    public override bool OutputBias => _bias;

    /// <inheritdoc/>
    public override bool FeedForwardBias { get; }

    /// <inheritdoc/>
    public override int? WindowOf(int layer) => _types[layer] == LayerTypes.Sliding ? _window : null;

    /// <inheritdoc/>
    public override RopeConfig? RopeOf(int layer) => _rotates[layer] ? Rope : null;
}
