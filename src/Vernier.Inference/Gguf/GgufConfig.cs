using System.Text.Json.Nodes;
using Vernier.Errors;
using Vernier.Files.Gguf;

namespace Vernier.Inference.Gguf;

/// <summary>config.json and the metadata of the same meaning.</summary>
internal static class GgufConfig
{
    private const string Architecture = "general.architecture";

    /// <summary>The parameters of Llama 3.1 and 3.2, by which correction factors of rotary frequencies are recognised.</summary>
    private static readonly (double Factor, double Low, double High, int Original)[] s_llama3 = [(8, 1, 4, 8192), (32, 1, 4, 8192)];

    /// <summary>The metadata that a model's configuration asks for, general.file_type excepted.</summary>
    /// <param name="config">The model.</param>
    /// <param name="name">What the model is called.</param>
    public static IEnumerable<KeyValuePair<string, GgufValue>> ToMetadata(ModelConfig config, string name)
    {
        string arch = ArchitectureOf(config.Family);
        var pairs = new List<KeyValuePair<string, GgufValue>>();
        void Add(string key, object value) => pairs.Add(KeyValuePair.Create(key, GgufValue.Of(value)));
        Add(Architecture, arch);
        Add("general.type", "model");
        Add("general.name", name);
        Add($"{arch}.block_count", (uint)config.LayerCount);
        Add($"{arch}.context_length", (uint)config.MaxPositions);
        Add($"{arch}.embedding_length", (uint)config.HiddenSize);
        Add($"{arch}.feed_forward_length", (uint)config.IntermediateSize);
        Add($"{arch}.attention.head_count", (uint)config.HeadCount);
        Add($"{arch}.attention.head_count_kv", (uint)config.KeyValueHeadCount);
        Add($"{arch}.attention.key_length", (uint)config.HeadSize);
        Add($"{arch}.attention.value_length", (uint)config.HeadSize);
        Add($"{arch}.attention.layer_norm_rms_epsilon", config.NormEpsilon);
        Add($"{arch}.vocab_size", (uint)config.VocabularySize);
        Add($"{arch}.rope.dimension_count", (uint)config.Rope.RotarySize);
        Add($"{arch}.rope.freq_base", (float)config.Rope.Theta);
        if (config.SlidingWindow is int window && config.Family is ModelFamily.Phi3 or ModelFamily.Mistral)
            Add($"{arch}.attention.sliding_window", (uint)window);
        switch (config.Rope.Scaling)
        {
            case RopeScaling.Linear:
                Add($"{arch}.rope.scaling.type", "linear");
                Add($"{arch}.rope.scaling.factor", (float)config.Rope.Factor);
                break;
            case RopeScaling.LongRope when !IsFixed(config):
                Add($"{arch}.rope.scaling.type", "longrope");
                Add($"{arch}.rope.scaling.original_context_length", (uint)config.Rope.OriginalMaxPositions);
                Add($"{arch}.rope.scaling.attn_factor", (float)config.Rope.AttentionFactor);
                break;
        }
        return pairs;
    }

    /// <summary>The tensors of correction factors that a model's rotary embedding needs.</summary>
    public static IEnumerable<(string Name, float[] Factors)> RopeTensors(ModelConfig config)
    {
        RopeConfig rope = config.Rope;
        if (IsFixed(config))
        {
            yield return (GgufNames.RopeFactors, [.. rope.ShortFactors.Select(factor => (float)factor)]);
            yield break;
        }
        if (rope.Scaling == RopeScaling.Llama3)
            yield return (GgufNames.RopeFactors, Llama3Factors(rope.RotarySize, rope.Theta, rope.Factor, rope.LowFrequencyFactor, rope.HighFrequencyFactor, rope.OriginalMaxPositions));
        if (rope.Scaling != RopeScaling.LongRope)
            yield break;
        yield return (GgufNames.LongFactors, [.. rope.LongFactors.Select(factor => (float)factor)]);
        yield return (GgufNames.ShortFactors, [.. rope.ShortFactors.Select(factor => (float)factor)]);
    }

