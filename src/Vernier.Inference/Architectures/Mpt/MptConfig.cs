using Vernier.Inference.Configuration;
using Vernier.Inference.Decoders;
using Vernier.Inference.Parts.Attention;

namespace Vernier.Inference.Architectures.Mpt;

/// <summary>What config.json says about an MPT: ALiBi, layer norms and linear layers without biases.</summary>
internal sealed class MptConfig : TransformerConfig
{
    private static readonly FamilyKeys s_keys = new("""
        {"hidden_act": "gelu", "rms_norm_eps": 1e-5, "tie_word_embeddings": true}
        """, ("hidden_size", "d_model"), ("num_attention_heads", "n_heads"), ("num_hidden_layers", "n_layers"),
        ("max_position_embeddings", "max_seq_len"), ("rms_norm_eps", "layer_norm_epsilon"));

    private static readonly TransformerNames s_names = new()
    {
        Embedding = "transformer.wte",
        FinalNorm = "transformer.norm_f",
        Layer = "transformer.blocks.",
        AttentionNorm = "norm_1",
        AttentionInputs = ["attn.Wqkv"],
        AttentionOutput = "attn.out_proj",
        FeedForwardNorm = "norm_2",
        FeedForwardInputs = ["ffn.up_proj"],
        FeedForwardOutput = "ffn.down_proj",
    };

    private readonly AttentionScores _scores = new();

    /// <summary>Reads the file.</summary>
    public MptConfig(ConfigObject root)
        : base(root.As(s_keys), new TransformerRules { FeedForwardWidths = root.Integer("expansion_ratio", 1, 64, 4), Rope = null })
    {
        ConfigObject? attention = root.Object("attn_config");
        bool alibi = attention?.Flag("alibi", true) ?? true;
        if (!alibi || attention is { } a && (a.Flag("qk_ln", false) || a.Flag("prefix_lm", false) || a.Has("kv_n_heads")
            && a.Integer("kv_n_heads", 1, 4096) != HeadCount) || !root.Flag("no_bias", true) || root.Has("logit_scale"))
        {
            throw root.Unsupported(ModelRules.ConfigMember, "'attn_config' or another member asks for positions with rows of their own, "
                + "norms of query and key, a prefix, shared key heads, biases or scaled logits", "Give a model like MPT-7B");
        }
        // Others than torch's are the same function; the rest is of training.
        foreach (string member in (string[])["learned_pos_emb", "norm_type", "embedding_fraction", "init_device"])
            root.Has(member);
        if (attention is not { } given)
            return;
        if (given.Has("clip_qkv"))
            Clip = (float)given.Number("clip_qkv", 0, 1e9);
        _scores = new AttentionScores
        {
            Scale = given.Has("softmax_scale") ? given.Number("softmax_scale", 0, 1e9) : null,
            Slopes = Slopes(HeadCount, LargestSlope = given.Number("alibi_bias_max", 0, 1024, 8)),
        };
    }

    /// <summary>The exponent of the smallest slope of ALiBi: 2 to its negative.</summary>
    public double LargestSlope { get; } = 8;

    /// <inheritdoc/>
    public override TransformerNames Names => s_names;

    /// <inheritdoc/>
    public override NormStyle Norms => NormStyle.LayerWithoutBias;

    /// <inheritdoc/>
    public override bool IsGated => false;

    /// <inheritdoc/>
    public override float? Clip { get; }

    /// <inheritdoc/>
    public override AttentionScores ScoresOf(int layer) => _scores;

    // For a number of heads that is no power of two, every second slope of the power above comes first.
    private static float[] Slopes(int heads, double largest)
    {
        int above = (int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)heads);
        float[] all = [.. Enumerable.Range(1, above).Select(i => (float)Math.Pow(2, -largest * i / above))];
        return above == heads ? all
            : [.. all.Where((_, i) => i % 2 == 1).Concat(all.Where((_, i) => i % 2 == 0)).Take(heads)];
    }
}
