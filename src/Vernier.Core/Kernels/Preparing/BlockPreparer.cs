using Vernier.Files.Gguf.Blocks;
using Vernier.Numerics;
using Vernier.Packing.Ggml;

namespace Vernier.Kernels.Preparing;

/// <summary>The levels of the block format, a scale in single precision for each sub-block and, in affine formats, a minimum.</summary>
internal sealed class BlockPreparer : SourcePreparer<BlockMatrix>
{
    /// <inheritdoc/>
    public override bool KeepsWeights => true;

    /// <inheritdoc/>
    public override PanelSource Source(BlockMatrix matrix, Workers workers)
    {
        BlockFormat format = matrix.Spec.Format;
        int subs = format.SubBlocks, width = format.SubBlockColumns, granules = matrix.Columns / width;
        int bits = Math.Max(2, (int)Math.Ceiling(Math.Log2(format.Levels.Length)));
        // Three bits share bytes in steps of 32 columns, more than a sub-block of 16 has.
        if (bits == 3 && width % 32 != 0)
            bits = 4;
        var scales = new float[checked(matrix.Rows * granules)];
        var minimums = new float[format.HasMin ? scales.Length : 0];
        workers.For(matrix.Rows, row =>
        {
            var parts = new BlockParts(format);
            for (int block = 0; block < matrix.Columns / format.BlockColumns; block++)
            {
                format.Unpack(matrix.Row(row).Slice(block * format.BlockBytes, format.BlockBytes), parts);
                for (int sub = 0; sub < subs; sub++)
                {
                    int at = row * granules + block * subs + sub;
                    scales[at] = format.Scale(parts, sub);
                    if (minimums.Length > 0)
                        minimums[at] = -format.Min(parts, sub);
                }
            }
        });
        var levels = new sbyte[1 << bits];
        format.Levels.CopyTo(levels);
        return new PanelSource(matrix.Rows, matrix.Columns, 1, width, bits, matrix.Rows, (row, codes) => ReadCodes(matrix, row, codes),
            [new PanelPart { Levels = levels, WideScales = scales, Minimums = minimums }]);
    }

    private static void ReadCodes(BlockMatrix matrix, int row, Span<byte> codes)
    {
        BlockFormat format = matrix.Spec.Format;
        var parts = new BlockParts(format);
        for (int block = 0; block < matrix.Columns / format.BlockColumns; block++)
        {
            format.Unpack(matrix.Row(row).Slice(block * format.BlockBytes, format.BlockBytes), parts);
            parts.Codes.CopyTo(codes[(block * format.BlockColumns)..]);
        }
    }
}
