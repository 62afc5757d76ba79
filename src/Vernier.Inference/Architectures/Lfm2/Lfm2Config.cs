using Vernier.Inference.Configuration;
using Vernier.Inference.Decoders;

namespace Vernier.Inference.Architectures.Lfm2;

/// <summary>What config.json says about an LFM2.</summary>
internal sealed class Lfm2Config : TransformerConfig
{
    private static readonly FamilyKeys s_keys = new("""
        {"rms_norm_eps": 1e-5, "num_key_value_heads": 8, "rope_theta": 1000000, "tie_word_embeddings": true, "conv_L_cache": 3}
        """, ("rms_norm_eps", "norm_eps"), ("intermediate_size", "block_ff_dim"), ("tie_word_embeddings", "tie_embedding"));

    private readonly string[] _types;
    private readonly int _inner;

    /// <summary>Reads the file.</summary>
    public Lfm2Config(ConfigObject root)
        : base(root.As(s_keys), new TransformerRules())
    {
        root = root.As(s_keys);
        int[] attention = root.Integers("full_attn_idxs", 0, MostLayers);
        _types = LayerTypes.Read(root, LayerCount, layer => attention.Contains(layer) ? LayerTypes.Full : "conv", LayerTypes.Full, "conv");
        Kernel = root.Integer("conv_L_cache", 2, 64);
        ConvolutionBias = root.Flag("conv_bias", false);
        _inner = IntermediateSize;
        double factor = root.Number("block_ffn_dim_multiplier", 0, 1e3, 1);
        int multiple = root.Integer("block_multiple_of", 1, 1 << 20, 256);
        if (root.Flag("block_auto_adjust_ff_dim", true))
            _inner = ((int)(factor * (int)(2 * _inner / 3)) + multiple - 1) / multiple * multiple;
        // What other tools that run the network call the same.
        foreach (string member in (string[])["block_dim", "block_mlp_init_scale", "block_norm_eps", "block_out_init_scale",
            "block_use_swiglu", "block_use_xavier_init", "conv_dim", "conv_dim_out", "conv_use_xavier_init", "num_heads", "theta",
            "use_pos_enc"])
            root.Has(member);
    }

    /// <summary>The length of the convolutions.</summary>
    public int Kernel { get; }

    /// <summary>Whether they and their projections have biases.</summary>
    public bool ConvolutionBias { get; }

    /// <inheritdoc/>
    public override TransformerNames Names { get; } = new()
    {
        FinalNorm = "model.embedding_norm",
        AttentionNorm = "operator_norm",
        AttentionOutput = "self_attn.out_proj",
        QueryNorm = "self_attn.q_layernorm",
        KeyNorm = "self_attn.k_layernorm",
        FeedForwardNorm = "ffn_norm",
        FeedForwardInputs = ["feed_forward.w1", "feed_forward.w3"],
        FeedForwardOutput = "feed_forward.w2",
    };

    /// <summary>Whether a layer attends.</summary>
    public bool Attends(int layer) => _types[layer] == LayerTypes.Full;

    /// <inheritdoc/>
    public override int IntermediateSizeOf(int layer) => _inner;
}
