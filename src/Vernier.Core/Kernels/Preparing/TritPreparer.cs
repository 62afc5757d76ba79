using Vernier.Memory;
using Vernier.Numerics;
using Vernier.Packing.Trits;

namespace Vernier.Kernels.Preparing;

/// <summary>Both trits of a weight become one code of 4 bits, of which each plane has a part and its scales.</summary>
internal sealed class TritPreparer : SourcePreparer<TritMatrix>
{
    /// <inheritdoc/>
    public override bool KeepsWeights => true;

    /// <inheritdoc/>
    public override PanelSource Source(TritMatrix matrix, Workers workers)
    {
        var parts = new PanelPart[TritLayout.Planes];
        for (int plane = 0; plane < parts.Length; plane++)
        {
            var levels = new sbyte[16];
            for (int code = 0; code < 9; code++)
                levels[code] = (sbyte)((plane == 0 ? code / 3 : code % 3) - 1);
            var scales = new Half[matrix.Scales.Length / TritLayout.Planes];
            for (int i = 0; i < scales.Length; i++)
                scales[i] = matrix.Scales.Span[TritLayout.Planes * i + plane];
            parts[plane] = new PanelPart { Levels = levels, Unit = matrix.Unit, Scales = scales };
        }
        return new PanelSource(matrix.Rows, matrix.Columns, 1, matrix.Spec.Width, 4, matrix.Rows, (row, codes) =>
            ReadCodes(matrix, row, codes), parts);
    }

    private static void ReadCodes(TritMatrix matrix, int row, Span<byte> codes)
    {
        using var first = new PooledArray<sbyte>(matrix.Columns);
        using var second = new PooledArray<sbyte>(matrix.Columns);
        matrix.UnpackRow(0, row, first.Span);
        matrix.UnpackRow(1, row, second.Span);
        for (int i = 0; i < matrix.Columns; i++)
            codes[i] = (byte)(3 * first.Span[i] + second.Span[i] + 4);
    }
}
