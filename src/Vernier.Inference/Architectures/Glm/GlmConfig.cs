using Vernier.Inference.Configuration;
using Vernier.Inference.Decoders;

namespace Vernier.Inference.Architectures.Glm;

/// <summary>What config.json says about a GLM: gate and up in one layer, half of each head rotated in pairs.</summary>
internal class GlmConfig : TransformerConfig
{
    private static readonly FamilyKeys s_keys = new("""{"head_dim": 128, "rms_norm_eps": 1.5625e-7}""");

    private static readonly TransformerRules s_rules =
        new() { Rope = RopeRules.PartOfHead with { PartialDefault = 0.5, Interleaved = true } };

    /// <summary>Reads the file.</summary>
    public GlmConfig(ConfigObject root)
        : base(root.As(s_keys), s_rules) => QueryKeyValueBias = root.Flag("attention_bias", false);

    /// <inheritdoc/>
    public override TransformerNames Names { get; } = new() { FeedForwardInputs = ["mlp.gate_up_proj"] };

    /// <inheritdoc/>
    public override bool QueryKeyValueBias { get; }
}
