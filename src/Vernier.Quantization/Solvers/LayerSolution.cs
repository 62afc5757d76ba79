using Vernier.Grids;
using Vernier.Levels;
using Vernier.Numerics;
using Vernier.Packing;
using Vernier.Packing.Scalar;
using Vernier.Quantization.Solvers.Outliers;

namespace Vernier.Quantization.Solvers;

/// <summary>Codes, scales and zero points of a layer while it is being solved, one byte a code.</summary>
public sealed class LayerSolution
{
    private readonly ScalarLayout _spec;

    /// <summary>Creates a solution of zeros.</summary>
    /// <param name="spec">How the result is packed.</param>
    /// <param name="grids">The level tables for weights of at most 1.</param>
    public LayerSolution(ScalarLayout spec, LevelTable[] grids)
    {
        ArgumentNullException.ThrowIfNull(spec);
        _spec = spec;
        Grids = grids;
        Codes = new byte[checked(spec.Rows * spec.Columns)];
        Scales = new Half[spec.Scales];
        ZeroPoints = new byte[spec.ZeroPoints ? spec.Scales : 0];
    }

    /// <summary>The level tables.</summary>
    public LevelTable[] Grids { get; }

    /// <summary>The codes, R x C row by row.</summary>
    public byte[] Codes { get; }

    /// <summary>The scale of each granule, row by row.</summary>
    public Half[] Scales { get; }

    /// <summary>The zero point of each granule; empty where there are none.</summary>
    public byte[] ZeroPoints { get; }

    /// <summary>What is added to the weights that the codes stand for, or null.</summary>
    internal OutlierSet? Outliers { get; set; }

    /// <summary>The number of granules of a row.</summary>
    public int Granules => _spec.Granularity.ScaleColumns(_spec.Columns);

    /// <summary>The columns of a granule that is not cut short.</summary>
    public int Width => _spec.Granularity.Width(_spec.Columns);

    /// <summary>A copy.</summary>
    public LayerSolution Copy() => WithGrids(Grids);

    /// <summary>A copy on other level tables.</summary>
    internal LayerSolution WithGrids(LevelTable[] grids)
    {
        var copy = new LayerSolution(_spec, grids);
        Codes.CopyTo(copy.Codes, 0);
        Scales.CopyTo(copy.Scales, 0);
        ZeroPoints.CopyTo(copy.ZeroPoints, 0);
        copy.Outliers = Outliers;
        return copy;
    }

    /// <summary>The number of the scale of a granule.</summary>
    internal int ScaleIndex(int row, int granule) => _spec.Granularity.GroupColumns < 0 ? 0 : row * Granules + granule;

    /// <summary>The levels of a granule.</summary>
    internal GranuleGrid Grid(int row, int granule)
    {
        int index = ScaleIndex(row, granule);
        return new GranuleGrid(Grids[_spec.GridOf(row, Scales[index])], Scales[index], _spec.ZeroPoints ? ZeroPoints[index] : -1);
    }

    /// <summary>The weights that the codes stand for, outliers added, R x C row by row.</summary>
    public float[] Decode()
    {
        var weights = new float[Codes.Length];
        ParallelLoop.For(_spec.Rows, row => DecodeRow(row, weights.AsSpan(row * _spec.Columns, _spec.Columns)));
        return weights;
    }

    /// <summary>One row of <see cref="Decode()"/>.</summary>
    internal void DecodeRow(int row, Span<float> weights)
    {
        ReadOnlySpan<byte> codes = Codes.AsSpan(row * _spec.Columns, _spec.Columns);
        for (int granule = 0; granule < Granules; granule++)
        {
            GranuleGrid grid = Grid(row, granule);
            int end = Math.Min(_spec.Columns, (granule + 1) * Width);
            for (int i = granule * Width; i < end; i++)
                weights[i] = grid.Decode(codes[i]);
        }
        Outliers?.AddTo(row, weights);
    }

