using Vernier.Inference.Configuration;
using Vernier.Inference.Decoders;

namespace Vernier.Inference.Architectures.BitNet;

/// <summary>What config.json says about a BitNet: a Llama with norms before both output projections, and squared ReLU.</summary>
internal sealed class BitNetConfig : TransformerConfig
{
    private static readonly FamilyKeys s_keys = new("""
        {"hidden_act": "relu2", "rms_norm_eps": 1e-5, "tie_word_embeddings": true, "rope_theta": 500000}
        """);

    private readonly bool _bias;

    /// <summary>Reads the file.</summary>
    public BitNetConfig(ConfigObject root)
        : base(root.As(s_keys), new TransformerRules { KeyValueHeads = 5 }) => _bias = root.Flag("attention_bias", false);

    /// <inheritdoc/>
    public override TransformerNames Names { get; } = new()
    {
        AttentionSubNorm = "self_attn.attn_sub_norm",
        FeedForwardSubNorm = "mlp.ffn_sub_norm",
    };

    /// <inheritdoc/>
    public override bool QueryKeyValueBias => _bias;

    /// <inheritdoc/>
    public override bool OutputBias => _bias;
}
