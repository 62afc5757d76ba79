using Vernier.Files;
using Vernier.Numerics;
using Vernier.Packing;
using Vernier.Quantization.Objectives;
using Vernier.Quantization.Pipeline;
using Vernier.Quantization.Recipes;
using Vernier.Quantization.Solvers.Blocks;
using Vernier.Quantization.Solvers.Trits;
using Vernier.Quantization.Solvers.TwoLevel;
using Vernier.Quantization.Solvers.Vectors;
using Vernier.Quantization.Weights;

namespace Vernier.Quantization.Solvers;

/// <summary>A matrix to be quantized on a grid with a layout of its own.</summary>
/// <param name="Layout">How the result is stored: what <see cref="GridMethod.Layout"/> has planned.</param>
/// <param name="Weights">W, R x C row by row, divided by 2^<paramref name="Shift"/>: none is above 1.</param>
/// <param name="Shift">The exponent of the power of two by which the weights were divided; the units of the result take it in again.</param>
/// <param name="Objective">The layer objective; null where nothing was observed: the result is then the nearest on the grid.</param>
internal sealed record MatrixProblem(PackedLayout Layout, float[] Weights, int Shift, LayerObjective? Objective)
{
    /// <summary>How much each column counts where nothing was observed; null where all count alike.</summary>
    public float[]? Importance { get; init; }
}

/// <summary>What became of a matrix.</summary>
/// <param name="Matrix">The result.</param>
/// <param name="Nearest">The relative layer objective f(Q) / f(0) of the nearest on the same grid, fitted to the weights alone; 0 without data.</param>
/// <param name="Objective">The relative layer objective of the result; 0 without data.</param>
/// <param name="Damping">The damping with which the Gram matrix was factored, relative to its mean diagonal; 0 where it was not needed.</param>
/// <param name="Fallback">Why the nearest was taken in place of the recipe's solver; null where it was not.</param>
internal sealed record MatrixResult(PackedMatrix Matrix, double Nearest = 0, double Objective = 0, double Damping = 0, string? Fallback = null);

/// <summary>
/// A grid that is no table of scalars, such as vectors or planes of trits: its layout, and how a matrix gets its codes. The result is the same on any number of
/// threads.
/// </summary>
internal abstract class GridMethod
{
    /// <summary>The method of a recipe's grid; null where the grid is scalar.</summary>
    public static GridMethod? Of(Recipe recipe) => recipe.Grid.Kind switch
    {
        GridKind.Ggml => new BlockMethod(),
        GridKind.Vector => new VectorMethod(),
        GridKind.Trits => new TritMethod(),
        GridKind.TwoLevel => new TwoLevelMethod(),
        _ => null,
    };

    /// <summary>How a matrix of a role is stored; null where the role keeps to what all recipes have.</summary>
    /// <param name="tensor">The matrix.</param>
    /// <param name="role">Its role: linear, or an embedding or head.</param>
    /// <param name="options">Bits, granularity and recipe.</param>
    public virtual PackedLayout? LayoutOf(TensorInfo tensor, TensorRole role, QuantizationOptions options) =>
        role == TensorRole.Linear ? Layout((int)tensor.Shape[0], (int)tensor.Shape[1], options) : null;

    /// <summary>How a matrix is stored, known before any work.</summary>
    /// <param name="rows">Output channels.</param>
    /// <param name="columns">Input channels.</param>
    /// <param name="options">Bits, granularity and recipe.</param>
    public abstract PackedLayout Layout(int rows, int columns, QuantizationOptions options);

    /// <summary>Solves a matrix.</summary>
    /// <param name="problem">The matrix.</param>
    /// <param name="recipe">The recipe, for its steps.</param>
    public abstract MatrixResult Solve(MatrixProblem problem, Recipe recipe);

    /// <summary>The memory that solving takes beside the weights and the Gram matrix, in bytes.</summary>
    public abstract long WorkBytes(long rows, long columns, Recipe recipe);

    /// <summary>About how many operations solving takes, in single and in double precision.</summary>
    public abstract (double Single, double Double) Operations(double rows, double columns, Recipe recipe);

    /// <summary>The relative layer objective of a result.</summary>
    protected static double Relative(MatrixProblem problem, PackedMatrix matrix)
    {
        var quantized = new float[problem.Weights.Length];
        ParallelLoop.For(matrix.Rows, row =>
        {
            Span<float> line = quantized.AsSpan(row * matrix.Columns, matrix.Columns);
            matrix.DequantizeRow(row, line);
            WeightMatrix.Normalize(line, problem.Shift);
        });
        return problem.Objective!.Relative(problem.Weights, quantized);
    }
}
