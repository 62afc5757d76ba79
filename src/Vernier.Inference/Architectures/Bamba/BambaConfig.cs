using Vernier.Inference.Configuration;
using Vernier.Inference.Decoders;

namespace Vernier.Inference.Architectures.Bamba;

/// <summary>What config.json says about a Bamba.</summary>
internal sealed class BambaConfig : TransformerConfig
{
    private static readonly FamilyKeys s_keys = new("""{"rms_norm_eps": 1e-5, "num_key_value_heads": 8}""");

    private readonly HashSet<int> _attention;
    private readonly bool _bias;

    /// <summary>Reads the file.</summary>
    public BambaConfig(ConfigObject root)
        : base(root.As(s_keys), new TransformerRules { Rope = RopeRules.PartOfHead with { PartialDefault = 0.5 } })
    {
        _attention = [.. root.Integers("attn_layer_indices", 0, LayerCount - 1)];
        _bias = root.Flag("attention_bias", false);
        FeedForwardBias = root.Flag("mlp_bias", false);
        Mamba = HybridReader.Mamba2(root, HiddenSize, NormEpsilon);
    }

    /// <inheritdoc/>
    public override TransformerNames Names { get; } = new()
    {
        FinalNorm = "model.final_layernorm",
        FeedForwardNorm = "pre_ff_layernorm",
        FeedForwardInputs = ["feed_forward.gate_proj", "feed_forward.up_proj"],
        FeedForwardOutput = "feed_forward.down_proj",
    };

    /// <inheritdoc/>
    public override bool QueryKeyValueBias => _bias;

    /// <inheritdoc/>
    public override bool OutputBias => _bias;

    /// <inheritdoc/>
    public override bool FeedForwardBias { get; }

    /// <summary>The layers of Mamba-2.</summary>
    public Mamba2Style Mamba { get; }

    /// <summary>Whether a layer attends.</summary>
    public bool Attends(int layer) => _attention.Contains(layer);
}
