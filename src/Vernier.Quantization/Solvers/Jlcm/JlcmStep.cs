using Vernier.Grids.Codebook;
using Vernier.Grids.Specs;
using Vernier.Packing;
using Vernier.Quantization.Solvers.Relaxed;
using Vernier.Quantization.Solvers.Scalar;

namespace Vernier.Quantization.Solvers.Jlcm;

/// <summary>The gradient by what decides among codewords.</summary>
public enum MappingGradient
{
    /// <summary>Larger for nearer codewords.</summary>
    Proximal,

    /// <summary>That of the softmax: larger for farther codewords.</summary>
    Exact,
}

/// <summary>Codebooks and the codes among neighbouring codewords learned together; the scales are refitted: see
/// <see cref="JointCodebook"/>.</summary>
public sealed record JlcmStep : PenalisedStep
{
    /// <summary>The neighbouring codewords among which learning decides; 2 to 8, default 3.</summary>
    public int Neighbours { get; init; } = 3;

    /// <summary>By which gradient learning decides among codewords. Default the proximal one.</summary>
    public MappingGradient Gradient { get; init; }

    /// <summary>Whether the codebooks stay as they are. Default no.</summary>
    public bool FreezeCodebook { get; init; }

    /// <inheritdoc/>
    public override string? Problem => base.Problem ?? (Neighbours is < 2 or > 8 ? "the neighbours are not 2 to 8" : null);

    /// <inheritdoc/>
    public override string? ProblemWith(GridSpec grid, SolutionFamily family) =>
        grid is CodebookGridSpec ? base.ProblemWith(grid, family) : "only codebooks can be learned";

    /// <inheritdoc/>
    public override StepCost Cost(PackedLayout layout, SolutionFamily family)
    {
        ArgumentNullException.ThrowIfNull(layout);
        return base.Cost(layout, family) with { WorkBytes =
            (4L * layout.Columns + (20 + 12L * Neighbours) * layout.Rows) * layout.Columns };
    }

    /// <inheritdoc/>
    protected override ScalarSolution Improve(SolverState state, ScalarSolution solution)
    {
        ArgumentNullException.ThrowIfNull(state);
        return LearnedTables.Keep(state.Problem, solution, new JointCodebook(state.Problem, solution, this));
    }
}
