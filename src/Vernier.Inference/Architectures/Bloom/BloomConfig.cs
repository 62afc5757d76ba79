using Vernier.Inference.Configuration;
using Vernier.Inference.Decoders;
using Vernier.Inference.Parts.Attention;

namespace Vernier.Inference.Architectures.Bloom;

/// <summary>What config.json says about a BLOOM: ALiBi, a norm behind the embedding, layer norms, biases.</summary>
internal sealed class BloomConfig : TransformerConfig
{
    private static readonly FamilyKeys s_keys = new("""
        {"hidden_act": "gelu_pytorch_tanh", "rms_norm_eps": 1e-5, "tie_word_embeddings": true, "max_position_embeddings": 1048576}
        """, ("hidden_size", "n_embed"), ("num_attention_heads", "n_head"), ("num_hidden_layers", "n_layer"),
        ("rms_norm_eps", "layer_norm_epsilon"));

    private static readonly TransformerNames s_names = new()
    {
        Embedding = "transformer.word_embeddings",
        EmbeddingNorm = "transformer.word_embeddings_layernorm",
        FinalNorm = "transformer.ln_f",
        Layer = "transformer.h.",
        AttentionInputs = ["self_attention.query_key_value"],
        AttentionOutput = "self_attention.dense",
        FeedForwardInputs = ["mlp.dense_h_to_4h"],
        FeedForwardOutput = "mlp.dense_4h_to_h",
    };

    private readonly AttentionScores _scores;

    /// <summary>Reads the file.</summary>
    public BloomConfig(ConfigObject root)
        : base(root.As(s_keys), new TransformerRules { FeedForwardWidths = 4, Rope = null })
    {
        if (root.Flag("apply_residual_connection_post_layernorm", false))
            throw root.Unsupported(ModelRules.ConfigMember, "'apply_residual_connection_post_layernorm' is true",
                "Give a model of the published BLOOMs");
        // How it was computed in training, not what.
        root.Flag("slow_but_exact", false);
        _scores = new AttentionScores { Slopes = AttentionScores.AlibiSlopes(HeadCount) };
    }

    /// <inheritdoc/>
    public override TransformerNames Names => s_names;

    /// <inheritdoc/>
    public override NormStyle Norms => NormStyle.Layer;

    /// <inheritdoc/>
    public override QueryKeyValueOrder QueryKeyValueOrder => QueryKeyValueOrder.Heads;

    /// <inheritdoc/>
    public override bool IsGated => false;

    /// <inheritdoc/>
    public override bool QueryKeyValueBias => true;

    /// <inheritdoc/>
    public override bool OutputBias => true;

    /// <inheritdoc/>
    public override bool FeedForwardBias => true;

    /// <inheritdoc/>
    public override AttentionScores ScoresOf(int layer) => _scores;
}
