using System.Text.Json;
using System.Text.Json.Nodes;

namespace Vernier.Bench;

/// <summary>The shape of a Llama model whose speed is measured.</summary>
/// <param name="Hidden">The width.</param>
/// <param name="Intermediate">The width of the feed-forward.</param>
/// <param name="Layers">The blocks.</param>
/// <param name="Heads">Query heads.</param>
/// <param name="KeyValueHeads">Key and value heads.</param>
/// <param name="Vocabulary">The tokens.</param>
internal sealed record LlamaShape(int Hidden, int Intermediate, int Layers, int Heads, int KeyValueHeads, int Vocabulary)
{
    /// <summary>1.1 billion weights.</summary>
    public static LlamaShape Default { get; } = new(2048, 8192, 16, 32, 8, 32000);

    /// <summary>The longest sequence.</summary>
    public const int Context = 2048;

    /// <summary>The matrices of a block: the name in a GGUF file, the name in a checkpoint, rows, columns.</summary>
    public IEnumerable<(string Gguf, string Checkpoint, int Rows, int Columns)> Matrices(int layer)
    {
        int keys = Hidden / Heads * KeyValueHeads;
        string gguf = $"blk.{layer}.", name = $"model.layers.{layer}.";
        yield return (gguf + "attn_q.weight", name + "self_attn.q_proj.weight", Hidden, Hidden);
        yield return (gguf + "attn_k.weight", name + "self_attn.k_proj.weight", keys, Hidden);
        yield return (gguf + "attn_v.weight", name + "self_attn.v_proj.weight", keys, Hidden);
        yield return (gguf + "attn_output.weight", name + "self_attn.o_proj.weight", Hidden, Hidden);
        yield return (gguf + "ffn_gate.weight", name + "mlp.gate_proj.weight", Intermediate, Hidden);
        yield return (gguf + "ffn_up.weight", name + "mlp.up_proj.weight", Intermediate, Hidden);
        yield return (gguf + "ffn_down.weight", name + "mlp.down_proj.weight", Hidden, Intermediate);
    }

    /// <summary>The config.json of a checkpoint of this shape.</summary>
    public JsonObject Config() => new()
    {
        ["architectures"] = new JsonArray("LlamaForCausalLM"),
        ["model_type"] = "llama",
        ["hidden_size"] = Hidden,
        ["intermediate_size"] = Intermediate,
        ["num_hidden_layers"] = Layers,
        ["num_attention_heads"] = Heads,
        ["num_key_value_heads"] = KeyValueHeads,
        ["vocab_size"] = Vocabulary,
        ["max_position_embeddings"] = Context,
        ["rms_norm_eps"] = 1e-5,
        ["rope_theta"] = 10000.0,
        ["hidden_act"] = "silu",
        ["tie_word_embeddings"] = false,
        ["bos_token_id"] = 1,
        ["eos_token_id"] = 2,
    };

    /// <summary>A line of JSON.</summary>
    public override string ToString() => JsonSerializer.Serialize(
        new { hidden = Hidden, intermediate = Intermediate, layers = Layers, heads = Heads, kv_heads = KeyValueHeads,
        vocabulary = Vocabulary });
}
