using System.Text.Json;
using Vernier.Errors;
using Vernier.Files;

namespace Vernier.Inference;

/// <summary>What config.json says about a decoder-only language model, checked.</summary>
public sealed record ModelConfig
{
    /// <summary>The largest config.json that is read, in bytes.</summary>
    public const long MaxFileBytes = 64 << 20;

    /// <summary>The path of the config.json, for messages.</summary>
    public required string Path { get; init; }

    /// <summary>The family.</summary>
    public required ModelFamily Family { get; init; }

    /// <summary>The number of token ids, 1 to 2^24.</summary>
    public required int VocabularySize { get; init; }

    /// <summary>The width of the residual stream, 1 to 2^20.</summary>
    public required int HiddenSize { get; init; }

    /// <summary>The width of the feed-forward part, 1 to 2^22.</summary>
    public required int IntermediateSize { get; init; }

    /// <summary>The number of blocks, 1 to 1024.</summary>
    public required int LayerCount { get; init; }

    /// <summary>The number of query heads, 1 to 4096.</summary>
    public required int HeadCount { get; init; }

    /// <summary>The number of key and value heads, which divides the number of query heads.</summary>
    public required int KeyValueHeadCount { get; init; }

    /// <summary>The width of one head, 2 to 4096.</summary>
    public required int HeadSize { get; init; }

    /// <summary>The longest context the model is made for, in tokens, 1 to 2^27.</summary>
    public required int MaxPositions { get; init; }

    /// <summary>The epsilon of every RMS norm, above 0 and at most 1. Default 1e-6, for Phi-3 1e-5.</summary>
    public required float NormEpsilon { get; init; }

    /// <summary>The rotary position embedding.</summary>
    public required RopeConfig Rope { get; init; }

    /// <summary>The gate's nonlinearity. Default SiLU.</summary>
    public Activation Activation { get; init; }

    /// <summary>Whether the output layer is the embedding matrix. Default false.</summary>
    public bool TiedEmbeddings { get; init; }

    /// <summary>Whether the query, key and value projections have biases.</summary>
    public bool QueryKeyValueBias { get; init; }

    /// <summary>Whether the attention's output projection has a bias.</summary>
    public bool OutputBias { get; init; }

    /// <summary>Whether the feed-forward projections have biases.</summary>
    public bool FeedForwardBias { get; init; }

    /// <summary>The sliding window in tokens, the query's own included; null where every layer sees the whole context.</summary>
    public int? SlidingWindow { get; init; }

    /// <summary>For each layer, whether the sliding window applies.</summary>
    public required IReadOnlyList<bool> SlidingLayers { get; init; }

    /// <summary>The token that begins a text, if there is one.</summary>
    public int? BeginToken { get; init; }

    /// <summary>The tokens that end a text; may be empty.</summary>
    public IReadOnlyList<int> EndTokens { get; init; } = [];

    /// <summary>The type the network was trained in, where the file says.</summary>
    public ElementType? DataType { get; init; }

    /// <summary>The object <c>quantization_config</c>, or null for a model that is not quantized.</summary>
    public JsonElement? Quantization { get; init; }

    /// <summary>Whether query and key heads are normalised: Qwen3.</summary>
    public bool QueryKeyNorm => Family == ModelFamily.Qwen3;

    /// <summary>Whether query, key and value are one tensor, and gate and up another: Phi-3.</summary>
    public bool FusedProjections => Family == ModelFamily.Phi3;

    /// <summary>The window of a layer in tokens, or null where it sees the whole context.</summary>
    public int? WindowOf(int layer) => SlidingLayers[layer] ? SlidingWindow : null;

    /// <summary>Reads config.json in a model's folder, or what a GGUF file says of the same.</summary>
    /// <exception cref="InvalidFileException">
    /// The file is missing or no JSON, a value has the wrong type or lies outside its range, or the model is of a family or
    /// uses a feature that can't run here: the rules of <see cref="ModelRules"/>.
    /// </exception>
    public static ModelConfig Load(string folder) =>
        Gguf.ModelSource.IsGguf(folder) ? ModelConfigReader.Read(Gguf.ModelSource.ReadConfig(folder), folder) : ModelConfigReader.Read(ConfigPath(folder));

    /// <summary>Whether the model in a folder, or in a GGUF file, is of a family that runs here. A GGUF file of another is refused.</summary>
    /// <param name="folder">The model's folder.</param>
    /// <param name="family">The family, if it is one.</param>
    /// <param name="architecture">The architecture as the file names it, for messages.</param>
    /// <exception cref="InvalidFileException">The file is missing or no JSON object.</exception>
    public static bool TryGetFamily(string folder, out ModelFamily family, out string architecture) => Gguf.ModelSource.IsGguf(folder)
        ? ModelConfigReader.TryReadFamily(Gguf.ModelSource.ReadConfig(folder), folder, out family, out architecture)
        : ModelConfigReader.TryReadFamily(ConfigPath(folder), out family, out architecture);

    private static string ConfigPath(string folder) => System.IO.Path.Combine(folder, "config.json");
}
