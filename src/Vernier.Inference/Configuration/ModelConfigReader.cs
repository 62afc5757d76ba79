using System.Text.Json;
using Vernier.Errors;
using Vernier.Files;

namespace Vernier.Inference;

/// <summary>Reads config.json: the keys of the Hugging Face library, with its defaults for what a family may leave out.</summary>
internal static class ModelConfigReader
{
    private const int MaxPositions = 1 << 27;

    private static readonly Dictionary<string, ModelFamily> Families = new(StringComparer.Ordinal)
    {
        ["llama"] = ModelFamily.Llama,
        ["mistral"] = ModelFamily.Mistral,
        ["qwen2"] = ModelFamily.Qwen2,
        ["qwen3"] = ModelFamily.Qwen3,
        ["phi3"] = ModelFamily.Phi3,
    };

    public static bool TryReadFamily(string path, out ModelFamily family, out string architecture)
    {
        using JsonDocument document = Parse(path);
        return TryGetFamily(new ConfigObject(path, document.RootElement), out family, out architecture);
    }

    public static bool TryReadFamily(ReadOnlyMemory<byte> utf8, string path, out ModelFamily family, out string architecture)
    {
        using JsonDocument document = CheckObject(StrictJson.Parse(utf8, path), path);
        return TryGetFamily(new ConfigObject(path, document.RootElement), out family, out architecture);
    }

    public static ModelConfig Read(string path)
    {
        using JsonDocument document = Parse(path);
        return Read(new ConfigObject(path, document.RootElement));
    }

    /// <summary>Reads text that is already in memory; the path is for messages.</summary>
    public static ModelConfig Read(ReadOnlyMemory<byte> utf8, string path)
    {
        using JsonDocument document = CheckObject(StrictJson.Parse(utf8, path), path);
        return Read(new ConfigObject(path, document.RootElement));
    }

    private static JsonDocument Parse(string path) => CheckObject(StrictJson.Parse(path, ModelConfig.MaxFileBytes), path);

    private static JsonDocument CheckObject(JsonDocument document, string path)
    {
        if (document.RootElement.ValueKind == JsonValueKind.Object)
            return document;
        document.Dispose();
        throw new InvalidFileException(path, ModelRules.ConfigType, "the file is not a JSON object", "Download the file again");
    }

    /// <summary>A family is known by its <c>model_type</c>; the head must be that of a causal language model.</summary>
    private static bool TryGetFamily(ConfigObject root, out ModelFamily family, out string architecture)
    {
        string type = root.Element.TryGetProperty("model_type", out JsonElement value) && value.ValueKind == JsonValueKind.String
            ? value.GetString()! : "";
        architecture = type;
        bool causal = true;
        if (root.Element.TryGetProperty("architectures", out JsonElement list) && list.ValueKind == JsonValueKind.Array && list.GetArrayLength() > 0)
        {
            architecture = list[0].ValueKind == JsonValueKind.String ? list[0].GetString()! : type;
            causal = architecture.EndsWith("ForCausalLM", StringComparison.Ordinal);
        }
        return Families.TryGetValue(type, out family) && causal;
    }

    private static ModelConfig Read(ConfigObject root)
    {
        if (!TryGetFamily(root, out ModelFamily family, out string architecture))
        {
            throw root.Error(ModelRules.UnknownArchitecture, $"the architecture {ConfigObject.Quote(architecture)} can't be run",
                $"Give a causal language model of one of the families {string.Join(", ", Families.Keys)}");
        }
        int hidden = root.Integer("hidden_size", 1, 1 << 20);
        int layers = root.Integer("num_hidden_layers", 1, 1024);
        int vocabulary = root.Integer("vocab_size", 1, 1 << 24);
        int maxPositions = root.Integer("max_position_embeddings", 1, MaxPositions);
        (int heads, int keyValueHeads, int headSize) = ReadHeads(root, family, hidden);
        int? window = ReadWindow(root, family);
        bool attentionBias = family is ModelFamily.Llama or ModelFamily.Qwen3 && root.Flag("attention_bias", false);
        int[] begin = root.Integers("bos_token_id", 0, vocabulary - 1);
        return new ModelConfig
        {
            Path = root.Path,
            Family = family,
            VocabularySize = vocabulary,
            HiddenSize = hidden,
            IntermediateSize = root.Integer("intermediate_size", 1, 1 << 22),
            LayerCount = layers,
            HeadCount = heads,
            KeyValueHeadCount = keyValueHeads,
            HeadSize = headSize,
            MaxPositions = maxPositions,
            NormEpsilon = (float)root.Number("rms_norm_eps", 1e-30, 1, family == ModelFamily.Phi3 ? 1e-5 : 1e-6),
            Rope = RopeConfigReader.Read(root, family, headSize, maxPositions),
            Activation = ReadActivation(root),
            TiedEmbeddings = root.Flag("tie_word_embeddings", false),
            QueryKeyValueBias = attentionBias || family == ModelFamily.Qwen2,
            OutputBias = attentionBias,
            FeedForwardBias = family == ModelFamily.Llama && root.Flag("mlp_bias", false),
            SlidingWindow = window,
            SlidingLayers = ReadSlidingLayers(root, family, layers, window),
            BeginToken = begin.Length > 0 ? begin[0] : null,
            EndTokens = root.Integers("eos_token_id", 0, vocabulary - 1),
            DataType = ReadDataType(root),
            Quantization = root.Object("quantization_config")?.Element.Clone(),
        };
    }

