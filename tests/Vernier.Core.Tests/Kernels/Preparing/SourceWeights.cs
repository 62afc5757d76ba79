using Vernier.Kernels;
using Vernier.Kernels.Preparing;
using Vernier.Numerics;
using Vernier.Packing;

namespace Vernier.Tests.Packing;

/// <summary>What a matrix of any layout gives the integer kernels, against what it dequantizes to.</summary>
internal static class SourceWeights
{
    /// <summary>The parts add up to the weights, and the best kernel multiplies them as the plain definition does.</summary>
    public static void Check(PackedMatrix matrix, PanelSource source)
    {
        var weights = new float[matrix.Columns];
        var codes = new byte[source.Columns];
        for (int row = 0; row < matrix.Rows; row++)
        {
            matrix.DequantizeRow(row, weights);
            source.Read(row, codes);
            for (int column = 0; column < weights.Length; column++)
                Assert.Equal(weights[column], Weight(source, row, column, codes), Math.Abs(weights[column]) * 1e-6f);
        }
        CheckRows(matrix);
        var random = new Random(3);
        foreach (int tokens in (int[])[1, 5])
        {
            float[] x = [.. Enumerable.Range(0, tokens * matrix.Columns).Select(_ => (float)(random.NextDouble() - 0.5))], expected = new float[tokens * matrix.Rows], y = new float[expected.Length];
            IntegerProduct.Multiply(x, tokens, source, expected);
            Assert.IsType<PreparedWeight>(matrix.Prepare(Workers.Shared)).Multiply(x, tokens, y, Workers.Shared);
            Assert.Equal(expected, y);
        }
    }

    /// <summary>The rows of the prepared matrix are those of the matrix, bit by bit, where its preparer says so.</summary>
    public static void CheckRows(PackedMatrix matrix)
    {
        if (matrix.Outliers is not null || matrix.LowRank is not null || matrix.Prepare(Workers.Shared) is not IPreparedMatrix prepared || PreparedMatrices.Rows(matrix.Layout, prepared) is not PreparedRows rows)
            return;
        float[] expected = new float[matrix.Columns], actual = new float[matrix.Columns];
        for (int row = 0; row < matrix.Rows; row++)
        {
            matrix.DequantizeRow(row, expected);
            rows.Decode(row, actual);
            Assert.Equal(expected, actual);
        }
    }

    private static float Weight(PanelSource source, int row, int column, ReadOnlySpan<byte> codes)
    {
        (int c, int view) = Math.DivRem(column, source.Views);
        int granule = c / source.Width, at = row * source.Granules + granule;
        double weight = 0;
        foreach (PanelPart part in source.Parts.Where(part => part.View == view))
        {
            double scale = part.WideScales.IsEmpty ? (double)part.Scales.Span[at] * part.Unit : part.WideScales.Span[at];
            weight += scale * (source.LevelsOf(part, row, granule)[codes[c]] - (part.Zeros.IsEmpty ? 0 : part.Zeros.Span[at])) + (part.Minimums.IsEmpty ? 0 : part.Minimums.Span[at]);
        }
        return (float)weight;
    }
}
