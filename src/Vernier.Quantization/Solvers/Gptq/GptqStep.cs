using Vernier.Grids.Specs;
using Vernier.Packing;
using Vernier.Quantization.Objectives;
using Vernier.Quantization.Solvers.Scalar;

namespace Vernier.Quantization.Solvers.Gptq;

/// <summary>On which weights GPTQ fits the scales of a group.</summary>
public enum GroupFit
{
    /// <summary>On the weights as they are, with the errors carried over, when its turn comes.</summary>
    Current,

    /// <summary>On the original weights, before anything is rounded.</summary>
    Static,
}

/// <summary>One column after the other, the error of each carried over to those that follow: see <see cref="GptqSolver"/>.</summary>
public sealed record GptqStep : SolverStep
{
    /// <summary>The order of the columns. Default as they stand.</summary>
    public ColumnOrder Order { get; init; }

    /// <summary>Where the scales of a group come from, on a grid of scalars. Default the weights as they are when its turn comes.</summary>
    public GroupFit Groups { get; init; }

    /// <summary>How much the columns count in the fit of scales and codebooks, and in the choice of a vector. Default all alike.</summary>
    public ColumnImportance Importance { get; init; }

    /// <summary>What is added to the diagonal of H, relative to its mean; 0 to 1, default 0.01. It grows until H can be factored.</summary>
    public double Damping { get; init; } = GramFactor.DefaultDamping;

    /// <inheritdoc/>
    public override bool MakesCodes => true;

    /// <inheritdoc/>
    public override string? Problem =>
        !(Damping is >= 0 and <= 1) ? "the damping is not between 0 and 1"
        : Order == ColumnOrder.Activation && Groups == GroupFit.Current ? "in the order of activation the groups must be static"
        : null;

    /// <inheritdoc/>
    public override string? ProblemWith(GridSpec grid, SolutionFamily family)
    {
        ArgumentNullException.ThrowIfNull(family);
        return family is not (ScalarFamily or ISequentialFamily) ? $"{family.Name} is not solved column by column"
            : !family.Counts(Importance) ? $"{family.Name} does not count columns by the importance '{Importance}'"
            : family is ISequentialFamily other && !other.Takes(Order) ? $"{family.Name} takes columns in their natural order"
            : null;
    }

    /// <inheritdoc/>
    public override float[] TableImportance(LayerObjective objective)
    {
        ArgumentNullException.ThrowIfNull(objective);
        return ColumnWeights.Of(objective, Importance, ColumnWeights.NeedFactor(Importance) ? objective.Factor(Order, Damping) : null);
    }

    /// <inheritdoc/>
    public override Fallback? Apply(SolverState state)
    {
        ArgumentNullException.ThrowIfNull(state);
        MatrixProblem problem = state.Problem;
        if (problem.Objective.Factor(Order, Damping) is not GramFactor factor)
            return Fallback.NotFactored;
        state.Damping = factor.Damping;
        state.Solution = state.Family is ISequentialFamily family ? family.Sequential(problem, factor, Importance)
            : new GptqSolver(this).Solve(problem, factor);
        return null;
    }

    /// <inheritdoc/>
    /// <remarks>The factor in double and the carry in single precision, which stays for the layers that share the input.</remarks>
    public override StepCost Cost(PackedLayout layout, SolutionFamily family)
    {
        ArgumentNullException.ThrowIfNull(layout);
        double rows = layout.Rows, columns = layout.Columns;
        long square = (long)layout.Columns * layout.Columns;
        StepCost cost = family is ISequentialFamily other ? other.SequentialCost(layout) : new StepCost(0, 2 * rows * columns * columns);
        return new StepCost(cost.WorkBytes + 12 * square, cost.Single, cost.Double + columns * columns * columns * 2 / 3) {
            SharedBytes = 4 * square };
    }
}
