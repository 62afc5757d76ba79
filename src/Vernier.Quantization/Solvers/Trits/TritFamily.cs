using Vernier.Packing;
using Vernier.Packing.Trits;
using Vernier.Quantization.Objectives;

namespace Vernier.Quantization.Solvers.Trits;

/// <summary>Two planes of trits, by PTQTP: groups do not depend on each other. See <see cref="TritSolver"/>.</summary>
public sealed class TritFamily : SolutionFamily
{
    // Nine candidates and the sums, some fourteen times.
    private const double OperationsPerWeight = 14 * 60;

    /// <inheritdoc/>
    public override string Name => "a grid of trits";

    /// <inheritdoc/>
    public override bool Counts(ColumnImportance importance) => importance is ColumnImportance.None or ColumnImportance.Diagonal;

    /// <inheritdoc/>
    public override MatrixSolution Nearest(MatrixProblem problem, ColumnImportance importance, GramFactor? factor)
    {
        ArgumentNullException.ThrowIfNull(problem);
        var layout = (TritLayout)problem.Layout;
        float[] counts = ColumnWeights.Of(problem.Objective, importance, factor);
        var solution = new TritSolution(layout, problem.Workers);
        problem.Workers.For(layout.Rows, row =>
        {
            Span<sbyte> first = solution.Plane(0, row), second = solution.Plane(1, row);
            for (int group = 0; group < layout.Groups; group++)
            {
                int start = group * layout.Width, count = Math.Min(layout.Width, layout.Columns - start),
                    at = (row * layout.Groups + group) * TritLayout.Planes;
                ReadOnlySpan<float> weighting = counts.Length == 0 ? []
                    : counts.AsSpan(start, count), weights = problem.Weights.AsSpan(row * layout.Columns + start, count);
                TritFit fit = TritSolver.Solve(weights, weighting, first.Slice(start, count), second.Slice(start, count));
                (solution.Scales[at], solution.Scales[at + 1]) = (fit.First, fit.Second);
            }
        });
        return solution;
    }

    /// <inheritdoc/>
    public override StepCost NearestCost(PackedLayout layout)
    {
        ArgumentNullException.ThrowIfNull(layout);
        return new StepCost(14L * layout.Rows * layout.Columns, OperationsPerWeight * layout.Rows * layout.Columns);
    }
}
