using System.Numerics.Tensors;
using Vernier.Numerics;
using Vernier.Packing;
using Vernier.Quantization.Weights;

namespace Vernier.Quantization.Compensators;

/// <summary>
/// LoRC: the k largest singular vectors of what the codes have lost, E = W - Q = U diag(s) V^T, are added back, U sqrt(s) and sqrt(s) V^T
/// each rounded to 8 bits with
/// a scale for each vector. Where columns are weighted by d, the decomposition is that of E diag(sqrt(d)), and the right factor is divided
/// by sqrt(d) again.
/// <para>Z. Yao, X. Wu, C. Li, S. Youn, Y. He: ZeroQuant-V2, 2023; X. Wu, Z. Yao, Y. He: ZeroQuant-FP, 2023. The weighting is ours.</para>
/// </summary>
internal static class LowRankSolver
{
    private const int Largest = sbyte.MaxValue;

    /// <summary>Finds the matrix of low rank that a packed matrix lacks, and adds it.</summary>
    /// <param name="packed">The matrix, all but the matrix of low rank.</param>
    /// <param name="weights">W, normalised, row by row.</param>
    /// <param name="shift">The power of two by which the weights were divided.</param>
    /// <param name="importance">How much each column counts; null where all count alike.</param>
    /// <param name="workers">Who computes.</param>
    /// <returns>What the matrix then stands for, normalised.</returns>
    public static float[] Compensate(PackedMatrix packed, float[] weights, int shift, double[]? importance, Workers workers)
    {
        int rows = packed.Rows, columns = packed.Columns;
        float[] error = Decode(packed, shift, workers);
        TensorPrimitives.Subtract(weights, error, error);
        float[] factors = Factors(importance, columns);
        ForRows(error, columns, workers, row => TensorPrimitives.Multiply(row.Span, factors, row.Span));
        TruncatedSvd svd = TruncatedSvd.Of(error, rows, columns, packed.Layout.Rank, workers);
        packed.Add(Round(packed.Layout, svd, factors, shift));
        return Decode(packed, shift, workers);
    }

    /// <summary>The memory that it takes beside the weights, in bytes: the error, and what the matrix stands for.</summary>
    public static long WorkBytes(PackedLayout layout) =>
        layout.Rank == 0 ? 0 : 8L * layout.Rows * layout.Columns + 40L * layout.Rank * ((long)layout.Rows + layout.Columns);

    /// <summary>About how many operations it takes: 33 products with twice the rank.</summary>
    public static double Operations(PackedLayout layout) =>
        layout.Rank == 0 ? 0 : 33.0 * 2 * (2 * layout.Rank + 8) * layout.Rows * layout.Columns;

    private static LowRank Round(PackedLayout layout, TruncatedSvd svd, float[] factors, int shift)
    {
        int rank = layout.Rank;
        sbyte[] left = new sbyte[layout.Rows * rank], right = new sbyte[rank * layout.Columns];
        var scales = new float[rank];
        for (int k = 0; k < rank; k++)
        {
            Span<float> u = svd.Left.AsSpan(k * layout.Rows, layout.Rows), v = svd.Right.AsSpan(k * layout.Columns, layout.Columns);
            TensorPrimitives.Divide(v, factors, v);
            float mostLeft = Math.Abs(TensorPrimitives.MaxMagnitude<float>(u)),
                mostRight = Math.Abs(TensorPrimitives.MaxMagnitude<float>(v));
            scales[k] = MathF.ScaleB((float)(svd.Values[k] * mostLeft * mostRight / (Largest * Largest)), shift);
            if (!float.IsNormal(scales[k]))
                scales[k] = 0;
            for (int i = 0; i < u.Length; i++)
                left[i * rank + k] = (sbyte)(mostLeft == 0 ? 0 : MathF.Round(u[i] * (Largest / mostLeft)));
            for (int i = 0; i < v.Length; i++)
                right[k * v.Length + i] = (sbyte)(mostRight == 0 ? 0 : MathF.Round(v[i] * (Largest / mostRight)));
        }
        return new LowRank(layout, left, right, scales);
    }

    // sqrt(d), of mean square 1; a dead channel counts a little, so that it can be divided by.
    private static float[] Factors(double[]? importance, int columns)
    {
        double mean = importance?.Average() ?? 0;
        var factors = new float[columns];
        for (int i = 0; i < columns; i++)
            factors[i] = mean > 0 ? (float)Math.Sqrt(Math.Max(importance![i] / mean, 1e-4)) : 1;
        return factors;
    }

    private static float[] Decode(PackedMatrix packed, int shift, Workers workers)
    {
        var values = new float[checked(packed.Rows * packed.Columns)];
        workers.For(packed.Rows, row =>
        {
            Span<float> line = values.AsSpan(row * packed.Columns, packed.Columns);
            packed.DequantizeRow(row, line);
            WeightMatrix.Normalize(line, shift);
        });
        return values;
    }

    private static void ForRows(float[] matrix, int columns, Workers workers, Action<Memory<float>> action) =>
        workers.For(matrix.Length / columns, row => action(matrix.AsMemory(row * columns, columns)));
}
