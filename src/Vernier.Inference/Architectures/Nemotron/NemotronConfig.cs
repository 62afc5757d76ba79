using Vernier.Inference.Configuration;
using Vernier.Inference.Decoders;

namespace Vernier.Inference.Architectures.Nemotron;

/// <summary>What config.json says about a Nemotron: layer norms stored as the difference from 1, squared ReLU without a gate, half of each
/// head rotated.</summary>
internal sealed class NemotronConfig : TransformerConfig
{
    private static readonly FamilyKeys s_keys = new("""{"hidden_act": "relu2", "rms_norm_eps": 1e-5}""", ("rms_norm_eps", "norm_eps"));

    private static readonly TransformerRules s_rules = new() { Rope = RopeRules.PartOfHead with { PartialDefault = 0.5 } };

    private readonly bool _bias;

    /// <summary>Reads the file.</summary>
    public NemotronConfig(ConfigObject root)
        : base(root.As(s_keys), s_rules)
    {
        _bias = root.Flag("attention_bias", false);
        FeedForwardBias = root.Flag("mlp_bias", false);
    }

    /// <inheritdoc/>
    public override TransformerNames Names { get; } = new() { FeedForwardInputs = ["mlp.up_proj"] };

    /// <inheritdoc/>
    public override NormStyle Norms { get; } = new(true, true, true, 1);

    /// <inheritdoc/>
    public override bool IsGated => false;

    /// <inheritdoc/>
    public override bool QueryKeyValueBias => _bias;

    /// <inheritdoc/>
    public override bool OutputBias => _bias;

    /// <inheritdoc/>
    public override bool FeedForwardBias { get; }
}
