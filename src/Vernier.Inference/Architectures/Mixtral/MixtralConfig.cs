using Vernier.Inference.Configuration;
using Vernier.Inference.Decoders;
using Vernier.Inference.Parts.Experts;

namespace Vernier.Inference.Architectures.Mixtral;

/// <summary>What config.json says about a Mixtral: a Mistral with experts in every layer.</summary>
internal sealed class MixtralConfig : TransformerConfig
{
    private static readonly FamilyKeys s_keys = new("""
        {"num_local_experts": 8, "num_experts_per_tok": 2, "rms_norm_eps": 1e-5, "rope_theta": 1000000}
        """);

    private readonly ExpertStyle _experts;
    private readonly int? _window;

    /// <summary>Reads the file.</summary>
    public MixtralConfig(ConfigObject root)
        : base(root.As(s_keys), new TransformerRules { KeyValueHeads = 8 })
    {
        root = root.As(s_keys);
        _window = root.Has("sliding_window") ? ReadWindow(root) : null;
        // Noise of training.
        root.Has("router_jitter_noise");
        _experts = ExpertReader.Mixtral(IntermediateSize, new ExpertRouting
        {
            Experts = root.Integer("num_local_experts", 1, ExpertReader.Most),
            PerToken = ExpertReader.PerToken(root, "num_local_experts"),
            Normalize = true,
        });
    }

    /// <inheritdoc/>
    public override int? WindowOf(int layer) => _window;

    /// <inheritdoc/>
    public override ExpertStyle? ExpertsOf(int layer) => _experts;
}
