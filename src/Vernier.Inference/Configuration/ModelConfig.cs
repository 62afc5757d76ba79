using System.Security.Cryptography;
using System.Text.Json;
using Vernier.Errors;
using Vernier.Files;

namespace Vernier.Inference.Configuration;

/// <summary>
/// What config.json says about a decoder-only language model, checked: what all architectures have. An architecture derives from it
/// what it adds.
/// </summary>
public abstract class ModelConfig
{
    /// <summary>The largest config.json that is read, in bytes.</summary>
    public const long MaxFileBytes = 64 << 20;

    /// <summary>The most positions, layers and tokens that are taken for sound.</summary>
    internal const int MostPositions = 1 << 27, MostLayers = 1024, MostTokens = 1 << 24;

    /// <summary>Reads what all architectures have.</summary>
    /// <param name="root">The object of the file.</param>
    /// <exception cref="InvalidFileException">A value is missing, has the wrong type or lies outside its range.</exception>
    protected ModelConfig(ConfigObject root)
    {
        Path = root.Path;
        ModelType = root.ModelType;
        HiddenSize = root.Integer("hidden_size", 1, 1 << 20);
        LayerCount = root.Integer("num_hidden_layers", 1, MostLayers);
        VocabularySize = root.Integer("vocab_size", 1, MostTokens);
        MaxPositions = root.Integer("max_position_embeddings", 1, MostPositions);
        TiedEmbeddings = root.Flag("tie_word_embeddings", false);
        int[] begin = root.Integers("bos_token_id", 0, VocabularySize - 1);
        BeginToken = begin.Length > 0 ? begin[0] : null;
        EndTokens = root.Integers("eos_token_id", 0, VocabularySize - 1);
        DataType = ReadDataType(root);
        Quantization = root.Object("quantization_config")?.Element.Clone();
        Identity = Convert.ToHexString(SHA256.HashData(JsonSerializer.SerializeToUtf8Bytes(root.Element)));
    }

    /// <summary>The path of the config.json, for messages.</summary>
    public string Path { get; }

    /// <summary>The member <c>model_type</c>, by which the architecture is known.</summary>
    public string ModelType { get; }

    /// <summary>
    /// A hash of the content of the file: two models loaded from equal files have the same, and what a sequence of one has behind it is
    /// of use to the other.
    /// </summary>
    public string Identity { get; }

    /// <summary>The number of token ids, 1 to 2^24.</summary>
    public int VocabularySize { get; }

    /// <summary>The width of the residual stream, 1 to 2^20.</summary>
    public int HiddenSize { get; }

    /// <summary>The number of blocks, 1 to 1024.</summary>
    public int LayerCount { get; }

    /// <summary>The longest context the model is made for, in tokens, 1 to 2^27.</summary>
    public int MaxPositions { get; }

    /// <summary>Whether the output layer is the embedding matrix. Default false.</summary>
    public bool TiedEmbeddings { get; }

    /// <summary>The token that begins a text, if there is one.</summary>
    public int? BeginToken { get; }

    /// <summary>The tokens that end a text; may be empty.</summary>
    public IReadOnlyList<int> EndTokens { get; }

    /// <summary>The type the network was trained in, where the file says.</summary>
    public ElementType? DataType { get; }

    /// <summary>The object <c>quantization_config</c>, or null for a model that is not quantized.</summary>
    public JsonElement? Quantization { get; }

    /// <summary>The members of config.json that nothing is known of; none of them is computed.</summary>
    public IReadOnlyList<string> NotUnderstood { get; internal set; } = [];

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
