using Vernier.Inference.Configuration;
using Vernier.Inference.Decoders;

namespace Vernier.Inference.Architectures.Gemma;

/// <summary>What config.json says about a Gemma 3: norms of query and key heads, and a rotary embedding of its own in the layers that
/// slide.</summary>
internal sealed class Gemma3Config : Gemma2Config
{
    private static readonly FamilyKeys s_keys = new("""
        {"head_dim": 256, "tie_word_embeddings": true, "hidden_act": "gelu_pytorch_tanh", "query_pre_attn_scalar": 256,
        "sliding_window": 4096, "rope_theta": 1000000, "rope_local_base_freq": 10000, "sliding_window_pattern": 6,
        "max_position_embeddings": 131072}
        """, ("hidden_act", "hidden_activation"));

    private static readonly TransformerNames s_names = new()
    {
        AfterAttentionNorm = TensorNames.AfterAttentionNorm,
        FeedForwardNorm = TensorNames.FeedForwardNorm,
        AfterFeedForwardNorm = TensorNames.AfterFeedForwardNorm,
        QueryNorm = "self_attn.q_norm",
        KeyNorm = "self_attn.k_norm",
    };

    private readonly RopeConfig _local;

    /// <summary>Reads the file.</summary>
    public Gemma3Config(ConfigObject root)
        : this(root.As(s_keys), Pattern(root.As(s_keys)))
    {
    }

    private Gemma3Config(ConfigObject root, int pattern)
        : base(root, new TransformerRules { Rope = RopeRules.Default with { LayerType = LayerTypes.Full } },
            layer => (layer + 1) % pattern == 0 ? LayerTypes.Full : LayerTypes.Sliding)
    {
        double theta = root.Number("rope_local_base_freq", 1e-6, 1e15);
        _local = root.Object("rope_parameters") is { } nested && nested.Object(LayerTypes.Sliding) is not null
            ? RopeConfigReader.Read(root, RopeRules.Default with { LayerType = LayerTypes.Sliding }, HeadSize, MaxPositions,
                LayerTypes.Sliding)
            : new RopeConfig { Theta = theta, RotarySize = HeadSize };
    }

    /// <inheritdoc/>
    public override TransformerNames Names => s_names;

    /// <inheritdoc/>
    public override RopeConfig? RopeOf(int layer) => Slides(layer) ? _local : Rope;

    private static int Pattern(ConfigObject root)
    {
        int own = root.Integer("sliding_window_pattern", 1, MostLayers);
        return root.Integer("_sliding_window_pattern", 1, MostLayers, own);
    }
}
