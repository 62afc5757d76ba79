using Vernier.Grids;
using Vernier.Levels;
using Vernier.Packing.Scalar;
using Vernier.Quantization.Objectives;
using Vernier.Quantization.Weights;

namespace Vernier.Quantization.Solvers;

/// <summary>A layer to be quantized so that its output stays: weights, grid and objective.</summary>
public sealed class LayerProblem
{
    // f(0), once it is asked for.
    private double? _whole;

    /// <summary>Creates a problem.</summary>
    /// <param name="spec">How the result is packed.</param>
    /// <param name="grids">The level tables for weights of at most 1, as <see cref="NearestSolver.Solve"/> takes them.</param>
    /// <param name="fit">How scales are chosen.</param>
    /// <param name="weights">W, R x C row by row, normalised; see <see cref="WeightMatrix.Shift"/>.</param>
    /// <param name="objective">The objective.</param>
    /// <param name="samples">Inputs of the layer, n x C, for solvers that look at single ones; null or empty where none does.</param>
    /// <exception cref="ArgumentException">The shapes do not go together.</exception>
    public LayerProblem(ScalarLayout spec, LevelTable[] grids, IScaleFit fit, float[] weights, LayerObjective objective, float[]? samples = null)
    {
        ArgumentNullException.ThrowIfNull(spec);
        ArgumentNullException.ThrowIfNull(grids);
        ArgumentNullException.ThrowIfNull(weights);
        ArgumentNullException.ThrowIfNull(objective);
        if (weights.Length != (long)spec.Rows * spec.Columns || objective.Columns != spec.Columns || grids.Length != spec.Grids)
            throw new ArgumentException("weights, grids and Gram matrix do not have the shape that the specification gives", nameof(spec));
        Spec = spec;
        Grids = grids;
        Fit = fit;
        Weights = weights;
        Objective = objective;
        Samples = samples ?? [];
    }

    /// <summary>How the result is packed.</summary>
    public ScalarLayout Spec { get; }

    /// <summary>The level tables.</summary>
    public LevelTable[] Grids { get; }

    /// <summary>How scales are chosen.</summary>
    public IScaleFit Fit { get; }

    /// <summary>W, normalised, R x C row by row.</summary>
    public float[] Weights { get; }

    /// <summary>The objective.</summary>
    public LayerObjective Objective { get; }

    /// <summary>Inputs of the layer, n x C; empty where no solver looks at single ones.</summary>
    public float[] Samples { get; }

    /// <summary>The same layer with other weights.</summary>
    internal LayerProblem WithWeights(float[] weights) => new(Spec, Grids, Fit, weights, Objective, Samples);

    /// <summary>R.</summary>
    public int Rows => Spec.Rows;

    /// <summary>C.</summary>
    public int Columns => Spec.Columns;

    /// <summary>The tables that the granules of a row may choose from.</summary>
    public ReadOnlySpan<LevelTable> TablesOf(int row) => Grids.AsSpan(row / Spec.RowsPerGrid * Spec.Tables, Spec.Tables);

    /// <summary>The relative objective of a solution.</summary>
    public double Relative(LayerSolution solution)
    {
        ArgumentNullException.ThrowIfNull(solution);
        double value = Objective.Value(Weights, solution.Decode());
        return value == 0 ? 0 : value / (_whole ??= Objective.Value(Weights, new float[Weights.Length]));
    }
}
