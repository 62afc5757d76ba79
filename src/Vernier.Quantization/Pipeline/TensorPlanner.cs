using Vernier.Files;
using Vernier.Files.Checkpoints;
using Vernier.Grids.Specs;
using Vernier.Grids.Uniform;
using Vernier.Numerics;
using Vernier.Packing;
using Vernier.Quantization.Allocation;
using Vernier.Quantization.Recipes;
using Vernier.Quantization.Solvers;
using Vernier.Quantization.Weights;

namespace Vernier.Quantization.Pipeline;

/// <summary>Makes the plan of each tensor from the options: the format of the recipe, or the allocator's, and from it the layout.</summary>
/// <param name="checkpoint">The model.</param>
/// <param name="options">What to do.</param>
/// <param name="workers">Who counts outliers.</param>
internal sealed class TensorPlanner(Checkpoint checkpoint, QuantizationOptions options, Workers workers)
{
    private readonly Recipe _recipe = options.Recipe;

    /// <summary>The plans of all tensors.</summary>
    /// <exception cref="ArgumentException">The recipe can't do so many bits, or the allocator gives a tensor what it can't be
    /// given.</exception>
    public TensorPlan[] Run()
    {
        if (options.Problem is string problem)
            throw new ArgumentException(problem);
        TensorCandidate[] candidates = [.. checkpoint.Tensors.Select(Candidate)];
        if (options.Allocator is null)
            return Array.ConvertAll(candidates, Plan);
        IReadOnlyList<TensorFormat?> formats = options.Allocator.Allocate(candidates);
        if (formats.Count != candidates.Length)
            throw new ArgumentException($"the allocator gives {formats.Count} formats for {candidates.Length} tensors");
        return [.. candidates.Zip(formats, (candidate, format) =>
        {
            if (format is not null)
                Check(candidate, format);
            return Plan(candidate with { Format = format });
        })];
    }

    private TensorCandidate Candidate(TensorInfo tensor)
    {
        TensorRole role = TensorRoles.Of(tensor);
        TensorFormat? format = options.Keep?.IsMatch(tensor.Name) == true ? null : role switch
        {
            TensorRole.Linear => new TensorFormat(_recipe.Grid, options.LinearBits, options.LinearGranularity),
            TensorRole.Embedding when options.EmbeddingBits is int bits => new TensorFormat(EmbeddingGrid, bits, options.AskedGranularity),
            _ => null,
        };
        return new TensorCandidate(tensor, role, format);
    }

    // Of embeddings and the head: uniform, every code used.
    private GridSpec EmbeddingGrid => _recipe.Grid.ServesEmbeddings ? _recipe.Grid : new UniformGridSpec();

    private void Check(TensorCandidate candidate, TensorFormat format)
    {
        SolutionFamily family = SolutionFamilies.Of(format.Grid.LayoutType);
        string? problem = candidate.Format is null ? "it is to stay as it is"
            : format.Grid.FixedBits is null && (format.Bits < QuantizationOptions.LeastBits || format.Bits > format.Grid.MostBits)
                ? $"its grid can't do {format.Bits} bits"
            : format.Activation != ActivationSpec.DynamicInt8 ? "there are only activations of 8 bits that are found while the model runs"
            : format.Grid.Problem ?? (candidate.Role != TensorRole.Linear ? null
            : _recipe.Solver.Select(step => step.ProblemWith(format.Grid, family)).FirstOrDefault(text => text is not null));
        if (problem is not null)
            throw new ArgumentException($"the allocator gives the tensor '{candidate.Tensor.Name}' a format that it can't have: {problem}");
    }

    private TensorPlan Plan(TensorCandidate candidate)
    {
        TensorInfo tensor = candidate.Tensor;
        if (candidate.Format is not TensorFormat format
            || format.Grid.LayoutOf((int)tensor.Shape[0], (int)tensor.Shape[1], format.Bits, format.Granularity) is not PackedLayout layout)
            return new TensorPlan(tensor, candidate.Role, null, null);
        return new TensorPlan(tensor, candidate.Role, format, candidate.Role == TensorRole.Linear ? WithAdded(tensor, layout) : layout);
    }

    // What recipes put beside the codes of linear layers.
    private PackedLayout WithAdded(TensorInfo tensor, PackedLayout layout)
    {
        if (_recipe.Outliers?.Sigma is double sigma)
        {
            int count = OutlierBound.Count(new WeightMatrix(checkpoint, tensor, workers: workers), sigma);
            return layout with { Outliers = count, OutlierSource = count > 0 ? SourceOf(tensor.Type) : null };
        }
        return layout with
        {
            Outliers = CountOf(OutlierStructure.Weights, tensor.Count),
            OutlierColumns = CountOf(OutlierStructure.Columns, tensor.Shape[1]),
            Rank = _recipe.LowRank is LowRankPart part ? (int)Math.Min(part.Rank, Math.Min(tensor.Shape[0], tensor.Shape[1])) : 0,
        };

        int CountOf(OutlierStructure structure, long all) => _recipe.Outliers is OutlierPart outliers && outliers.Structure == structure
            ? (int)Math.Clamp(Math.Round(outliers.Share!.Value * all), 1, int.MaxValue)
            : 0;
    }

    private static ElementType SourceOf(ElementType type) => type is ElementType.F16 or ElementType.BF16 ? type : ElementType.F32;
}
