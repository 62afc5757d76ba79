using System.Numerics.Tensors;
using Vernier.Files.Gguf.Blocks;
using Vernier.Numerics;
using Vernier.Packing.Ggml;
using Vernier.Quantization.Objectives;
using Vernier.Quantization.Solvers.Gptq;

namespace Vernier.Quantization.Solvers.Blocks;

/// <summary>
/// Better numbers for the block formats of ggml, which the same runtimes read: GPTQ on the levels of the format, each block's scales fitted, when its turn comes, to the weights as
/// they are then, with the importance 1 / U_jj^2 of <see cref="GptqFactor"/>; then <see cref="BlockDescent"/>. Rows do not depend on each other, so the result is the same on any number of threads.
/// </summary>
internal static class BlockSolver
{
    private const int RowsPerTask = 16, PieceColumns = 32;

    /// <summary>Solves a matrix.</summary>
    /// <param name="weights">W, R x C, as it is to be decoded.</param>
    /// <param name="layout">The format.</param>
    /// <param name="objective">The layer objective.</param>
    /// <param name="factor">The factor of its Gram matrix, columns in their order.</param>
    /// <param name="sweeps">The most sweeps of the descent; 0 leaves it out.</param>
    public static BlockMatrix Solve(float[] weights, BlockLayout layout, LayerObjective objective, GptqFactor factor, int sweeps)
    {
        var grid = new BlockGrid(layout.Format);
        float[] importance = ColumnWeights.Normalised(factor.Cost);
        var bytes = new byte[checked(layout.Rows * layout.BytesPerRow)];
        ParallelLoop.For((layout.Rows + RowsPerTask - 1) / RowsPerTask, task =>
        {
            int first = task * RowsPerTask, rows = Math.Min(RowsPerTask, layout.Rows - first);
            ReadOnlyMemory<float> own = weights.AsMemory(first * layout.Columns, rows * layout.Columns);
            BlockParts[][] blocks = Sequential(own.Span, rows, grid, factor, importance);
            var quantized = new float[own.Length];
            var residual = new double[own.Length];
            for (int row = 0; row < rows; row++)
                Decode(layout.Format, blocks[row], quantized.AsSpan(row * layout.Columns, layout.Columns));
            objective.Residual(own, quantized, residual);
            var descent = new BlockDescent(grid, objective);
            for (int row = 0; row < rows; row++)
            {
                descent.Improve(blocks[row], quantized.AsSpan(row * layout.Columns, layout.Columns), residual.AsSpan(row * layout.Columns, layout.Columns), sweeps);
                Pack(layout.Format, blocks[row], bytes.AsSpan((first + row) * layout.BytesPerRow, layout.BytesPerRow));
            }
        });
        return new BlockMatrix(layout, bytes);
    }

    /// <summary>
    /// Solves a matrix without data: of each block the better of the fit and of ggml's own encoding, by the squared error in which a weight counts by its size, rms + |w|, rms that
    /// of its block: large weights do more than small ones to what a network computes.
    /// </summary>
    /// <param name="weights">W, R x C, as it is to be decoded.</param>
    /// <param name="layout">The format.</param>
    /// <param name="importance">How much each column counts besides, or empty where all count alike.</param>
    public static BlockMatrix Solve(float[] weights, BlockLayout layout, float[] importance)
    {
        var grid = new BlockGrid(layout.Format);
        BlockFormat format = layout.Format;
        var bytes = new byte[checked(layout.Rows * layout.BytesPerRow)];
        ParallelLoop.For((layout.Rows + RowsPerTask - 1) / RowsPerTask, task =>
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
        return new BlockMatrix(layout, bytes);
    }

    /// <summary>How much the weights of a block count without data: rms + |w|.</summary>
    internal static void Sizes(ReadOnlySpan<float> weights, Span<float> sizes)
    {
        TensorPrimitives.Abs(weights, sizes);
        TensorPrimitives.Add(sizes, MathF.Sqrt(TensorPrimitives.SumOfSquares(weights) / weights.Length), sizes);
    }

    private static double Error(BlockFormat format, ReadOnlySpan<byte> block, ReadOnlySpan<float> weights, ReadOnlySpan<float> sizes, Span<float> decoded)
    {
        format.Decode(block, decoded);
        double error = 0;
        for (int i = 0; i < decoded.Length; i++)
            error += sizes[i] * (double)(decoded[i] - weights[i]) * (decoded[i] - weights[i]);
        return error;
    }

    private static unsafe BlockParts[][] Sequential(ReadOnlySpan<float> source, int rows, BlockGrid grid, GptqFactor factor, float[] importance)
    {
        BlockFormat format = grid.Format;
        int columns = source.Length / rows, width = format.SubBlockColumns, blockColumns = Math.Max(format.BlockColumns, PieceColumns);
        var fit = new BlockFit(grid);
        BlockParts[][] blocks = [.. Enumerable.Range(0, rows).Select(_ => Enumerable.Range(0, columns / format.BlockColumns).Select(_ => new BlockParts(format)).ToArray())];
        using var weightBuffer = new PooledArray<float>(rows * columns);
        using var errorBuffer = new PooledArray<float>(rows * PieceColumns);
        source.CopyTo(weightBuffer.Span);
        fixed (float* weights = weightBuffer.Span, errors = errorBuffer.Span, carry = factor.Carry)
        {
            // Pieces are as wide as the smallest block, so that what a block is fitted to has all errors of the columns before it.
            for (int start = 0; start < columns; start += PieceColumns)
            {
                for (int row = 0; row < rows; row++)
                {
                    float* line = weights + (long)row * columns;
                    BlockParts parts = blocks[row][start / format.BlockColumns];
                    if (start % format.BlockColumns == 0)
                        fit.Fit(new ReadOnlySpan<float>(line + start, format.BlockColumns), importance.AsSpan(start, format.BlockColumns), parts);
                    for (int column = start; column < start + PieceColumns; column++)
                    {
                        int at = column % format.BlockColumns, sub = at / width;
                        if (at % width == 0 && at > 0)
                            fit.FitIntegers(new ReadOnlySpan<float>(line + column, width), importance.AsSpan(column, width), parts, sub);
                        float scale = format.Scale(parts, sub), min = format.Min(parts, sub);
                        byte code = grid.Nearest(line[column], scale == 0 ? 0 : 1 / scale, min);
                        parts.Codes[at] = code;
                        float error = scale * grid.LevelOf(code) - min - line[column];
                        errors[row * PieceColumns + column - start] = error;
                        CarryKernel.Run(line + column + 1, 1, start + PieceColumns - column - 1, columns, &error, 1, 1, carry + (long)column * columns + column + 1);
                    }
                }
                int stop = start + PieceColumns;
                CarryKernel.Run(weights + stop, rows, columns - stop, columns, errors, PieceColumns, PieceColumns, carry + (long)start * columns + stop);
            }
        }
        return blocks;
    }

    private static void Decode(BlockFormat format, BlockParts[] blocks, Span<float> weights)
    {
        for (int i = 0; i < weights.Length; i++)
        {
            (int block, int at) = Math.DivRem(i, format.BlockColumns);
            weights[i] = format.Scale(blocks[block], at / format.SubBlockColumns) * format.Levels[blocks[block].Codes[at]] - format.Min(blocks[block], at / format.SubBlockColumns);
        }
    }

    private static void Pack(BlockFormat format, BlockParts[] blocks, Span<byte> bytes)
    {
        for (int block = 0; block < blocks.Length; block++)
            format.Pack(blocks[block], bytes.Slice(block * format.BlockBytes, format.BlockBytes));
    }
}
