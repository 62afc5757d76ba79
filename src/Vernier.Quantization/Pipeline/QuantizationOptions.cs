using System.Text.RegularExpressions;
using Vernier.Files;
using Vernier.Files.Gguf.Blocks;
using Vernier.Packing;
using Vernier.Quantization.Calibration;
using Vernier.Quantization.Recipes;

namespace Vernier.Quantization.Pipeline;

/// <summary>What to do with a model.</summary>
public sealed record QuantizationOptions
{
    /// <summary>The recipe.</summary>
    public required Recipe Recipe { get; init; }

    /// <summary>Bits of a code in linear layers, 2 to 8. Default 4.</summary>
    public int Bits { get; init; } = 4;

    /// <summary>Which weights share a scale. Default groups of 64.</summary>
    public Granularity Granularity { get; init; } = Granularity.Group(64);

    /// <summary>Bits of a code in linear layers: the recipe's grid may say.</summary>
    public int LinearBits => Recipe.Grid.FixedBits ?? Bits;

    /// <summary>Which weights of linear layers share a scale: the recipe's grid may say.</summary>
    public Granularity LinearGranularity => Recipe.Grid.Block is int columns ? Granularity.Group(columns) : Granularity;

    /// <summary>The block format of each tensor, null for one that stays as it is; for recipes of block formats alone. By default one of so many bits.</summary>
    public Func<TensorInfo, BlockFormat?>? BlockFormatOf { get; init; }

    /// <summary>
    /// By the name of a matrix, how much each of its input channels counts; null where all count alike. For recipes of block formats that observe nothing themselves.
    /// </summary>
    public IReadOnlyDictionary<string, float[]>? Importance { get; init; }

    /// <summary>
    /// Bits of a code in embeddings and the output head, 2 to 8, on a uniform grid; null keeps them as they are. Default 8.
    /// </summary>
    public int? EmbeddingBits { get; init; } = 8;

    /// <summary>
    /// The text on which the inputs of layers are observed, for recipes that need it; null for a sample that the model writes itself.
    /// </summary>
    public CalibrationSet? Calibration { get; init; }

    /// <summary>Tensors whose names match stay as they are; null for none.</summary>
    public Regex? Keep { get; init; }
}
