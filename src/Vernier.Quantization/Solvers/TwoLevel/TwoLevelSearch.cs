using System.Numerics.Tensors;
using Vernier.Memory;
using Vernier.Numerics;
using Vernier.Packing.TwoLevel;

namespace Vernier.Quantization.Solvers.TwoLevel;

/// <summary>
/// The search of DGQ for the scales of both levels, by the error of the output e H e^T, e = w - q; without data by that of the weights.
/// First, for each group the range
/// [min(w, 0), max(w, 0)] times 20 ratios from 1.009 to 0.8 gives s4 and z, by what the columns of the group alone do to the output. Then,
/// for each row the scale s of
/// its integers, the largest |q - z| s4 / 127 times 80 ratios from 1.00975 to 0.2, with k = max(1, round(s4 / s)) and the codes that
/// follow: the eight ratios that are best
/// by the groups alone are compared by the whole row.
/// <para>L. Zhang, W. Fei, W. Wu, Y. He, Z. Lou, H. Zhou: Dual grained quantization: efficient fine-grained quantization for LLM, 2023.
/// That only eight ratios are
/// compared by the whole row is ours.</para>
/// </summary>
/// <param name="spec">How the result is packed.</param>
/// <param name="unit">The unit of the matrix.</param>
/// <param name="gram">H in single precision, row by row; empty where there is none.</param>
/// <param name="workers">Who searches.</param>
internal sealed class TwoLevelSearch(TwoLevelLayout spec, float unit, float[] gram, Workers workers)
{
    private const int GroupRatios = 20, RowRatios = 80, Compared = 8;
    private const int ChunkElements = 1 << 22;

    private readonly int _columns = spec.Columns, _groups = spec.Groups, _width = spec.Width, _last = (1 << spec.Bits) - 1;

    /// <summary>Finds the scales of all rows.</summary>
    /// <param name="weights">W, normalised.</param>
    public TwoLevelGrids Run(float[] weights)
    {
        var grids = new TwoLevelGrids(spec);
        int chunk = Math.Clamp(ChunkElements / (RowRatios * _columns), 1, spec.Rows);
        for (int first = 0; first < spec.Rows; first += chunk)
        {
            int rows = Math.Min(chunk, spec.Rows - first);
            float[] steps = GroupSteps(weights.AsMemory(first * _columns, rows * _columns),
                grids.Zeros.AsSpan(first * _groups, rows * _groups), rows);
            RowScales(weights, first, rows, steps, grids);
        }
        return grids;
    }

    /// <summary>About how many operations the search takes.</summary>
    public static double Operations(double rows, double columns, double width) =>
        rows * columns * ((GroupRatios + RowRatios) * (2 * width + 20) + 2 * Compared * columns);

    private static double GroupRatio(int i) => 1.02 - 0.22 * (i + 1) / GroupRatios;

    private static double RowRatio(int i) => 1.02 - 0.82 * (i + 1) / RowRatios;

    // s4 of each group; z goes to `zeros`.
    private float[] GroupSteps(ReadOnlyMemory<float> weights, Span<byte> zeros, int rows)
    {
        var steps = new float[rows * _groups * GroupRatios];
        var candidates = new byte[steps.Length];
        using var errors = new PooledArray<float>(rows * GroupRatios * _columns);
        Memory<float> errorMemory = errors.Memory;
        workers.For(rows, row =>
        {
            for (int group = 0; group < _groups; group++)
            {
                int start = group * _width, count = Math.Min(_width, _columns - start);
                ReadOnlySpan<float> values = weights.Span.Slice(row * _columns + start, count);
                float low = Math.Min(0, TensorPrimitives.Min(values)), high = Math.Max(0, TensorPrimitives.Max(values));
                for (int i = 0; i < GroupRatios; i++)
                {
                    float step = (float)((high - low) * GroupRatio(i) / _last);
                    int zero = step == 0 ? 0 : (int)Math.Clamp(MathF.Round((float)(-low * GroupRatio(i)) / step), 0, _last),
                        at = (row * _groups + group) * GroupRatios + i;
                    (steps[at], candidates[at]) = (step, (byte)zero);
                    Span<float> error = errorMemory.Span.Slice((row * GroupRatios + i) * _columns + start, count);
                    for (int c = 0; c < count; c++)
                    {
                        float code = step == 0 ? zero : Math.Clamp(MathF.Round(values[c] / step) + zero, 0, _last);
                        error[c] = values[c] - step * (code - zero);
                    }
                }
            }
        });
        double[] costs = GroupCosts(errors.Span, rows * GroupRatios);
        var best = new float[rows * _groups];
        for (int i = 0; i < best.Length; i++)
        {
            int row = i / _groups, group = i % _groups, least = 0;
            for (int ratio = 1; ratio < GroupRatios; ratio++)
            {
                if (costs[(row * GroupRatios + ratio) * _groups + group] < costs[(row * GroupRatios + least) * _groups + group])
                    least = ratio;
            }
            (best[i], zeros[i]) = (steps[i * GroupRatios + least], candidates[i * GroupRatios + least]);
        }
        return best;
    }

