using Vernier.Inference.Configuration;
using Vernier.Inference.Decoders;

namespace Vernier.Inference.Architectures.Granite;

/// <summary>What config.json says about a Granite 4.</summary>
internal sealed class GraniteHybridConfig : GraniteConfig
{
    private readonly string[] _types;
    private readonly ExpertStyle? _experts;
    private readonly bool _rotates;
    private readonly int _shared;

    /// <summary>Reads the file.</summary>
    public GraniteHybridConfig(ConfigObject root)
        : base(root)
    {
        _types = LayerTypes.Read(root, LayerCount, _ => "mamba", "mamba", "attention", LayerTypes.Linear, LayerTypes.Full);
        _rotates = root.Text("position_embedding_type") is "rope";
        _shared = root.Integer("shared_intermediate_size", 1, 1 << 22, 1024);
        Mamba = HybridReader.Mamba2(root, HiddenSize, NormEpsilon);
        if (root.Integer("num_local_experts", 0, ExpertReader.Most, 0) == 0)
            return;
        _experts = GraniteMoeConfig.Experts(root, IntermediateSize) with
        {
            Shared = "shared_mlp.",
            SharedInputs = ["input_linear"],
            SharedSize = _shared,
        };
    }

    /// <inheritdoc/>
    public override TransformerNames Names { get; } = new()
    {
        FeedForwardInputs = ["shared_mlp.input_linear"],
        FeedForwardOutput = "shared_mlp.output_linear",
    };

    /// <summary>The layers of Mamba-2.</summary>
    public Mamba2Style Mamba { get; }

    /// <summary>Whether a layer attends.</summary>
    public bool Attends(int layer) => _types[layer] is "attention" or LayerTypes.Full;

    /// <inheritdoc/>
    public override int IntermediateSizeOf(int layer) => _shared;

    /// <inheritdoc/>
    public override RopeConfig? RopeOf(int layer) => _rotates ? Rope : null;

    /// <inheritdoc/>
    public override ExpertStyle? ExpertsOf(int layer) => _experts;
}
