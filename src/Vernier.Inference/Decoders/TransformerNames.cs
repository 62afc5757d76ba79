namespace Vernier.Inference.Decoders;

/// <summary>The names that the tensors of a transformer have in a checkpoint, without <c>.weight</c> and <c>.bias</c>.</summary>
public sealed class TransformerNames
{
    /// <summary>Names as Llama has them.</summary>
    public static TransformerNames Llama { get; } = new();

    /// <summary>The embedding table.</summary>
    public string Embedding { get; init; } = "model.embed_tokens";

    /// <summary>The output layer.</summary>
    public string Head { get; init; } = "lm_head";

    /// <summary>The last norm.</summary>
    public string FinalNorm { get; init; } = "model.norm";

    /// <summary>What stands before the number of a block.</summary>
    public string Layer { get; init; } = "model.layers.";

    /// <summary>In a block, the norm before the attention.</summary>
    public string AttentionNorm { get; init; } = "input_layernorm";

    /// <summary>In a block, query, key and value, or one name for all.</summary>
    public IReadOnlyList<string> AttentionInputs { get; init; } = ["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"];

    /// <summary>In a block, the norm of the query heads; null for none.</summary>
    public string? QueryNorm { get; init; }

    /// <summary>In a block, the norm of the key heads; null for none.</summary>
    public string? KeyNorm { get; init; }

    /// <summary>In a block, the norm behind the attention; null for none.</summary>
    public string? AfterAttentionNorm { get; init; }

    /// <summary>In a block, the norm behind the feed-forward; null for none.</summary>
    public string? AfterFeedForwardNorm { get; init; }

    /// <summary>In a block, the tensor of the sinks of attention, whole; null for none.</summary>
    public string? Sinks { get; init; }

    /// <summary>The table of positions, and the row of the first; null for none.</summary>
    public (string Name, int First)? Positions { get; init; }

    /// <summary>The norm of the embedding; null for none.</summary>
    public string? EmbeddingNorm { get; init; }

    /// <summary>In a block, the norm of what is attended to, before the output projection; null for none.</summary>
    public string? AttentionSubNorm { get; init; }

    /// <summary>In a block, the norm of gate times up, before down; null for none.</summary>
    public string? FeedForwardSubNorm { get; init; }

    /// <summary>In a block, the output projection of the attention.</summary>
    public string AttentionOutput { get; init; } = "self_attn.o_proj";

    /// <summary>In a block, the norm before the feed-forward; null where both parts have one.</summary>
    public string? FeedForwardNorm { get; init; } = "post_attention_layernorm";

    /// <summary>In a block, gate and up, or one name for both; up alone where there is no gate.</summary>
    public IReadOnlyList<string> FeedForwardInputs { get; init; } = ["mlp.gate_proj", "mlp.up_proj"];

    /// <summary>In a block, down.</summary>
    public string FeedForwardOutput { get; init; } = "mlp.down_proj";

    /// <summary>The name of a part of a block.</summary>
    public string Of(int layer, string part) => $"{Layer}{layer}.{part}";
}
