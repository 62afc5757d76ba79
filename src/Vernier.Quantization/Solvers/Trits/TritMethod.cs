using Vernier.Numerics;
using Vernier.Packing;
using Vernier.Packing.Trits;
using Vernier.Quantization.Pipeline;
using Vernier.Quantization.Recipes;
using Vernier.Quantization.Solvers.Outliers;

namespace Vernier.Quantization.Solvers.Trits;

/// <summary>PTQTP as a method for whole matrices: groups do not depend on each other. See <see cref="TritSolver"/>.</summary>
internal sealed class TritMethod : GridMethod
{
    // Of normalised weights, so that scales lie well within half precision.
    private const float Unit = 1;

    // Nine candidates and the sums, some fourteen times.
    private const double OperationsPerWeight = 14 * 60;

    /// <inheritdoc/>
    public override PackedLayout Layout(int rows, int columns, QuantizationOptions options) =>
        new TritLayout(rows, columns, Math.Max(0, options.Granularity.GroupColumns), options.Recipe.Grid.Storage);

    /// <inheritdoc/>
    public override MatrixResult Solve(MatrixProblem problem, Recipe recipe)
    {
        var spec = (TritLayout)problem.Layout;
        OutlierSet? set = null;
        float[] weights = problem.Weights;
        if (spec.OutlierValues > 0)
        {
            set = OutlierSet.Largest(spec, Unit, weights);
            set.Take(weights);
            weights = set.Remaining(weights);
        }
        bool weighted = recipe.Solver[0].Importance != ColumnImportance.None;
        TritMatrix plain = Solve(spec, weights, [], set, problem.Shift), matrix = plain;
        if (problem.Objective is null)
            return new MatrixResult(plain);
        double nearest = Relative(problem, plain), objective = nearest;
        if (weighted && problem.Objective.MeanDiagonal > 0)
        {
            matrix = Solve(spec, weights, ColumnWeights.Normalised(problem.Objective.Diagonal), set, problem.Shift);
            objective = Relative(problem, matrix);
        }
        return new MatrixResult(matrix, nearest, objective);
    }

    /// <inheritdoc/>
    public override long WorkBytes(long rows, long columns, Recipe recipe) => 12 * rows * columns;

    /// <inheritdoc/>
    public override (double Single, double Double) Operations(double rows, double columns, Recipe recipe) => (OperationsPerWeight * rows * columns, 0);

    private static TritMatrix Solve(TritLayout spec, float[] weights, float[] importance, OutlierSet? set, int shift)
    {
        var scales = new Half[checked(spec.Rows * spec.Groups * TritLayout.Planes)];
        var trits = new byte[checked(TritLayout.Planes * spec.Rows * spec.BytesPerRow)];
        ParallelLoop.For(spec.Rows, row =>
        {
            using var buffer = new PooledArray<sbyte>(TritLayout.Planes * spec.Columns);
            Span<sbyte> first = buffer.Span[..spec.Columns], second = buffer.Span[spec.Columns..];
            for (int group = 0; group < spec.Groups; group++)
            {
                int start = group * spec.Width, count = Math.Min(spec.Width, spec.Columns - start), at = (row * spec.Groups + group) * TritLayout.Planes;
                ReadOnlySpan<float> weighting = importance.Length == 0 ? [] : importance.AsSpan(start, count);
                TritFit fit = TritSolver.Solve(weights.AsSpan(row * spec.Columns + start, count), weighting, first.Slice(start, count), second.Slice(start, count));
                (scales[at], scales[at + 1]) = (fit.First, fit.Second);
            }
            TritPacking.Pack(first, spec.Storage, trits.AsSpan(row * spec.BytesPerRow, spec.BytesPerRow));
            TritPacking.Pack(second, spec.Storage, trits.AsSpan((spec.Rows + row) * spec.BytesPerRow, spec.BytesPerRow));
        });
        return new TritMatrix(spec, MathF.ScaleB(Unit, shift), scales, trits, set?.Pack(shift));
    }
}
