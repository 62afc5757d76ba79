using Vernier.Packing;
using Vernier.Quantization.Solvers.Scalar;

namespace Vernier.Quantization.Solvers.Relaxed;

/// <summary>A step that learns by gradient: see <see cref="RelaxedRounding"/>.</summary>
public abstract record LearnedStep : ScalarStep
{
    /// <summary>The steps of Adam; at least 1, default 500.</summary>
    public int Iterations { get; init; } = 500;

    /// <summary>The learning rate at the beginning, which most methods let fall to 0 along a cosine; above 0, default 0.03.</summary>
    public double LearningRate { get; init; } = 0.03;

    /// <inheritdoc/>
    public override string? Problem => Iterations < 1 ? "there is no iteration" : !(LearningRate > 0) ? "the learning rate is not above 0"
        : null;

    /// <inheritdoc/>
    /// <remarks>H, the weights, their gradient and the latents with two moments, all in single precision.</remarks>
    public override StepCost Cost(PackedLayout layout, SolutionFamily family)
    {
        ArgumentNullException.ThrowIfNull(layout);
        double rows = layout.Rows, columns = layout.Columns;
        return new StepCost((4L * layout.Columns + 32L * layout.Rows) * layout.Columns,
            Iterations * (2 * rows * columns * columns + 800 * rows * columns));
    }
}

/// <summary>A step that drives soft codes to whole ones by a penalty.</summary>
public abstract record PenalisedStep : LearnedStep
{
    /// <summary>
    /// The weight of what drives learned rounding to whole codes, relative to the curvature of the objective, where a step of the grid
    /// counts as 1; at least 0, default 4.
    /// </summary>
    public double Penalty { get; init; } = 4;

    /// <inheritdoc/>
    public override string? Problem => base.Problem ?? (!(Penalty >= 0) ? "the penalty is negative" : null);
}
