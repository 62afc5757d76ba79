using Vernier.Inference.Configuration;
using Vernier.Inference.Decoders;

namespace Vernier.Inference.Architectures.Opt;

/// <summary>What config.json says about an OPT: positions with rows of their own, from the third on, layer norms, biases, ReLU.</summary>
internal sealed class OptConfig : TransformerConfig
{
    private static readonly FamilyKeys s_keys = new("""{"hidden_act": "relu", "rms_norm_eps": 1e-5, "tie_word_embeddings": true}""",
        ("hidden_act", "activation_function"), ("intermediate_size", "ffn_dim"));

    private static readonly TransformerNames s_names = new()
    {
        Embedding = "model.decoder.embed_tokens",
        Positions = ("model.decoder.embed_positions", 2),
        FinalNorm = "model.decoder.final_layer_norm",
        Layer = "model.decoder.layers.",
        AttentionNorm = "self_attn_layer_norm",
        AttentionOutput = "self_attn.out_proj",
        FeedForwardNorm = "final_layer_norm",
        FeedForwardInputs = ["fc1"],
        FeedForwardOutput = "fc2",
    };

    private readonly bool _bias;

    /// <summary>Reads the file.</summary>
    public OptConfig(ConfigObject root)
        : base(root.As(s_keys), new TransformerRules { Rope = null })
    {
        root = root.As(s_keys);
        _bias = root.Flag("enable_bias", true);
        Norms = root.Flag("layer_norm_elementwise_affine", true) ? NormStyle.Layer : new NormStyle(true, false, false);
        if (!root.Flag("do_layer_norm_before", true) || root.Flag("_remove_final_layer_norm", false)
            || root.Integer("word_embed_proj_dim", 1, 1 << 20, HiddenSize) != HiddenSize)
        {
            throw root.Unsupported(ModelRules.ConfigMember, "norms behind the parts ('do_layer_norm_before'), no last norm "
                + "('_remove_final_layer_norm') or an embedding of another width ('word_embed_proj_dim'), as in OPT 350M",
                "Give an OPT of another size");
        }
    }

    /// <inheritdoc/>
    public override TransformerNames Names => s_names;

    /// <inheritdoc/>
    public override NormStyle Norms { get; }

    /// <inheritdoc/>
    public override bool IsGated => false;

    /// <inheritdoc/>
    public override bool QueryKeyValueBias => _bias;

    /// <inheritdoc/>
    public override bool OutputBias => _bias;

    /// <inheritdoc/>
    public override bool FeedForwardBias => _bias;
}
