using Vernier.Inference.Configuration;
using Vernier.Inference.Decoders;
using Vernier.Inference.Parts.Attention;

namespace Vernier.Inference.Architectures.Falcon;

/// <summary>
/// What config.json says about a Falcon. That of 40B has <c>new_decoder_architecture</c>: some key heads, and two norms; that of 7B one key
/// head, and one norm for both parts; that of RefinedWeb parts one after the other, ALiBi and biases.
/// </summary>
internal sealed class FalconConfig : TransformerConfig
{
    private readonly bool _bias, _alibi;
    private readonly AttentionScores _scores;

    /// <summary>Reads the file.</summary>
    public FalconConfig(ConfigObject root)
        : base(root.As(Keys(root)), new TransformerRules { FeedForwardWidths = 4 })
    {
        bool newer = root.Flag("new_decoder_architecture", false), parallel = newer || root.Flag("parallel_attn", true);
        root.Flag("parallel_attn", true);
        root.Flag("multi_query", true);
        root.Integer("num_kv_heads", 1, 4096, 1);
        _bias = root.Flag("bias", false);
        _alibi = root.Flag("alibi", false);
        // The library divides the slopes by the root of the head size, as the scores.
        _scores = new AttentionScores { Slopes = !_alibi ? [] : Array.ConvertAll(AttentionScores.AlibiSlopes(HeadCount),
            slope => slope / MathF.Sqrt(HeadSize)) };
        Order = parallel ? ResidualOrder.Parallel : ResidualOrder.Before;
        bool two = newer && root.Integer("num_ln_in_parallel_attn", 1, 2, 2) == 2;
        root.Has("num_ln_in_parallel_attn");
        Names = new TransformerNames
        {
            Embedding = "transformer.word_embeddings",
            FinalNorm = "transformer.ln_f",
            Layer = "transformer.h.",
            AttentionNorm = two ? "ln_attn" : "input_layernorm",
            AttentionInputs = ["self_attention.query_key_value"],
            AttentionOutput = "self_attention.dense",
            FeedForwardNorm = two ? "ln_mlp" : parallel ? null : "post_attention_layernorm",
            FeedForwardInputs = ["mlp.dense_h_to_4h"],
            FeedForwardOutput = "mlp.dense_4h_to_h",
        };
    }

    /// <inheritdoc/>
    public override TransformerNames Names { get; }

    /// <inheritdoc/>
    public override NormStyle Norms => NormStyle.Layer;

    /// <inheritdoc/>
    public override ResidualOrder Order { get; }

    /// <inheritdoc/>
    public override QueryKeyValueOrder QueryKeyValueOrder => QueryKeyValueOrder.Heads;

    /// <inheritdoc/>
    public override bool IsGated => false;

    /// <inheritdoc/>
    public override bool QueryKeyValueBias => _bias;

    /// <inheritdoc/>
    public override bool OutputBias => _bias;

    /// <inheritdoc/>
    public override bool FeedForwardBias => _bias;

    /// <inheritdoc/>
    public override RopeConfig? RopeOf(int layer) => _alibi ? null : Rope;

    /// <inheritdoc/>
    public override AttentionScores ScoresOf(int layer) => _scores;

    // Who has key heads of their own is told by flags; older files have other names for heads and layers.
    private static FamilyKeys Keys(ConfigObject root)
    {
        bool newer = root.Flag("new_decoder_architecture", false), one = !newer && root.Flag("multi_query", true);
        int heads = root.Has("n_head") ? root.Integer("n_head", 1, 4096) : root.Integer("num_attention_heads", 1, 4096);
        int keys = one ? 1 : newer ? root.Integer("num_kv_heads", 1, 4096, heads) : heads;
        return new FamilyKeys($$"""
            {"hidden_act": "gelu", "rms_norm_eps": 1e-5, "tie_word_embeddings": true, "num_key_value_heads": {{keys}},
            "max_position_embeddings": 2048}
            """, ("hidden_act", "activation"), ("rms_norm_eps", "layer_norm_epsilon"), ("intermediate_size", "ffn_hidden_size"),
            ("num_attention_heads", "n_head"), ("num_hidden_layers", "n_layer"));
    }
}
