using Vernier.Inference.Configuration;
using Vernier.Inference.Decoders;
using Vernier.Inference.Parts.Attention;

namespace Vernier.Inference.Architectures.Gemma;

/// <summary>What config.json says about a Gemma 2: norms around each part, bounded scores and logits, a sliding window in every second
/// layer.</summary>
internal class Gemma2Config : GemmaConfig
{
    private static readonly FamilyKeys s_keys = new("""
        {"head_dim": 256, "tie_word_embeddings": true, "hidden_act": "gelu_pytorch_tanh", "query_pre_attn_scalar": 256,
        "attn_logit_softcapping": 50, "final_logit_softcapping": 30, "sliding_window": 4096}
        """, ("hidden_act", "hidden_activation"));

    private readonly AttentionScores _scores;
    private readonly string[] _types;
    private readonly int? _window;

    /// <summary>Reads the file.</summary>
    public Gemma2Config(ConfigObject root)
        : this(root.As(s_keys), new TransformerRules(), layer => layer % 2 == 0 ? LayerTypes.Sliding : LayerTypes.Full)
    {
    }

    /// <summary>Reads the file of a later version.</summary>
    protected Gemma2Config(ConfigObject root, TransformerRules rules, Func<int, string> typeOf)
        : base(root, rules)
    {
        _scores = new AttentionScores
        {
            Scale = 1 / Math.Sqrt(root.Number("query_pre_attn_scalar", 0, 1e9)),
            SoftCap = root.Has("attn_logit_softcapping") ? (float)root.Number("attn_logit_softcapping", 0, 1e9) : 0,
        };
        LogitCap = root.Has("final_logit_softcapping") ? (float)root.Number("final_logit_softcapping", 0, 1e9) : 0;
        _types = LayerTypes.Read(root, LayerCount, typeOf, LayerTypes.Full, LayerTypes.Sliding);
        _window = root.Has("sliding_window") ? ReadWindow(root) : null;
    }

    /// <inheritdoc/>
    public override TransformerNames Names => TensorNames;

    /// <inheritdoc/>
    public override ResidualOrder Order => ResidualOrder.Around;

    /// <inheritdoc/>
    public override float LogitCap { get; }

    /// <inheritdoc/>
    public override AttentionScores ScoresOf(int layer) => _scores;

    /// <inheritdoc/>
    public override int? WindowOf(int layer) => Slides(layer) ? _window : null;

    internal static TransformerNames TensorNames { get; } = new()
    {
        AfterAttentionNorm = "post_attention_layernorm",
        FeedForwardNorm = "pre_feedforward_layernorm",
        AfterFeedForwardNorm = "post_feedforward_layernorm",
    };

    /// <summary>Whether a layer has a sliding window.</summary>
    protected bool Slides(int layer) => _types[layer] == LayerTypes.Sliding;
}
