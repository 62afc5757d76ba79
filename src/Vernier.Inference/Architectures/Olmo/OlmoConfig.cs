using Vernier.Inference.Configuration;
using Vernier.Inference.Decoders;

namespace Vernier.Inference.Architectures.Olmo;

/// <summary>What config.json says about an OLMo: layer norms without weights, and queries, keys and values that are bounded.</summary>
internal sealed class OlmoConfig : TransformerConfig
{
    private static readonly FamilyKeys s_keys = new("""{"rms_norm_eps": 1e-5}""");

    private readonly bool _bias;

    /// <summary>Reads the file.</summary>
    public OlmoConfig(ConfigObject root)
        : base(root.As(s_keys), new TransformerRules())
    {
        _bias = root.Flag("attention_bias", false);
        Clip = root.Has("clip_qkv") ? (float)root.Number("clip_qkv", 0, 1e9) : null;
    }

    /// <inheritdoc/>
    public override NormStyle Norms { get; } = new(true, false, false);

    /// <inheritdoc/>
    public override bool QueryKeyValueBias => _bias;

    /// <inheritdoc/>
    public override bool OutputBias => _bias;

    /// <inheritdoc/>
    public override float? Clip { get; }
}
