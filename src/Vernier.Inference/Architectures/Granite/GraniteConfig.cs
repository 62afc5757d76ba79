using Vernier.Inference.Configuration;
using Vernier.Inference.Decoders;
using Vernier.Inference.Parts.Attention;

namespace Vernier.Inference.Architectures.Granite;

/// <summary>What config.json says about a Granite: a Llama with multipliers of the embedding, of scores, of what is added, and of
/// logits.</summary>
internal class GraniteConfig : TransformerConfig
{
    private readonly bool _bias;
    private readonly AttentionScores _scores;

    /// <summary>Reads the file.</summary>
    public GraniteConfig(ConfigObject root)
        : base(root, new TransformerRules())
    {
        _bias = root.Flag("attention_bias", false);
        FeedForwardBias = root.Flag("mlp_bias", false);
        _scores = new AttentionScores { Scale = root.Number("attention_multiplier", 0, 1e9, 1) };
        EmbeddingScale = (float)root.Number("embedding_multiplier", 0, 1e9, 1);
        ResidualScale = (float)root.Number("residual_multiplier", 0, 1e9, 1);
        LogitScale = (float)(1 / root.Number("logits_scaling", 0, 1e9, 1));
    }

    /// <inheritdoc/>
    public override bool QueryKeyValueBias => _bias;

    /// <inheritdoc/>
    public override bool OutputBias => _bias;

    /// <inheritdoc/>
    public override bool FeedForwardBias { get; }

    /// <inheritdoc/>
    public override float EmbeddingScale { get; }

    /// <inheritdoc/>
    public override float ResidualScale { get; }

    /// <inheritdoc/>
    public override float LogitScale { get; }

    /// <inheritdoc/>
    public override AttentionScores ScoresOf(int layer) => _scores;
}
