using Vernier.Packing;
using Vernier.Quantization.Objectives;

namespace Vernier.Quantization.Solvers.Scalar;

/// <summary>Grids of scalars: a code for each weight.</summary>
public sealed class ScalarFamily : SolutionFamily
{
    private const int ObjectiveRows = 1024;

    /// <inheritdoc/>
    public override string Name => "a grid of scalars";

    /// <inheritdoc/>
    public override MatrixSolution Nearest(MatrixProblem problem, ColumnImportance importance, GramFactor? factor)
    {
        ArgumentNullException.ThrowIfNull(problem);
        return ScalarSolution.Nearest(problem, ColumnWeights.Of(problem.Objective, importance, factor));
    }

    /// <inheritdoc/>
    public override float OutlierUnit(MatrixProblem problem)
    {
        ArgumentNullException.ThrowIfNull(problem);
        return problem.Tables[0].Unit;
    }

    /// <inheritdoc/>
    /// <remarks>The nearest solution and the best, what they decode to, and the products of the objective. How long rounding takes is
    /// measured.</remarks>
    public override StepCost NearestCost(PackedLayout layout)
    {
        ArgumentNullException.ThrowIfNull(layout);
        long weights = (long)layout.Rows * layout.Columns;
        return new StepCost(2 * weights + 8 * weights + 32L * Math.Min(layout.Rows, ObjectiveRows) * layout.Columns);
    }
}
