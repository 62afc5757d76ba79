using System.Numerics.Tensors;
using Vernier.Files.Gguf.Blocks;
using Vernier.Numerics;
using Vernier.Packing.Ggml;

namespace Vernier.Quantization.Solvers.Blocks;

/// <summary>
/// Blocks without data: of each block the better of <see cref="BlockFit"/> and of ggml's own encoding, by the squared error in which a
/// weight counts by its size, rms + |w|, rms that
/// of its block: large weights do more than small ones to what a network computes.
/// </summary>
internal static class BlockSearch
{
    private const int RowsPerTask = 16;

    /// <summary>Chooses all blocks of a matrix.</summary>
    /// <param name="weights">W, R x C, as it is to be decoded.</param>
    /// <param name="layout">The format.</param>
    /// <param name="importance">How much each column counts besides, or empty where all count alike.</param>
    /// <param name="workers">Who searches.</param>
    public static byte[] Run(float[] weights, BlockLayout layout, float[] importance, Workers workers)
    {
        var grid = new BlockGrid(layout.Format);
        BlockFormat format = layout.Format;
        var bytes = new byte[checked(layout.Rows * layout.BytesPerRow)];
        workers.For((layout.Rows + RowsPerTask - 1) / RowsPerTask, task =>
        {
            var fit = new BlockFit(grid);
            var parts = new BlockParts(format);
            float[] decoded = new float[format.BlockColumns], sizes = new float[format.BlockColumns];
            var own = new byte[format.BlockBytes];
            for (int row = task * RowsPerTask; row < Math.Min(layout.Rows, (task + 1) * RowsPerTask); row++)
            {
                Span<byte> line = bytes.AsSpan(row * layout.BytesPerRow, layout.BytesPerRow);
                format.Encode(weights.AsSpan(row * layout.Columns, layout.Columns), importance, line);
                for (int block = 0; block < layout.Columns / format.BlockColumns; block++)
                {
                    ReadOnlySpan<float> part = weights.AsSpan(row * layout.Columns + block * format.BlockColumns, format.BlockColumns);
                    Span<byte> theirs = line.Slice(block * format.BlockBytes, format.BlockBytes);
                    Sizes(part, sizes);
                    if (importance.Length > 0)
                        TensorPrimitives.Multiply(sizes, importance.AsSpan(block * format.BlockColumns, format.BlockColumns), sizes);
                    fit.Fit(part, sizes, parts);
                    format.Pack(parts, own);
                    if (Error(format, own, part, sizes, decoded) < Error(format, theirs, part, sizes, decoded))
                        own.CopyTo(theirs);
                }
            }
        });
        return bytes;
    }

    /// <summary>How much the weights of a block count without data: rms + |w|.</summary>
    internal static void Sizes(ReadOnlySpan<float> weights, Span<float> sizes)
    {
        TensorPrimitives.Abs(weights, sizes);
        TensorPrimitives.Add(sizes, MathF.Sqrt(TensorPrimitives.SumOfSquares(weights) / weights.Length), sizes);
    }

    private static double Error(BlockFormat format, ReadOnlySpan<byte> block, ReadOnlySpan<float> weights, ReadOnlySpan<float> sizes,
        Span<float> decoded)
    {
        format.Decode(block, decoded);
        double error = 0;
        for (int i = 0; i < decoded.Length; i++)
            error += sizes[i] * (double)(decoded[i] - weights[i]) * (decoded[i] - weights[i]);
        return error;
    }
}
