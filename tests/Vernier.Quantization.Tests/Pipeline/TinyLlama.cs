namespace Vernier.Tests.Pipeline;

/// <summary>Writes a small model that runs: two blocks, 64 wide, random weights.</summary>
internal static class TinyLlama
{
    private const string Config = """
        {
          "architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": 48, "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2,
          "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 16, "hidden_act": "silu", "rms_norm_eps": 1e-05, "rope_theta": 10000.0,
          "max_position_embeddings": 64, "tie_word_embeddings": true, "bos_token_id": 0, "eos_token_id": 1
        }
        """;

    /// <summary>The linear layers of a block in the order of their inputs.</summary>
    public static readonly string[] Linears =
        ["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj", "mlp.gate_proj", "mlp.up_proj", "mlp.down_proj"];

    /// <summary>Writes the model.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="change">Changes the values of a tensor, or null.</param>
    public static void Write(string folder, Action<string, float[]>? change = null)
    {
        var tensors = new List<(string, long[], float[])>();
        int seed = 0;
        Add("model.embed_tokens", 1, 48, 64);
        for (int layer = 0; layer < 2; layer++)
        {
            Add($"model.layers.{layer}.input_layernorm", 0, 64);
            Add($"model.layers.{layer}.post_attention_layernorm", 0, 64);
            foreach (string name in Linears)
            {
                (int outputs, int inputs) = name switch
                {
                    "self_attn.k_proj" or "self_attn.v_proj" => (32, 64),
                    "mlp.gate_proj" or "mlp.up_proj" => (96, 64),
                    "mlp.down_proj" => (64, 96),
                    _ => (64, 64),
                };
                Add($"model.layers.{layer}.{name}", 0.15, outputs, inputs);
            }
        }
        Add("model.norm", 0, 64);
        TinyModel.Write(folder, Config, [.. tensors]);

        void Add(string name, double deviation, params long[] shape)
        {
            float[] values = deviation == 0 ? [.. Enumerable.Repeat(1f, (int)shape[0])] : TinyModel.Gaussian((int)(shape[0] * shape[1]), ++seed, deviation);
            change?.Invoke(name + ".weight", values);
            tensors.Add((name + ".weight", shape, values));
        }
    }
}
