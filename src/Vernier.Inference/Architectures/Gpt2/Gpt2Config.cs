using Vernier.Inference.Configuration;
using Vernier.Inference.Decoders;
using Vernier.Inference.Parts.Attention;

namespace Vernier.Inference.Architectures.Gpt2;

/// <summary>What config.json says about a GPT-2: positions with rows of their own, layer norms, biases, feed-forwards without a
/// gate.</summary>
internal sealed class Gpt2Config : TransformerConfig
{
    private static readonly FamilyKeys s_keys = new("""
        {"hidden_act": "gelu_new", "rms_norm_eps": 1e-5, "tie_word_embeddings": true, "max_position_embeddings": 1024}
        """, ("hidden_size", "n_embd"), ("num_attention_heads", "n_head"), ("num_hidden_layers", "n_layer"),
        ("max_position_embeddings", "n_positions"), ("intermediate_size", "n_inner"), ("hidden_act", "activation_function"),
        ("rms_norm_eps", "layer_norm_epsilon"));

    private static readonly TransformerNames s_names = new()
    {
        Embedding = "transformer.wte",
        Positions = ("transformer.wpe", 0),
        FinalNorm = "transformer.ln_f",
        Layer = "transformer.h.",
        AttentionNorm = "ln_1",
        AttentionInputs = ["attn.c_attn.linear"],
        AttentionOutput = "attn.c_proj.linear",
        FeedForwardNorm = "ln_2",
        FeedForwardInputs = ["mlp.c_fc.linear"],
        FeedForwardOutput = "mlp.c_proj.linear",
    };

    private readonly bool _scaled, _scaledByLayer;

    /// <summary>Reads the file.</summary>
    public Gpt2Config(ConfigObject root)
        : base(root.As(s_keys), new TransformerRules { FeedForwardWidths = 4, Rope = null })
    {
        _scaled = root.Flag("scale_attn_weights", true);
        _scaledByLayer = root.Flag("scale_attn_by_inverse_layer_idx", false);
        // How it is computed in half precision, not what.
        root.Flag("reorder_and_upcast_attn", false);
    }

    /// <inheritdoc/>
    public override TransformerNames Names => s_names;

    /// <inheritdoc/>
    public override NormStyle Norms => NormStyle.Layer;

    /// <inheritdoc/>
    public override bool IsGated => false;

    /// <inheritdoc/>
    public override bool QueryKeyValueBias => true;

    /// <inheritdoc/>
    public override bool OutputBias => true;

    /// <inheritdoc/>
    public override bool FeedForwardBias => true;

    /// <inheritdoc/>
    public override AttentionScores ScoresOf(int layer) => new()
    {
        Scale = (_scaled ? 1 / Math.Sqrt(HeadSize) : 1) / (_scaledByLayer ? layer + 1 : 1),
    };
}
