using System.Text.RegularExpressions;
using Vernier.Packing;
using Vernier.Quantization.Allocation;
using Vernier.Quantization.Recipes;

namespace Vernier.Quantization.Pipeline;

/// <summary>What to do with a model.</summary>
public sealed record QuantizationOptions
{
    internal const int LeastBits = 2, MostBits = 8;

    /// <summary>The recipe.</summary>
    public required Recipe Recipe { get; init; }

    /// <summary>Bits of a code in linear layers, 2 to 8. Default 4.</summary>
    public int Bits { get; init; } = 4;

    /// <summary>Which weights share a scale; null, the default, for what the recipe has.</summary>
    public Granularity? Granularity { get; init; }

    /// <summary>Which weights share a scale, unless a grid says: <see cref="Granularity"/>, or the recipe's.</summary>
    public Granularity AskedGranularity => Granularity ?? Recipe.DefaultGranularity;

    /// <summary>Bits of a code in linear layers: the recipe's grid may say.</summary>
    public int LinearBits => Recipe.Grid.FixedBits ?? Bits;

    /// <summary>Which weights of linear layers share a scale: the recipe's grid may say.</summary>
    public Granularity LinearGranularity => Recipe.Grid.GranularityOf(AskedGranularity);

    /// <summary>What gives each tensor its format; null, the default, for the recipe's.</summary>
    public IAllocator? Allocator { get; init; }

    /// <summary>
    /// By the name of a matrix, how much each of its input channels counts; null where all count alike. For recipes of block formats that
    /// observe nothing themselves.
    /// </summary>
    public IReadOnlyDictionary<string, float[]>? Importance { get; init; }

    /// <summary>
    /// Bits of a code in embeddings and the output head, 2 to 8, on a uniform grid; null keeps them as they are. Default 8.
    /// </summary>
    public int? EmbeddingBits { get; init; } = 8;

    /// <summary>Tensors whose names match stay as they are; null for none.</summary>
    public Regex? Keep { get; init; }

    /// <summary>What is wrong with them, whatever the model; null for nothing.</summary>
    public string? Problem => ProblemWithBits() is string bits ? $"the recipe {Recipe.Name} {bits}"
        : EmbeddingBits is < LeastBits or > MostBits
            ? $"embeddings can't have {EmbeddingBits} bits a weight: {LeastBits} to {MostBits} are possible" : null;

    private string? ProblemWithBits() => Recipe.Grid.ProblemWithBits(LinearBits)
        ?? (Recipe.Grid.FixedBits is null && (LinearBits < LeastBits || LinearBits > Recipe.Grid.MostBits)
            ? $"can't do {LinearBits} bits a weight: {LeastBits} to {Recipe.Grid.MostBits} are possible" : null);
}