    private static (int Heads, int KeyValueHeads, int HeadSize) ReadHeads(ConfigObject root, ModelFamily family, int hidden)
    {
        int heads = root.Integer("num_attention_heads", 1, 4096);
        int? keyValueDefault = family switch
        {
            ModelFamily.Llama or ModelFamily.Phi3 => heads,
            ModelFamily.Mistral => 8,
            _ => 32,
        };
        // An explicit null means one key/value head for each query head in every family.
        int keyValueHeads = root.Integer("num_key_value_heads", 1, 4096, root.Mentions("num_key_value_heads") ? heads : keyValueDefault);
        if (heads % keyValueHeads != 0)
            throw root.Error(ModelRules.ConfigHeads, $"'num_attention_heads' is {heads}, not a multiple of 'num_key_value_heads', {keyValueHeads}");
        if (!root.Has("head_dim") && family != ModelFamily.Qwen3 && hidden % heads != 0)
            throw root.Error(ModelRules.ConfigHeads, $"'hidden_size' is {hidden}, not a multiple of 'num_attention_heads', {heads}, and there is no 'head_dim'");
        int headSize = root.Integer("head_dim", 2, 4096, family == ModelFamily.Qwen3 ? 128 : hidden / heads);
        if (headSize is < 2 or > 4096)
            throw root.Error(ModelRules.ConfigHeads, $"'hidden_size' / 'num_attention_heads' is {headSize}, not from 2 to 4096");
        return (heads, keyValueHeads, headSize);
    }

    private static int? ReadWindow(ConfigObject root, ModelFamily family)
    {
        // Mistral and Qwen have a window of 4096 where the file doesn't mention it; Qwen uses one only if asked to.
        bool used = family switch
        {
            ModelFamily.Mistral => root.Has("sliding_window") || !root.Mentions("sliding_window"),
            ModelFamily.Phi3 => root.Has("sliding_window"),
            ModelFamily.Qwen2 or ModelFamily.Qwen3 => root.Flag("use_sliding_window", false) && (root.Has("sliding_window") || !root.Mentions("sliding_window")),
            _ => false,
        };
        return used ? root.Integer("sliding_window", 1, MaxPositions, 4096) : null;
    }

    private static bool[] ReadSlidingLayers(ConfigObject root, ModelFamily family, int layers, int? window)
    {
        bool[] sliding = new bool[layers];
        if (family is ModelFamily.Qwen2 or ModelFamily.Qwen3)
        {
            int first = root.Integer("max_window_layers", 0, MaxPositions, 28);
            if (root.Array("layer_types", layers) is { } types)
            {
                for (int layer = 0; layer < layers; layer++)
                    sliding[layer] = IsSliding(root, types[layer], window);
                return sliding;
            }
            for (int layer = first; layer < layers; layer++)
                sliding[layer] = window is not null;
            return sliding;
        }
        Array.Fill(sliding, window is not null);
        return sliding;
    }

    private static bool IsSliding(ConfigObject root, JsonElement type, int? window)
    {
        switch (type.ValueKind == JsonValueKind.String ? type.GetString() : null)
        {
            case "full_attention":
                return false;
            case "sliding_attention" when window is not null:
                return true;
            case "sliding_attention":
                throw root.Error(ModelRules.ConfigLayerTypes, "'layer_types' has sliding attention but there is no sliding window");
            default:
                throw root.Error(ModelRules.ConfigLayerTypes, $"'layer_types' has {ConfigObject.Quote(type.GetRawText())}, neither full_attention nor sliding_attention");
        }
    }

    private static Activation ReadActivation(ConfigObject root) => root.Text("hidden_act") switch
    {
        null or "silu" or "swish" => Activation.Silu,
        "gelu_pytorch_tanh" or "gelu_new" => Activation.GeluTanh,
        { } other => throw root.Error(ModelRules.ConfigActivation, $"'hidden_act' is {ConfigObject.Quote(other)}",
            "Give a model with silu, swish, gelu_pytorch_tanh or gelu_new"),
    };

    private static ElementType? ReadDataType(ConfigObject root) => (root.Text("dtype") ?? root.Text("torch_dtype")) switch
    {
        null => null,
        "float64" => ElementType.F64,
        "float32" => ElementType.F32,
        "float16" => ElementType.F16,
        "bfloat16" => ElementType.BF16,
        "float8_e4m3fn" => ElementType.F8_E4M3,
        "float8_e5m2" => ElementType.F8_E5M2,
        { } other => throw root.Error(ModelRules.ConfigDataType, $"the data type is {ConfigObject.Quote(other)}",
            "Give float64, float32, float16, bfloat16, float8_e4m3fn or float8_e5m2"),
    };
}
