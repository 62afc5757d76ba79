using Vernier.Packing.Trits;

namespace Vernier.Kernels;

/// <summary>
/// The plain product with two planes of trits, which adds and subtracts activations only; each sum is multiplied by its scale once a group:
/// y = sum over groups of a_1 (sum of x where t_1 = 1 - sum of x where t_1 = -1) + the same of the second plane. One number at a time, in
/// double precision; it
/// defines what faster kernels compute. What is added to the matrix beside its trits is not part of it.
/// </summary>
public static class TritProduct
{
    /// <summary>Y = X W^T.</summary>
    /// <param name="x">Activations, rows x W.Columns.</param>
    /// <param name="rows">The number of rows of X.</param>
    /// <param name="weight">W.</param>
    /// <param name="y">Receives rows x W.Rows.</param>
    public static void Multiply(ReadOnlySpan<float> x, int rows, TritMatrix weight, Span<float> y)
    {
        ArgumentNullException.ThrowIfNull(weight);
        ArgumentOutOfRangeException.ThrowIfLessThan(x.Length, (long)rows * weight.Columns);
        ArgumentOutOfRangeException.ThrowIfLessThan(y.Length, (long)rows * weight.Rows);
        TritLayout spec = weight.Spec;
        var trits = new sbyte[spec.Columns];
        y[..(rows * spec.Rows)].Clear();
        for (int row = 0; row < spec.Rows; row++)
        {
            for (int plane = 0; plane < TritLayout.Planes; plane++)
            {
                weight.UnpackRow(plane, row, trits);
                for (int token = 0; token < rows; token++)
                {
                    double all = 0;
                    for (int group = 0; group < spec.Groups; group++)
                        all += weight.Scale(plane, row, group) * Sum(
                            x.Slice(token * spec.Columns, spec.Columns), trits, group * spec.Width,
                            Math.Min(spec.Columns, (group + 1) * spec.Width));
                    y[token * spec.Rows + row] += (float)all;
                }
            }
        }
    }

    private static double Sum(ReadOnlySpan<float> x, ReadOnlySpan<sbyte> trits, int first, int end)
    {
        double sum = 0;
        for (int i = first; i < end; i++)
        {
            if (trits[i] > 0)
                sum += x[i];
            else if (trits[i] < 0)
                sum -= x[i];
        }
        return sum;
    }
}
