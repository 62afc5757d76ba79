using Vernier.Grids;
using Vernier.Grids.Specs;
using Vernier.Levels;
using Vernier.Numerics;
using Vernier.Packing;
using Vernier.Packing.Scalar;
using Vernier.Quantization.Objectives;
using Vernier.Quantization.Weights;

namespace Vernier.Quantization.Solvers;

/// <summary>A matrix to be quantized so that the output of its layer stays: how it will be stored, its weights, its grid, and what is known
/// of its input.</summary>
public sealed class MatrixProblem
{
    // f(0), once it is asked for.
    private double? _whole;

    /// <summary>Creates a problem.</summary>
    /// <param name="layout">How the result is stored.</param>
    /// <param name="weights">W, R x C row by row, divided by 2^<paramref name="shift"/>: none is above 1; see
    /// <see cref="WeightMatrix.Shift"/>.</param>
    /// <param name="shift">The exponent of the power of two by which the weights were divided; the units of the result take it in
    /// again.</param>
    /// <param name="objective">The layer objective; null where nothing was observed: the result is then the nearest on the grid.</param>
    /// <exception cref="ArgumentException">The shapes do not go together.</exception>
    public MatrixProblem(PackedLayout layout, float[] weights, int shift = 0, LayerObjective? objective = null)
    {
        ArgumentNullException.ThrowIfNull(layout);
        ArgumentNullException.ThrowIfNull(weights);
        (Layout, Weights, Shift) = (layout, weights, shift);
        Objective = objective ?? LayerObjective.Unknown(layout.Columns);
        if (weights.Length != (long)layout.Rows * layout.Columns || Objective.Columns != layout.Columns)
            throw new ArgumentException("weights and Gram matrix do not have the shape that the layout gives", nameof(layout));
    }

    /// <summary>How the result is stored.</summary>
    public PackedLayout Layout { get; }

    /// <summary>The layout, where the grid is one of scalars.</summary>
    /// <exception cref="InvalidCastException">It is of another family.</exception>
    public ScalarLayout Scalar => (ScalarLayout)Layout;

    /// <summary>W, normalised, R x C row by row.</summary>
    public float[] Weights { get; }

    /// <summary>The exponent of the power of two by which the weights were divided.</summary>
    public int Shift { get; }

    /// <summary>The objective: one of which nothing is known where nothing was observed.</summary>
    public LayerObjective Objective { get; }

    /// <summary>The grid as it was chosen; null where only its tables matter.</summary>
    public GridSpec? Grid { get; init; }

    /// <summary>Of a scalar grid the level tables for weights of at most 1: for each group of rows those that a granule may choose
    /// from.</summary>
    public LevelTable[] Tables { get; init; } = [];

    /// <summary>Of a scalar grid how scales are chosen.</summary>
    public IScaleFit Fit { get; init; } = new ScaleSearch();

    /// <summary>How much each column counts where nothing was observed; empty where all count alike. For grids that ask for it.</summary>
    public float[] Importance { get; init; } = [];

    /// <summary>Inputs of the layer, n x C; empty where no step looks at single ones.</summary>
    public float[] Samples { get; init; } = [];

    /// <summary>Who works on it; all processors unless others are given. No result depends on their number.</summary>
    public Workers Workers { get; init; } = Workers.Shared;

    /// <summary>Stops the solving between two steps.</summary>
    public CancellationToken Cancellation { get; init; }

    /// <summary>R.</summary>
    public int Rows => Layout.Rows;

    /// <summary>C.</summary>
    public int Columns => Layout.Columns;

    /// <summary>The tables that the granules of a row may choose from.</summary>
    public ReadOnlySpan<LevelTable> TablesOf(int row) => Tables.AsSpan(row / Scalar.RowsPerGrid * Scalar.Tables, Scalar.Tables);

    /// <summary>The relative objective f(Q) / f(0); 0 where both are 0.</summary>
    /// <param name="quantized">Q, R x C, normalised.</param>
    public double Relative(float[] quantized)
    {
        double value = Objective.Value(Weights, quantized);
        return value == 0 ? 0 : value / (_whole ??= Objective.Value(Weights, new float[Weights.Length]));
    }

    /// <summary>The relative objective of a solution, nothing added.</summary>
    public double Relative(MatrixSolution solution)
    {
        ArgumentNullException.ThrowIfNull(solution);
        return Relative(solution.Decode());
    }

    /// <summary>The same matrix with other weights.</summary>
    /// <param name="weights">As many.</param>
    internal MatrixProblem WithWeights(float[] weights) => new(Layout, weights, Shift, Objective)
    {
        Grid = Grid,
        Tables = Tables,
        Fit = Fit,
        Importance = Importance,
        Samples = Samples,
        Workers = Workers,
        Cancellation = Cancellation,
    };
}