    /// <summary>The config.json of a file.</summary>
    /// <exception cref="InvalidFileException">The architecture does not run here, or a value is missing or of the wrong type.</exception>
    public static JsonObject ToJson(GgufMetadata metadata, GgufFile file)
    {
        string arch = metadata.Text(Architecture) ?? throw metadata.Missing(Architecture);
        (string type, string name) = arch switch
        {
            "llama" => ("llama", "LlamaForCausalLM"),
            "qwen2" => ("qwen2", "Qwen2ForCausalLM"),
            "qwen3" => ("qwen3", "Qwen3ForCausalLM"),
            "phi3" => ("phi3", "Phi3ForCausalLM"),
            _ => throw new InvalidFileException(file.Path, GgufModelRules.Architecture, $"the architecture {ConfigObject.Quote(arch)} can't be run", "Give a model of one of the architectures llama, qwen2, qwen3 and phi3"),
        };
        if (metadata.Integer($"{arch}.expert_count") is > 0)
            throw new InvalidFileException(file.Path, GgufModelRules.Architecture, "the model is a mixture of experts, which can't be run", "Give a dense model");
        long heads = metadata.NeedInteger($"{arch}.attention.head_count"), hidden = metadata.NeedInteger($"{arch}.embedding_length");
        long headSize = metadata.Integer($"{arch}.attention.key_length") ?? (heads > 0 ? hidden / heads : 0), rotary = metadata.Integer($"{arch}.rope.dimension_count") ?? headSize;
        long context = metadata.NeedInteger($"{arch}.context_length");
        var config = new JsonObject
        {
            ["architectures"] = new JsonArray(name),
            ["model_type"] = type,
            ["vocab_size"] = metadata.Array<string>(GgufTokenizer.Tokens)?.Length ?? metadata.NeedInteger($"{arch}.vocab_size"),
            ["hidden_size"] = hidden,
            ["intermediate_size"] = metadata.NeedInteger($"{arch}.feed_forward_length"),
            ["num_hidden_layers"] = metadata.NeedInteger($"{arch}.block_count"),
            ["num_attention_heads"] = heads,
            ["num_key_value_heads"] = metadata.Integer($"{arch}.attention.head_count_kv") ?? heads,
            ["head_dim"] = headSize,
            ["hidden_act"] = "silu",
            ["rms_norm_eps"] = metadata.Decimal($"{arch}.attention.layer_norm_rms_epsilon") ?? throw metadata.Missing($"{arch}.attention.layer_norm_rms_epsilon"),
            ["max_position_embeddings"] = context,
            ["rope_theta"] = metadata.Decimal($"{arch}.rope.freq_base") ?? 10000,
            ["tie_word_embeddings"] = !file.TryGet("output.weight", out _),
            ["torch_dtype"] = file.TryGet("token_embd.weight", out GgufTensor? embedding) && embedding.Type == GgufTensorType.BF16 ? "bfloat16" : embedding?.Type == GgufTensorType.F32 ? "float32" : "float16",
        };
        if (type == "llama")
        {
            config["attention_bias"] = file.TryGet("blk.0.attn_q.bias", out _);
            config["mlp_bias"] = file.TryGet("blk.0.ffn_up.bias", out _);
        }
        if (type == "phi3")
            config["sliding_window"] = metadata.Integer($"{arch}.attention.sliding_window") is long window and > 0 ? window : null;
        if (rotary != headSize)
            config["partial_rotary_factor"] = headSize > 0 ? (double)rotary / headSize : 0;
        if (metadata.Integer("tokenizer.ggml.bos_token_id") is long begin)
            config["bos_token_id"] = begin;
        if (EndTokens(metadata) is { Count: > 0 } end)
            config["eos_token_id"] = end.Count == 1 ? end[0] : new JsonArray([.. end.Select(id => JsonValue.Create(id))]);
        if (RopeScalingOf(metadata, file, arch, (int)Math.Clamp(rotary, 0, 4096), context, (double)config["rope_theta"]!) is JsonObject scaling)
            config["rope_scaling"] = scaling;
        if (type == "phi3" && metadata.Integer($"{arch}.rope.scaling.original_context_length") is long original)
            config["original_max_position_embeddings"] = original;
        return config;
    }

    /// <summary>The architecture that llama.cpp knows a family by.</summary>
    public static string ArchitectureOf(ModelFamily family) => family switch
    {
        ModelFamily.Llama or ModelFamily.Mistral => "llama",
        ModelFamily.Qwen2 => "qwen2",
        ModelFamily.Qwen3 => "qwen3",
        _ => "phi3",
    };