    private void RowScales(float[] weights, int first, int rows, float[] steps, TwoLevelGrids grids)
    {
        using var errorBuffer = new PooledArray<float>(rows * RowRatios * _columns);
        Memory<float> errors = errorBuffer.Memory;
        workers.For(rows, row =>
        {
            for (int ratio = 0; ratio < RowRatios; ratio++)
            {
                Half scale = ScaleOf(grids, first, row, steps, ratio);
                Span<float> error = errors.Span.Slice((row * RowRatios + ratio) * _columns, _columns);
                for (int group = 0; group < _groups; group++)
                {
                    TwoLevelGrid grid = new(spec.Bits, unit * (float)scale, FactorOf(steps[row * _groups + group], scale),
                        grids.Zeros[(first + row) * _groups + group]);
                    for (int c = group * _width; c < Math.Min(_columns, (group + 1) * _width); c++)
                    {
                        float weight = weights[(first + row) * _columns + c];
                        error[c] = weight - grid.Decode(grid.Encode(weight));
                    }
                }
            }
        });
        double[] byGroups = GroupCosts(errorBuffer.Span, rows * RowRatios),
            all = [.. Enumerable.Range(0, rows * RowRatios).Select(i => byGroups.AsSpan(i * _groups, _groups).ToArray().Sum())];
        int compared = gram.Length == 0 ? 1 : Math.Min(Compared, RowRatios);
        int[] chosen = [.. Enumerable.Range(0, rows)
            .SelectMany(row => Enumerable.Range(0, RowRatios).OrderBy(ratio => all[row * RowRatios + ratio]).Take(compared).Order())];
        double[] costs = gram.Length == 0 ? new double[chosen.Length] : WholeCosts(errorBuffer.Span, chosen, compared);
        for (int row = 0; row < rows; row++)
        {
            int least = Enumerable.Range(row * compared, compared).MinBy(i => costs[i]);
            Half scale = grids.Scales[first + row] = ScaleOf(grids, first, row, steps, chosen[least]);
            for (int group = 0; group < _groups; group++)
                grids.Factors[(first + row) * _groups + group] = (sbyte)FactorOf(steps[row * _groups + group], scale);
        }
    }

    // The largest magnitude that the groups of a row can hold, in 127 steps, times a ratio.
    private Half ScaleOf(TwoLevelGrids grids, int first, int row, float[] steps, int ratio)
    {
        float most = 0;
        for (int group = 0; group < _groups; group++)
        {
            int zero = grids.Zeros[(first + row) * _groups + group];
            most = Math.Max(most, steps[row * _groups + group] * Math.Max(zero, _last - zero));
        }
        var scale = (Half)(most * RowRatio(ratio) / TwoLevelLayout.Largest / unit);
        return most > 0 && scale == Half.Zero ? Half.Epsilon : scale;
    }

    private int FactorOf(float step, Half scale) =>
        scale == Half.Zero ? 1 : (int)Math.Clamp(MathF.Round(step / (unit * (float)scale)), 1, TwoLevelLayout.Largest);

    /// <summary>e_g H_gg e_g^T of each group of each of n rows of errors; without H the sum of squares.</summary>
    private double[] GroupCosts(ReadOnlySpan<float> errors, int n)
    {
        var costs = new double[n * _groups];
        using var buffer = new PooledArray<float>(n * Math.Min(_width, _columns));
        var matrix = new ReadOnlyMatrixSpan<float>(errors, n, _columns);
        for (int group = 0; group < _groups; group++)
        {
            int start = group * _width, count = Math.Min(_width, _columns - start);
            ReadOnlyMatrixSpan<float> part = matrix.Slice(0, start, n, count);
            var product = new MatrixSpan<float>(buffer.Span, n, count);
            if (gram.Length > 0)
                MatrixProduct.Multiply(part, new ReadOnlyMatrixSpan<float>(gram, _columns, _columns).Slice(start, start, count, count),
                    product, ProductUpdate.Set, workers);
            for (int i = 0; i < n; i++)
            {
                ReadOnlySpan<float> error = errors.Slice(i * _columns + start, count);
                costs[i * _groups + group] = TensorPrimitives.Dot(error, gram.Length > 0 ? product.Row(i) : error);
            }
        }
        return costs;
    }

    /// <summary>e H e^T of chosen rows of errors.</summary>
    private double[] WholeCosts(ReadOnlySpan<float> errors, int[] chosen, int perRow)
    {
        using var gathered = new PooledArray<float>(chosen.Length * _columns);
        using var buffer = new PooledArray<float>(chosen.Length * _columns);
        Span<float> some = gathered.Span;
        for (int i = 0; i < chosen.Length; i++)
            errors.Slice((i / perRow * RowRatios + chosen[i]) * _columns, _columns).CopyTo(some[(i * _columns)..]);
        var product = new MatrixSpan<float>(buffer.Span, chosen.Length, _columns);
        MatrixProduct.Multiply(new ReadOnlyMatrixSpan<float>(some, chosen.Length, _columns),
            new ReadOnlyMatrixSpan<float>(gram, _columns, _columns), product,
            ProductUpdate.Set, workers);
        var costs = new double[chosen.Length];
        for (int i = 0; i < costs.Length; i++)
            costs[i] = TensorPrimitives.Dot<float>(some.Slice(i * _columns, _columns), product.Row(i));
        return costs;
    }
}
