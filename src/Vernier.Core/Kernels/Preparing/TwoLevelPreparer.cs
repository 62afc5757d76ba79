using Vernier.Numerics;
using Vernier.Packing;
using Vernier.Packing.TwoLevel;

namespace Vernier.Kernels.Preparing;

/// <summary>The scale of a group is that of its row times its factor, exactly; its zero point is one of the codes.</summary>
internal sealed class TwoLevelPreparer : SourcePreparer<TwoLevelMatrix>
{
    /// <inheritdoc/>
    public override PanelSource Source(TwoLevelMatrix matrix, Workers workers)
    {
        TwoLevelLayout spec = matrix.Spec;
        var scales = new float[matrix.Factors.Length];
        var zeros = new byte[matrix.Factors.Length];
        workers.For(spec.Rows, row =>
        {
            for (int group = 0; group < spec.Groups; group++)
                scales[row * spec.Groups + group] = matrix.Scale(row) * matrix.Factors.Span[row * spec.Groups + group];
            matrix.UnpackZeros(row, zeros.AsSpan(row * spec.Groups, spec.Groups));
        });
        // Both are counted from the middle, so that 8 bits hold them.
        int bits = Math.Max(2, spec.Bits), middle = 1 << (spec.Bits - 1);
        sbyte[] levels = [.. Enumerable.Range(0, 1 << bits).Select(code => (sbyte)(code - middle))],
            centred = [.. zeros.Select(zero => (sbyte)(zero - middle))];
        return new PanelSource(spec.Rows, spec.Columns, 1, spec.Width, bits, spec.Rows, (row, codes) =>
            ReadCodes(matrix, row, zeros, codes),
            [new PanelPart { Levels = levels, WideScales = scales, Zeros = centred }]);
    }

    // A code beyond what 8 bits hold stands for the last that they do.
    private static void ReadCodes(TwoLevelMatrix matrix, int row, ReadOnlySpan<byte> zeros, Span<byte> codes)
    {
        TwoLevelLayout spec = matrix.Spec;
        CodePacking.Unpack(matrix.Codes.Span.Slice(row * spec.BytesPerRow, spec.BytesPerRow), spec.Bits, codes[..spec.Columns]);
        for (int group = 0; group < spec.Groups; group++)
        {
            int zero = zeros[row * spec.Groups + group], most = TwoLevelLayout.Largest / matrix.Factors.Span[row * spec.Groups + group];
            if (most >= 1 << spec.Bits)
                continue;
            foreach (ref byte code in codes[(group * spec.Width)..Math.Min(spec.Columns, (group + 1) * spec.Width)])
                code = (byte)Math.Clamp(code, zero - most, zero + most);
        }
    }
}
