namespace Vernier.TestKit;

/// <summary>Writes a small model that runs: two blocks, 64 wide, random weights.</summary>
public static class TinyLlama
{
    /// <summary>The linear layers of a block in the order of their inputs.</summary>
    public static readonly string[] Linears =
        ["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj", "mlp.gate_proj", "mlp.up_proj", "mlp.down_proj"];

    /// <summary>The network.</summary>
    public static TinySpec Spec { get; } = new()
    {
        Name = "llama of 64 channels", Vocabulary = 48, Hidden = 64, Intermediate = 96, HeadSize = 16, Rotary = 16, Tied = true,
        Extra = new() { ["max_position_embeddings"] = 64, ["bos_token_id"] = 0, ["eos_token_id"] = 1 },
    };

    /// <summary>Writes the model.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="change">Changes the values of a tensor, or null.</param>
    public static void Write(string folder, Action<string, float[]>? change = null) => TinyModel.Write(folder, Spec, seed: 1, change);
}
