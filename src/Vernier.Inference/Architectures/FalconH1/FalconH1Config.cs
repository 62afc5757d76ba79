using Vernier.Inference.Configuration;
using Vernier.Inference.Decoders;
using Vernier.Inference.Parts.Attention;

namespace Vernier.Inference.Architectures.FalconH1;

/// <summary>What config.json says about a Falcon-H1: a Bamba whose mixers are side by side, with multipliers everywhere.</summary>
internal sealed class FalconH1Config : TransformerConfig
{
    private static readonly FamilyKeys s_keys = new("""{"rms_norm_eps": 1e-5, "rope_theta": 100000}""");

    private readonly AttentionScores _scores;
    private readonly bool _bias;

    /// <summary>Reads the file.</summary>
    public FalconH1Config(ConfigObject root)
        : base(root.As(s_keys), new TransformerRules())
    {
        _bias = root.Flag("attention_bias", false);
        FeedForwardBias = root.Flag("mlp_bias", false);
        AttentionScales = (Scale(root, "attention_in_multiplier"), Scale(root, "attention_out_multiplier"));
        StateScales = (Scale(root, "ssm_in_multiplier"), Scale(root, "ssm_out_multiplier"));
        double[] feedForward = root.Numbers("mlp_multipliers", 2, -1e9, 1e9) ?? [1, 1];
        FeedForwardScales = ((float)feedForward[0], (float)feedForward[1]);
        EmbeddingScale = Scale(root, "embedding_multiplier");
        LogitScale = Scale(root, "lm_head_multiplier");
        // Keys that are all multiplied are scores that are.
        _scores = new AttentionScores { Scale = Scale(root, "key_multiplier") / Math.Sqrt(HeadSize) };
        double[] ssm = root.Numbers("ssm_multipliers", 5, -1e9, 1e9) ?? [1, 1, 1, 1, 1];
        Mamba2Style style = HybridReader.Mamba2(root, HiddenSize, NormEpsilon);
        Mamba = style with
        {
            Norms = root.Flag("mamba_rms_norm", false),
            NormsFirst = root.Flag("mamba_norm_before_gate", true),
            NormGroups = style.Sizes.Groups,
            Scales = [.. ssm.Select(scale => (float)scale)],
        };
        ProjectorBias = root.Flag("projectors_bias", false);
        // Whether the feed-forward is there at all; the published have it.
        root.Flag("mamba_use_mlp", true);
    }

    /// <inheritdoc/>
    public override TransformerNames Names { get; } = new()
    {
        FinalNorm = "model.final_layernorm",
        FeedForwardNorm = "pre_ff_layernorm",
        FeedForwardInputs = ["feed_forward.gate_proj", "feed_forward.up_proj"],
        FeedForwardOutput = "feed_forward.down_proj",
    };

    /// <summary>What comes into the attention and out of it is multiplied by.</summary>
    public (float In, float Out) AttentionScales { get; }

    /// <summary>What comes into the state space and out of it is multiplied by.</summary>
    public (float In, float Out) StateScales { get; }

    /// <summary>What the gate and what comes out of the feed-forward is multiplied by.</summary>
    public (float Gate, float Down) FeedForwardScales { get; }

    /// <summary>The layers of Mamba-2.</summary>
    public Mamba2Style Mamba { get; }

    /// <summary>Whether the output projection of the state space has a bias.</summary>
    public bool ProjectorBias { get; }

    /// <inheritdoc/>
    public override bool QueryKeyValueBias => _bias;

    /// <inheritdoc/>
    public override bool OutputBias => _bias;

    /// <inheritdoc/>
    public override bool FeedForwardBias { get; }

    /// <inheritdoc/>
    public override float EmbeddingScale { get; }

    /// <inheritdoc/>
    public override float LogitScale { get; }

    /// <inheritdoc/>
    public override AttentionScores ScoresOf(int layer) => _scores;

    private static float Scale(ConfigObject root, string member) => (float)root.Number(member, -1e9, 1e9, 1);
}
