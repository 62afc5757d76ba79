using System.Text.Json;

namespace Vernier.TestKit;

/// <summary>
/// A small random network, described apart from the production code: what its config.json says and what the reference
/// computes are both taken from here.
/// </summary>
public sealed record TinySpec
{
    public string Name { get; init; } = "";
    public string Type { get; init; } = "llama";
    public int Vocabulary { get; init; } = 37;
    public int Hidden { get; init; } = 24;
    public int Intermediate { get; init; } = 29;
    public int Layers { get; init; } = 2;
    public int Heads { get; init; } = 4;
    public int KeyValueHeads { get; init; } = 2;
    public int HeadSize { get; init; } = 6;
    public int Rotary { get; init; } = 6;
    public double Epsilon { get; init; } = 1e-5;
    public bool Tied { get; init; }
    public bool QueryKeyValueBias { get; init; }
    public bool OutputBias { get; init; }
    public bool FeedForwardBias { get; init; }
    public bool HeadNorm { get; init; }
    public bool Fused { get; init; }
    public bool Gelu { get; init; }

    /// <summary>Another nonlinearity than SiLU or GELU by tanh; null for those.</summary>
    public Func<double, double>? Activate { get; init; }

    /// <summary>The window of each layer, or null for the whole context.</summary>
    public Func<int, int?> Window { get; init; } = _ => null;

    /// <summary>The frequency of pair i at a context of so many tokens.</summary>
    public Func<int, int, double>? Frequency { get; init; }

    /// <summary>What cosine and sine are multiplied by.</summary>
    public double Amplitude { get; init; } = 1;

    /// <summary>Further entries of config.json; they replace those made from the rest.</summary>
    public Dictionary<string, object?> Extra { get; init; } = [];

    public double FrequencyOf(int i, int length) => Frequency is null ? PlainFrequency(i, 10000, Rotary) : Frequency(i, length);

    public static double PlainFrequency(int i, double theta, int rotary) => 1 / Math.Pow(theta, 2.0 * i / rotary);

    public override string ToString() => Name;

    public string Config()
    {
        var config = new Dictionary<string, object?>
        {
            ["architectures"] = new[] { "TinyForCausalLM" },
            ["model_type"] = Type,
            ["vocab_size"] = Vocabulary,
            ["hidden_size"] = Hidden,
            ["intermediate_size"] = Intermediate,
            ["num_hidden_layers"] = Layers,
            ["num_attention_heads"] = Heads,
            ["num_key_value_heads"] = KeyValueHeads,
            ["head_dim"] = HeadSize,
            ["hidden_act"] = Gelu ? "gelu_pytorch_tanh" : "silu",
            ["rms_norm_eps"] = Epsilon,
            ["max_position_embeddings"] = 128,
            ["tie_word_embeddings"] = Tied,
            ["sliding_window"] = null,
            ["bos_token_id"] = 1,
            ["eos_token_id"] = 2,
        };
        foreach ((string key, object? value) in Extra)
            config[key] = value;
        return JsonSerializer.Serialize(config);
    }

    /// <summary>Every tensor with its shape.</summary>
    public IEnumerable<(string Name, int[] Shape)> Shapes()
    {
        int queries = Heads * HeadSize, keys = KeyValueHeads * HeadSize;
        yield return ("model.embed_tokens.weight", [Vocabulary, Hidden]);
        for (int layer = 0; layer < Layers; layer++)
        {
            string prefix = $"model.layers.{layer}.";
            yield return (prefix + "input_layernorm.weight", [Hidden]);
            yield return (prefix + "post_attention_layernorm.weight", [Hidden]);
            (string Name, bool Bias, int Outputs, int Inputs)[] matrices =
            [
                .. Fused ? ((string, bool, int, int)[])
                [
                    ("self_attn.qkv_proj", QueryKeyValueBias, queries + 2 * keys, Hidden),
                    ("mlp.gate_up_proj", FeedForwardBias, 2 * Intermediate, Hidden),
                ]
                :
                [
                    ("self_attn.q_proj", QueryKeyValueBias, queries, Hidden), ("self_attn.k_proj", QueryKeyValueBias, keys, Hidden),
                    ("self_attn.v_proj", QueryKeyValueBias, keys, Hidden), ("mlp.gate_proj", FeedForwardBias, Intermediate, Hidden),
                    ("mlp.up_proj", FeedForwardBias, Intermediate, Hidden),
                ],
                ("self_attn.o_proj", OutputBias, Hidden, queries), ("mlp.down_proj", FeedForwardBias, Hidden, Intermediate),
            ];
            foreach ((string name, bool bias, int outputs, int inputs) in matrices)
            {
                yield return ($"{prefix}{name}.weight", [outputs, inputs]);
                if (bias)
                    yield return ($"{prefix}{name}.bias", [outputs]);
            }
            if (HeadNorm)
            {
                yield return (prefix + "self_attn.q_norm.weight", [HeadSize]);
                yield return (prefix + "self_attn.k_norm.weight", [HeadSize]);
            }
        }
        yield return ("model.norm.weight", [Hidden]);
        if (!Tied)
            yield return ("lm_head.weight", [Vocabulary, Hidden]);
    }

    /// <summary>Every tensor with its shape, and random values that keep the activations near 1.</summary>
    public Dictionary<string, TinyTensor> Tensors(int seed)
    {
        var random = new Random(seed);
        var tensors = new Dictionary<string, TinyTensor>();
        foreach ((string name, int[] shape) in Shapes())
        {
            bool norm = name.Contains("norm", StringComparison.Ordinal);
            double spread = norm ? 0.4 : shape.Length == 1 ? 0.5 : name.Contains("embed", StringComparison.Ordinal) ? 1
                : 1.8 / Math.Sqrt(shape[1]);
            tensors.Add(name, new TinyTensor(shape, [.. Enumerable.Range(0, shape.Aggregate((x, y) => x * y))
                .Select(_ => (float)((norm ? 1 : 0) + spread * (2 * random.NextDouble() - 1)))]));
        }
        return tensors;
    }
}
