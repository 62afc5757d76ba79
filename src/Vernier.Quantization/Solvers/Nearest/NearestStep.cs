using Vernier.Grids.Specs;
using Vernier.Packing;
using Vernier.Quantization.Objectives;

namespace Vernier.Quantization.Solvers.Nearest;

/// <summary>The nearest level, at scales fitted to the weights.</summary>
public sealed record NearestStep : SolverStep
{
    /// <summary>How much the columns count in the fit of scales and codebooks. Default all alike, which needs no data.</summary>
    public ColumnImportance Importance { get; init; }

    /// <inheritdoc/>
    public override bool MakesCodes => true;

    /// <inheritdoc/>
    public override bool NeedsData => Importance != ColumnImportance.None;

    /// <inheritdoc/>
    public override string? ProblemWith(GridSpec grid, SolutionFamily family)
    {
        ArgumentNullException.ThrowIfNull(family);
        return family.Counts(Importance) ? null : $"{family.Name} does not count columns by the importance '{Importance}'";
    }

    /// <inheritdoc/>
    public override float[] TableImportance(LayerObjective objective) => ColumnWeights.Of(objective, Importance, FactorOf(objective));

    /// <inheritdoc/>
    public override Fallback? Apply(SolverState state)
    {
        ArgumentNullException.ThrowIfNull(state);
        if (Importance == ColumnImportance.None)
        {
            state.Solution = state.Nearest.Copy();
            return null;
        }
        if (state.Family.Nearest(state.Problem, Importance, FactorOf(state.Problem.Objective)) is not MatrixSolution nearest)
            return Fallback.NotFactored;
        state.Solution = nearest;
        return null;
    }

    /// <inheritdoc/>
    public override StepCost Cost(PackedLayout layout, SolutionFamily family)
    {
        ArgumentNullException.ThrowIfNull(layout);
        ArgumentNullException.ThrowIfNull(family);
        if (Importance == ColumnImportance.None)
            return default;
        long square = (long)layout.Columns * layout.Columns;
        return family.NearestCost(layout) with { WorkBytes = ColumnWeights.NeedFactor(Importance) ? 12 * square : 4 * square };
    }

    private GramFactor? FactorOf(LayerObjective objective) =>
        ColumnWeights.NeedFactor(Importance) ? objective.Factor(ColumnOrder.Natural, GramFactor.DefaultDamping) : null;
}
