using Vernier.Grids;
using Vernier.Levels;
using Vernier.Numerics;
using Vernier.Packing;
using Vernier.Packing.Scalar;

namespace Vernier.Quantization.Solvers.Scalar;

/// <summary>Codes, scales and zero points of a matrix on a scalar grid while it is being solved, one byte a code.</summary>
public sealed class ScalarSolution : MatrixSolution
{
    private readonly ScalarLayout _layout;

    /// <summary>Creates a solution of zeros.</summary>
    /// <param name="layout">How the result is packed.</param>
    /// <param name="grids">The level tables for weights of at most 1.</param>
    /// <param name="workers">Who decodes; null for all processors.</param>
    public ScalarSolution(ScalarLayout layout, LevelTable[] grids, Workers? workers = null)
        : base(layout?.Rows ?? 0, layout?.Columns ?? 0, workers)
    {
        ArgumentNullException.ThrowIfNull(layout);
        _layout = layout;
        Grids = grids;
        Codes = new byte[checked(layout.Rows * layout.Columns)];
        Scales = new Half[layout.Scales];
        ZeroPoints = new byte[layout.ZeroPoints ? layout.Scales : 0];
    }

    /// <summary>The level tables.</summary>
    public LevelTable[] Grids { get; }

    /// <summary>The codes, R x C row by row.</summary>
    public byte[] Codes { get; }

    /// <summary>The scale of each granule, row by row.</summary>
    public Half[] Scales { get; }

    /// <summary>The zero point of each granule; empty where there are none.</summary>
    public byte[] ZeroPoints { get; }

    /// <summary>The number of granules of a row.</summary>
    public int Granules => _layout.Granularity.ScaleColumns(_layout.Columns);

    /// <summary>The columns of a granule that is not cut short.</summary>
    public int Width => _layout.Granularity.Width(_layout.Columns);

    /// <inheritdoc/>
    public override ScalarSolution Copy() => WithGrids(Grids);

    /// <summary>A copy on other level tables.</summary>
    /// <param name="grids">As many, each with as many levels.</param>
    public ScalarSolution WithGrids(LevelTable[] grids)
    {
        var copy = new ScalarSolution(_layout, grids, Workers);
        Codes.CopyTo(copy.Codes, 0);
        Scales.CopyTo(copy.Scales, 0);
        ZeroPoints.CopyTo(copy.ZeroPoints, 0);
        return copy;
    }

    /// <summary>The number of the scale of a granule.</summary>
    public int ScaleIndex(int row, int granule) => _layout.Granularity.GroupColumns < 0 ? 0 : row * Granules + granule;

    /// <summary>The levels of a granule.</summary>
    public GranuleGrid Grid(int row, int granule)
    {
        int index = ScaleIndex(row, granule);
        return new GranuleGrid(Grids[_layout.GridOf(row, Scales[index])], Scales[index], _layout.ZeroPoints ? ZeroPoints[index] : -1);
    }

    /// <inheritdoc/>
    public override void DecodeRow(int row, Span<float> weights)
    {
        ReadOnlySpan<byte> codes = Codes.AsSpan(row * _layout.Columns, _layout.Columns);
        for (int granule = 0; granule < Granules; granule++)
        {
            GranuleGrid grid = Grid(row, granule);
            int end = Math.Min(_layout.Columns, (granule + 1) * Width);
            for (int i = granule * Width; i < end; i++)
                weights[i] = grid.Decode(codes[i]);
        }
    }

    /// <inheritdoc/>
    public override ScalarMatrix Pack(int shift, Packing.Outliers? outliers = null)
    {
        var codes = new byte[checked(_layout.Rows * (long)_layout.BytesPerRow)];
        for (int row = 0; row < _layout.Rows; row++)
            CodePacking.Pack(Codes.AsSpan(row * _layout.Columns, _layout.Columns), _layout.Bits,
                codes.AsSpan(row * _layout.BytesPerRow, _layout.BytesPerRow));
        var zeros = new byte[_layout.ZeroBytes];
        int rows = _layout.Granularity.ScaleRows(_layout.Rows);
        for (int row = 0; row < rows && _layout.ZeroPoints; row++)
            CodePacking.Pack(ZeroPoints.AsSpan(row * Granules, Granules), _layout.Bits,
                zeros.AsSpan(row * (zeros.Length / rows), zeros.Length / rows));
        return new ScalarMatrix(_layout, Array.ConvertAll(Grids, grid => grid.WithUnit(MathF.ScaleB(grid.Unit, shift))), [.. Scales], zeros,
            codes, outliers);
    }

    /// <summary>The nearest level of every weight, at scales that the problem's fit chooses.</summary>
    /// <param name="problem">The layer.</param>
    /// <param name="importance">How much each column counts in the fit, or empty where all count alike.</param>
    public static ScalarSolution Nearest(MatrixProblem problem, float[] importance)
    {
        ArgumentNullException.ThrowIfNull(problem);
        ArgumentNullException.ThrowIfNull(importance);
        var solution = new ScalarSolution(problem.Scalar, problem.Tables, problem.Workers);
        int columns = problem.Columns;
        if (problem.Scalar.Granularity.GroupColumns < 0)
        {
            float[] repeated = importance.Length == 0 ? [] : [.. Enumerable.Repeat(importance, problem.Rows).SelectMany(row => row)];
            solution.Keep(0, problem.Fit.Fit(problem.Weights, repeated, problem.TablesOf(0), solution.Codes));
            return solution;
        }
        problem.Workers.For(problem.Rows, row =>
        {
            for (int granule = 0; granule < solution.Granules; granule++)
            {
                int first = granule * solution.Width, count = Math.Min(solution.Width, columns - first), at = row * columns + first;
                ReadOnlySpan<float> weighting = importance.Length == 0 ? [] : importance.AsSpan(first, count);
                solution.Keep(row * solution.Granules + granule,
                    problem.Fit.Fit(problem.Weights.AsSpan(at, count), weighting, problem.TablesOf(row), solution.Codes.AsSpan(at, count)));
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
    internal static void Encode(ReadOnlySpan<float> weights, Half scale, ReadOnlySpan<LevelTable> tables, int first, int count,
        Span<byte> codes)
    {
        LevelTable table = tables[BitConverter.HalfToUInt16Bits(scale) & (tables.Length - 1)];
        float inverse = scale == Half.Zero ? 0 : 1 / (float)scale;
        for (int i = first; i < first + count; i++)
            codes[i] = (byte)table.Encode(weights[i] * inverse);
    }

    /// <summary>Takes codes and scales of a row from a solution on the same grids; not where the matrix has one scale.</summary>
    internal void TakeRow(ScalarSolution other, int row)
    {
        other.Codes.AsSpan(row * _layout.Columns, _layout.Columns).CopyTo(Codes.AsSpan(row * _layout.Columns));
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
