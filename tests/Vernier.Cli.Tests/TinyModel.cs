using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using Vernier.Files;
using Vernier.Files.Checkpoints;

namespace Vernier.Tests;

/// <summary>Writes a small model with random weights, for what the sample can't show.</summary>
internal static class TinyModel
{
    public const string Bad = "model.layers.0.mlp.up_proj.weight";

    /// <summary>Writes the folder.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="type">The model_type; that of an unknown family makes an unknown architecture.</param>
    /// <param name="bad">A number to put into <see cref="Bad"/> at row 2, column 3.</param>
    /// <param name="silent">Whether <see cref="Bad"/> is all zeros, so that the down projection sees nothing.</param>
    public static string Write(string folder, string type = "llama", float? bad = null, bool silent = false)
    {
        const int Hidden = 32, Inner = 48, Vocabulary = 64;
        Directory.CreateDirectory(folder);
        var config = new JsonObject
        {
            ["architectures"] = new JsonArray(type == "llama" ? "LlamaForCausalLM" : "MysteryForCausalLM"),
            ["model_type"] = type,
            ["vocab_size"] = Vocabulary,
            ["hidden_size"] = Hidden,
            ["intermediate_size"] = Inner,
            ["num_hidden_layers"] = 1,
            ["num_attention_heads"] = 4,
            ["num_key_value_heads"] = 2,
            ["head_dim"] = 8,
            ["max_position_embeddings"] = 128,
            ["rms_norm_eps"] = 1e-5,
            ["tie_word_embeddings"] = true,
            ["bos_token_id"] = 1,
            ["eos_token_id"] = 2,
        };
        File.WriteAllText(Path.Combine(folder, "config.json"), config.ToJsonString());
        List<TensorInfo> tensors =
        [
            new("model.embed_tokens.weight", ElementType.F32, [Vocabulary, Hidden]),
            new("model.layers.0.input_layernorm.weight", ElementType.F32, [Hidden]),
            new("model.layers.0.mlp.down_proj.weight", ElementType.F32, [Hidden, Inner]),
            new("model.layers.0.mlp.gate_proj.weight", ElementType.F32, [Inner, Hidden]),
            new(Bad, ElementType.F32, [Inner, Hidden]),
            new("model.layers.0.post_attention_layernorm.weight", ElementType.F32, [Hidden]),
            new("model.layers.0.self_attn.k_proj.weight", ElementType.F32, [Hidden / 2, Hidden]),
            new("model.layers.0.self_attn.o_proj.weight", ElementType.F32, [Hidden, Hidden]),
            new("model.layers.0.self_attn.q_proj.weight", ElementType.F32, [Hidden, Hidden]),
            new("model.layers.0.self_attn.v_proj.weight", ElementType.F32, [Hidden / 2, Hidden]),
            new("model.norm.weight", ElementType.F32, [Hidden]),
        ];
        var random = new Random(7);
        using var writer = new CheckpointWriter(folder, tensors);
        foreach (TensorInfo tensor in tensors)
        {
            float[] values = [.. Enumerable.Range(0, (int)tensor.Count).Select(_ => (float)(random.NextDouble() - 0.5))];
            if (tensor.Name == Bad && bad is float number)
                values[2 * Hidden + 3] = number;
            if (tensor.Name == Bad && silent)
                values.AsSpan().Clear();
            writer.Write(tensor.Name, MemoryMarshal.AsBytes(values.AsSpan()));
        }
        writer.Complete();
        return folder;
    }
}