    /// <summary>Whether the frequencies have the same factors at every length, as those of Llama 3 have.</summary>
    private static bool IsFixed(ModelConfig config) => config.Family != ModelFamily.Phi3 && config.Rope.Scaling == RopeScaling.LongRope
        && config.Rope.AttentionFactor == 1 && config.Rope.ShortFactors.SequenceEqual(config.Rope.LongFactors);

    // The end of a turn ends a text as well.
    private static List<long> EndTokens(GgufMetadata metadata)
    {
        var end = new List<long>();
        foreach (string key in (string[])["tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id"])
        {
            if (metadata.Integer(key) is long id && !end.Contains(id))
                end.Add(id);
        }
        return end;
    }

    private static JsonObject? RopeScalingOf(GgufMetadata metadata, GgufFile file, string arch, int rotary, long context, double theta)
    {
        if (Factors(file, GgufNames.LongFactors, rotary) is float[] longer && Factors(file, GgufNames.ShortFactors, rotary) is float[] shorter)
        {
            var scaling = LongRope(shorter, longer);
            if (metadata.Decimal($"{arch}.rope.scaling.attn_factor") is double attention)
                scaling["attention_factor"] = attention;
            scaling["original_max_position_embeddings"] = metadata.Integer($"{arch}.rope.scaling.original_context_length") ?? context;
            return scaling;
        }
        if (Factors(file, GgufNames.RopeFactors, rotary) is float[] factors)
        {
            foreach ((double factor, double low, double high, int original) in s_llama3)
            {
                if (Llama3Factors(rotary, theta, factor, low, high, original).Zip(factors).All(pair => Math.Abs(pair.First - pair.Second) <= 1e-5 * pair.First))
                {
                    return new JsonObject
                    {
                        ["rope_type"] = "llama3", ["factor"] = factor, ["low_freq_factor"] = low, ["high_freq_factor"] = high, ["original_max_position_embeddings"] = original,
                    };
                }
            }
            JsonObject scaling = LongRope(factors, factors);
            scaling["attention_factor"] = 1.0;
            scaling["original_max_position_embeddings"] = context;
            return scaling;
        }
        return metadata.Text($"{arch}.rope.scaling.type") switch
        {
            null or "none" => null,
            "linear" => new JsonObject { ["rope_type"] = "linear", ["factor"] = metadata.Decimal($"{arch}.rope.scaling.factor") ?? throw metadata.Missing($"{arch}.rope.scaling.factor") },
            string other => new JsonObject { ["rope_type"] = other },
        };
    }

    private static JsonObject LongRope(float[] shorter, float[] longer) => new()
    {
        ["rope_type"] = "longrope", ["short_factor"] = Decimals(shorter), ["long_factor"] = Decimals(longer),
    };

    private static JsonArray Decimals(float[] numbers) => new([.. numbers.Select(number => JsonValue.Create(double.Parse(number.ToString("R"))))]);

    private static float[]? Factors(GgufFile file, string name, int rotary)
    {
        if (!file.TryGet(name, out GgufTensor? tensor))
            return null;
        if (tensor.Count != rotary / 2)
            throw new InvalidFileException(file.Path, GgufModelRules.TensorShape, $"it has {tensor.Count} factors, and {rotary} coordinates of a head are rotated", "Convert the model again", name);
        var factors = new float[tensor.Count];
        file.Read(name, 0, factors);
        return factors;
    }

    /// <summary>What Llama 3 divides each rotary frequency by; see <see cref="RopeConfig"/>.</summary>
    private static float[] Llama3Factors(int rotary, double theta, double factor, double low, double high, double original)
    {
        var factors = new float[rotary / 2];
        for (int i = 0; i < factors.Length; i++)
        {
            double wavelength = 2 * Math.PI * Math.Pow(theta, 2.0 * i / rotary);
            double smooth = (original / wavelength - low) / (high - low);
            factors[i] = (float)(wavelength < original / high ? 1 : wavelength > original / low ? factor : 1 / ((1 - smooth) / factor + smooth));
        }
        return factors;
    }
}