    /// <summary>Packs the solution.</summary>
    /// <param name="shift">The power of two by which the weights were divided.</param>
    public ScalarMatrix Pack(int shift)
    {
        var codes = new byte[checked(_spec.Rows * (long)_spec.BytesPerRow)];
        for (int row = 0; row < _spec.Rows; row++)
            CodePacking.Pack(Codes.AsSpan(row * _spec.Columns, _spec.Columns), _spec.Bits, codes.AsSpan(row * _spec.BytesPerRow, _spec.BytesPerRow));
        var zeros = new byte[_spec.ZeroBytes];
        int rows = _spec.Granularity.ScaleRows(_spec.Rows);
        for (int row = 0; row < rows && _spec.ZeroPoints; row++)
            CodePacking.Pack(ZeroPoints.AsSpan(row * Granules, Granules), _spec.Bits, zeros.AsSpan(row * (zeros.Length / rows), zeros.Length / rows));
        return new ScalarMatrix(_spec, Array.ConvertAll(Grids, grid => grid.WithUnit(MathF.ScaleB(grid.Unit, shift))), [.. Scales], zeros, codes, Outliers?.Pack(shift));
    }

    /// <summary>The nearest level of every weight, at scales that the problem's fit chooses.</summary>
    /// <param name="problem">The layer.</param>
    /// <param name="importance">How much each column counts in the fit, or empty where all count alike.</param>
    public static LayerSolution Nearest(LayerProblem problem, float[] importance)
    {
        ArgumentNullException.ThrowIfNull(problem);
        ArgumentNullException.ThrowIfNull(importance);
        var solution = new LayerSolution(problem.Spec, problem.Grids);
        int columns = problem.Columns;
        if (problem.Spec.Granularity.GroupColumns < 0)
        {
            float[] repeated = importance.Length == 0 ? [] : [.. Enumerable.Repeat(importance, problem.Rows).SelectMany(row => row)];
            solution.Keep(0, problem.Fit.Fit(problem.Weights, repeated, problem.TablesOf(0), solution.Codes));
            return solution;
        }
        ParallelLoop.For(problem.Rows, row =>
        {
            for (int granule = 0; granule < solution.Granules; granule++)
            {
                int first = granule * solution.Width, count = Math.Min(solution.Width, columns - first), at = row * columns + first;
                ReadOnlySpan<float> weighting = importance.Length == 0 ? [] : importance.AsSpan(first, count);
                solution.Keep(row * solution.Granules + granule, problem.Fit.Fit(problem.Weights.AsSpan(at, count), weighting, problem.TablesOf(row), solution.Codes.AsSpan(at, count)));
            }
            Span<Half> scales = solution.Scales.AsSpan(row * solution.Granules, solution.Granules);
            if (!problem.Fit.Constrain(scales))
                return;
            for (int granule = 0; granule < solution.Granules; granule++)
            {
                Encode(problem.Weights.AsSpan(row * columns, columns), scales[granule], problem.TablesOf(row), granule * solution.Width,
                    Math.Min(solution.Width, columns - granule * solution.Width), solution.Codes.AsSpan(row * columns, columns));
            }
        });
        return solution;
    }

    /// <summary>Rounds the weights of a granule at its scale, which chooses the table.</summary>
    internal static void Encode(ReadOnlySpan<float> weights, Half scale, ReadOnlySpan<LevelTable> tables, int first, int count, Span<byte> codes)
    {
        LevelTable table = tables[BitConverter.HalfToUInt16Bits(scale) & (tables.Length - 1)];
        float inverse = scale == Half.Zero ? 0 : 1 / (float)scale;
        for (int i = first; i < first + count; i++)
            codes[i] = (byte)table.Encode(weights[i] * inverse);
    }

    /// <summary>Takes codes and scales of a row from a solution on the same grids; not where the matrix has one scale.</summary>
    internal void TakeRow(LayerSolution other, int row)
    {
        other.Codes.AsSpan(row * _spec.Columns, _spec.Columns).CopyTo(Codes.AsSpan(row * _spec.Columns));
        other.Scales.AsSpan(row * Granules, Granules).CopyTo(Scales.AsSpan(row * Granules));
        if (ZeroPoints.Length > 0)
            other.ZeroPoints.AsSpan(row * Granules, Granules).CopyTo(ZeroPoints.AsSpan(row * Granules));
    }

    /// <summary>Keeps the parameters of a granule.</summary>
    internal void Keep(int index, FittedGranule fitted)
    {
        Scales[index] = fitted.Scale;
        if (ZeroPoints.Length > 0)
            ZeroPoints[index] = fitted.ZeroPoint;
    }
}
