using System.Numerics.Tensors;
using Vernier.Grids;
using Vernier.Inference.Models;
using Vernier.Levels;
using Vernier.Memory;
using Vernier.Packing;
using Vernier.Packing.Scalar;
using Vernier.Quantization.Solvers.Scalar;
using Vernier.Quantization.Weights;

namespace Vernier.Quantization.Solvers.Nearest;

/// <summary>How close a packed matrix is to its original.</summary>
/// <param name="SquaredError">The sum of (w - q)^2.</param>
/// <param name="SquaredNorm">The sum of w^2.</param>
public readonly record struct WeightError(double SquaredError, double SquaredNorm)
{
    /// <summary>Rows and groups of weights that are not zero and were read back as zeros; null where there are none.</summary>
    public LostNumbers? Lost { get; init; }

    /// <summary>The signal-to-noise ratio in decibel, infinite where nothing was lost.</summary>
    public double SignalToNoise => 10 * Math.Log10(SquaredNorm / SquaredError);

    /// <summary>The squared error relative to the squared norm; 0 for a matrix of zeros.</summary>
    public double Relative => SquaredNorm > 0 ? SquaredError / SquaredNorm : 0;
}

/// <summary>
/// Gives each weight the code that its grid's rounding rule names, at a scale per granule that <see cref="ScaleSearch"/> chooses.
/// Granules do not depend on each other, so the result is the same for any number of threads.
/// </summary>
public sealed class NearestSolver(IScaleFit fit)
{
    /// <summary>Quantizes a matrix.</summary>
    /// <param name="matrix">The weights.</param>
    /// <param name="layout">How the result is packed.</param>
    /// <param name="grids">The level tables for weights of at most 1: for each group of rows those that a granule may choose from.</param>
    /// <param name="importance">The importance of each column, or empty where all count alike.</param>
    public ScalarMatrix Solve(WeightMatrix matrix, ScalarLayout layout, LevelTable[] grids, ReadOnlyMemory<float> importance)
    {
        ArgumentNullException.ThrowIfNull(matrix);
        ArgumentNullException.ThrowIfNull(layout);
        ArgumentNullException.ThrowIfNull(grids);
        _ = matrix.Shift; // Found once, before the rows are shared out.
        var codes = new byte[checked(layout.Rows * (long)layout.BytesPerRow)];
        var scales = new Half[layout.Scales];
        var zeros = new byte[layout.ZeroBytes];
        if (layout.Granularity.GroupColumns < 0)
            SolveWhole(matrix, layout, grids, importance.Span, scales, zeros, codes);
        else
            matrix.Workers.For(layout.Rows, row => SolveRow(
                matrix, layout, row, grids.AsSpan(row / layout.RowsPerGrid * layout.Tables, layout.Tables), importance.Span, scales, zeros,
                codes));
        return new ScalarMatrix(layout, Array.ConvertAll(grids, grid => grid.WithUnit(MathF.ScaleB(grid.Unit, matrix.Shift))), scales,
            zeros, codes);
    }

    /// <summary>The squared error of a packed matrix against the original.</summary>
    public static WeightError Measure(WeightMatrix matrix, PackedMatrix packed)
    {
        ArgumentNullException.ThrowIfNull(matrix);
        ArgumentNullException.ThrowIfNull(packed);
        _ = matrix.Shift; // Found once, before the rows are shared out.
        var errors = new double[matrix.Rows];
        var norms = new double[matrix.Rows];
        var lost = new LossCount(matrix, packed.Layout.GroupColumns);
        matrix.Workers.For(matrix.Rows, row =>
        {
            using var original = new PooledArray<float>(matrix.Columns);
            using var quantized = new PooledArray<float>(matrix.Columns);
            matrix.Read(row, 0, original.Span);
            packed.DequantizeRow(row, quantized.Span);
            lost.Add(row, original.Span, quantized.Span);
            matrix.Normalize(original.Span);
            matrix.Normalize(quantized.Span);
            norms[row] = TensorPrimitives.SumOfSquares<float>(original.Span);
            TensorPrimitives.Subtract(original.Span, quantized.Span, quantized.Span);
            errors[row] = TensorPrimitives.SumOfSquares<float>(quantized.Span);
        });
        double unit = Math.ScaleB(1, 2 * matrix.Shift);
        return new WeightError(unit * errors.Sum(), unit * norms.Sum()) { Lost = lost.Total };
    }

    private void SolveRow(WeightMatrix matrix, ScalarLayout layout, int row, ReadOnlySpan<LevelTable> tables,
        ReadOnlySpan<float> importance, Half[] scales, byte[] zeros, byte[] codes)
    {
        int granules = layout.Granularity.ScaleColumns(layout.Columns), width = layout.Granularity.Width(layout.Columns);
        using var weightBuffer = new PooledArray<float>(layout.Columns);
        using var codeBuffer = new PooledArray<byte>(layout.Columns);
        Span<float> weights = weightBuffer.Span;
        Span<byte> rowCodes = codeBuffer.Span;
        Span<byte> zeroPoints = granules <= 256 ? stackalloc byte[granules] : new byte[granules];
        matrix.ReadNormalized(row, 0, weights);
        for (int granule = 0; granule < granules; granule++)
        {
            int first = granule * width, count = Math.Min(width, layout.Columns - first);
            FittedGranule fitted = fit.Fit(weights.Slice(first, count), importance.IsEmpty ? importance
                : importance.Slice(first, count), tables, rowCodes.Slice(first, count));
            scales[row * granules + granule] = fitted.Scale;
            zeroPoints[granule] = fitted.ZeroPoint;
        }
        Span<Half> rowScales = scales.AsSpan(row * granules, granules);
        if (fit.Constrain(rowScales))
        {
            for (int granule = 0; granule < granules; granule++)
                ScalarSolution.Encode(weights, rowScales[granule], tables, granule * width,
                    Math.Min(width, layout.Columns - granule * width), rowCodes);
        }
        CodePacking.Pack(rowCodes, layout.Bits, codes.AsSpan(row * layout.BytesPerRow, layout.BytesPerRow));
        if (layout.ZeroPoints)
            CodePacking.Pack(zeroPoints, layout.Bits, zeros.AsSpan(row * (layout.ZeroBytes / layout.Rows), layout.ZeroBytes / layout.Rows));
    }

    private void SolveWhole(WeightMatrix matrix, ScalarLayout layout, ReadOnlySpan<LevelTable> tables, ReadOnlySpan<float> importance,
        Half[] scales, byte[] zeros, byte[] codes)
    {
        int elements = checked(layout.Rows * layout.Columns);
        using var weights = new PooledArray<float>(elements);
        using var all = new PooledArray<byte>(elements);
        float[] repeated = [];
        if (!importance.IsEmpty)
        {
            repeated = new float[elements];
            for (int row = 0; row < layout.Rows; row++)
                importance.CopyTo(repeated.AsSpan(row * layout.Columns));
        }
        matrix.ReadNormalized(0, 0, weights.Span);
        FittedGranule fitted = fit.Fit(weights.Span, repeated, tables, all.Span);
        scales[0] = fitted.Scale;
        if (layout.ZeroPoints)
            CodePacking.Pack([fitted.ZeroPoint], layout.Bits, zeros);
        for (int row = 0; row < layout.Rows; row++)
            CodePacking.Pack(all.Span.Slice(row * layout.Columns, layout.Columns), layout.Bits,
                codes.AsSpan(row * layout.BytesPerRow, layout.BytesPerRow));
    }
}
