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

    /// <summary>In a block, the output projection of the attention.</summary>
    public string AttentionOutput { get; init; } = "self_attn.o_proj";

    /// <summary>In a block, the norm before the feed-forward.</summary>
    public string FeedForwardNorm { get; init; } = "post_attention_layernorm";

    /// <summary>In a block, gate and up, or one name for both.</summary>
    public IReadOnlyList<string> FeedForwardInputs { get; init; } = ["mlp.gate_proj", "mlp.up_proj"];

    /// <summary>In a block, down.</summary>
    public string FeedForwardOutput { get; init; } = "mlp.down_proj";

    /// <summary>The name of a part of a block.</summary>
    public string Of(int layer, string part) => $"{Layer}{layer}.{part}";
}
