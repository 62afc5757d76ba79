using Vernier.Memory;
using Vernier.Numerics;
using Vernier.Packing.Vectors;

namespace Vernier.Kernels.Preparing;

/// <summary>A part for each number of a vector, with the levels of its codebooks, and scales a row and block or book.</summary>
internal sealed class VectorPreparer : SourcePreparer<VectorMatrix>
{
    /// <inheritdoc/>
    public override bool KeepsWeights => true;

    /// <inheritdoc/>
    public override PanelSource Source(VectorMatrix matrix, Workers workers)
    {
        VectorLayout spec = matrix.Spec;
        int piece = spec.BlockColumns > 0 ? spec.BlockColumns
            : spec.BookColumns, granules = (int)(((long)spec.Columns + piece - 1) / piece);
        float[] scales = Scales(matrix, piece, granules, workers);
        var parts = new PanelPart[spec.Dimension];
        for (int view = 0; view < parts.Length; view++)
            parts[view] = new PanelPart { Levels = Levels(matrix, piece, granules, view), LevelsPerGranule = true, WideScales = scales,
                View = view };
        return new PanelSource(spec.Rows, spec.Columns, spec.Dimension, (piece + spec.Dimension - 1) / spec.Dimension, spec.IndexBits,
            spec.BookRows, matrix.UnpackRow, parts);
    }

    private static float[] Scales(VectorMatrix matrix, int piece, int granules, Workers workers)
    {
        VectorLayout spec = matrix.Spec;
        var scales = new float[checked(spec.Rows * granules)];
        workers.For(spec.Rows, row =>
        {
            using var blockBuffer = new PooledArray<byte>(spec.Blocks);
            if (spec.Blocks > 0)
                matrix.UnpackBlocks(row, blockBuffer.Span);
            for (int granule = 0; granule < granules; granule++)
            {
                float block = spec.Blocks > 0 ? matrix.BlockScales.Span[blockBuffer.Span[granule]] : 1;
                scales[row * granules + granule] = (float)matrix.Scales.Span[spec.BookOf(row, granule * piece)] * block * matrix.Unit;
            }
        });
        return scales;
    }

    private static sbyte[] Levels(VectorMatrix matrix, int piece, int granules, int view)
    {
        VectorLayout spec = matrix.Spec;
        int bands = (spec.Rows + spec.BookRows - 1) / spec.BookRows;
        var levels = new sbyte[checked(bands * granules * spec.Entries)];
        ReadOnlySpan<sbyte> entries = matrix.Entries.Span;
        for (int i = 0; i < levels.Length; i++)
        {
            (int table, int entry) = Math.DivRem(i, spec.Entries);
            int book = spec.BookOf(table / granules * spec.BookRows, table % granules * piece);
            levels[i] = entries[(book * spec.Entries + entry) * spec.Dimension + view];
        }
        return levels;
    }
}
