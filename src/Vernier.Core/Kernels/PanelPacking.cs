using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using Vernier.Packing;

namespace Vernier.Kernels;

/// <summary>The arrays of a packed matrix but for its codes.</summary>
/// <param name="Spec">How it is packed.</param>
/// <param name="Scales">[scale rows, granules].</param>
/// <param name="Zeros">Packed zero points, or empty.</param>
internal sealed record PackedScales(ScalarLayout Spec, ReadOnlyMemory<Half> Scales, ReadOnlyMemory<byte> Zeros);

/// <summary>Rearranges rows of packed codes into a panel.</summary>
internal sealed unsafe class PanelPacking
{
    private readonly PanelMatrix _matrix;
    private readonly PanelPlan _plan;
    private readonly PackedScales _source;
    private readonly PackedRowReader _read;
    private readonly byte[] _packed, _row, _stored;

    /// <summary>Prepares buffers for any number of panels.</summary>
    public PanelPacking(PanelMatrix matrix, PackedScales source, PackedRowReader read)
    {
        (_matrix, _plan, _source, _read) = (matrix, matrix.Plan, source, read);
        _packed = GC.AllocateUninitializedArray<byte>(PanelPlan.PanelRows * _plan.Spec.BytesPerRow);
        _row = GC.AllocateUninitializedArray<byte>(_plan.Spec.Columns);
        _stored = new byte[PanelPlan.PanelRows * 4 * _plan.Quads];
    }

    /// <summary>Fills a panel: rows that are not there have scales of zero.</summary>
    public void Fill(int panel)
    {
        int first = _plan.Row(panel), rows = _plan.Rows(panel), stride = 4 * _plan.Quads, bytes = _plan.Spec.BytesPerRow;
        _read(first, _packed.AsSpan(0, rows * bytes));
        bool straight = _plan.StoredBits == 4 && _plan.IsContiguous && !_matrix.IsDirect && Bmi2.IsSupported;
        for (int r = 0; r < rows; r++)
        {
            FillScales(panel, r, first + r);
            if (straight)
                continue;
            Span<byte> stored = _stored.AsSpan(r * stride, stride);
            Span<byte> codes = _plan.IsContiguous ? stored : _row;
            CodePacking.Unpack(_packed.AsSpan(r * bytes, bytes), _plan.Spec.Bits, codes[.._plan.Spec.Columns]);
            if (_matrix.IsDirect)
                ToLevels(codes, first + r);
            if (!_plan.IsContiguous)
            {
                foreach (Segment segment in _plan.Segments)
                    codes.Slice(segment.Column, segment.Count).CopyTo(stored[(4 * segment.Quad)..]);
            }
        }
        for (int granule = 0; rows < PanelPlan.PanelRows && granule < _plan.Granules; granule++)
        {
            int at = (panel * _plan.Granules + granule) * PanelPlan.PanelRows;
            _matrix.Scales.AsSpan(at + rows, PanelPlan.PanelRows - rows).Clear();
            if (_matrix.Zeros.Length > 0)
                _matrix.Zeros.AsSpan(at + rows, PanelPlan.PanelRows - rows).Clear();
        }
        uint* lines = (uint*)(_matrix.Codes + (long)panel * _plan.PanelBytes);
        if (straight)
        {
            _packed.AsSpan(rows * bytes).Clear();
            fixed (byte* packed = _packed)
                Interleave4(packed, bytes, lines);
            return;
        }
        _stored.AsSpan(rows * stride).Clear();
        fixed (byte* stored = _stored)
            Interleave((uint*)stored, lines);
    }

    /// <summary>
    /// What <see cref="Interleave"/> makes of 4-bit codes, straight from the packed rows: of eight codes in 32 bits the first four go to the low halves of
    /// four bytes, the others to the high halves.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Interleave4(byte* packed, int bytesPerRow, uint* lines)
    {
        int steps = _plan.Quads / 2;
        for (int step = 0; step < steps; step++, packed += 4, lines += PanelPlan.PanelRows)
        {
            for (int r = 0; r < PanelPlan.PanelRows; r++)
            {
                uint codes = Unsafe.ReadUnaligned<uint>(packed + (long)r * bytesPerRow);
                lines[r] = Bmi2.ParallelBitDeposit(codes, 0x0F0F0F0F) | Bmi2.ParallelBitDeposit(codes >> 16, 0xF0F0F0F0);
            }
        }
    }

    private void FillScales(int panel, int r, int row)
    {
        ScalarLayout spec = _plan.Spec;
        int scaleRow = spec.Granularity.GroupColumns < 0 ? 0 : row;
        ReadOnlySpan<Half> scales = _source.Scales.Span.Slice(scaleRow * _plan.Granules, _plan.Granules);
        int at = panel * _plan.Granules * PanelPlan.PanelRows + r;
        for (int granule = 0; granule < scales.Length; granule++, at += PanelPlan.PanelRows)
        {
            _matrix.Scales[at] = BitConverter.HalfToUInt16Bits(scales[granule]);
            if (!spec.ZeroPoints)
                continue;
            int grid = spec.GridOf(row, scales[granule]);
            _matrix.Zeros[at] = _matrix.Levels.Stored[grid * IntegerLevels.Stride + ZeroPoint(scaleRow, granule)];
        }
    }

    private int ZeroPoint(int scaleRow, int granule)
    {
        int bytes = (int)CodePacking.BytesPerRow(_plan.Granules, _plan.Spec.Bits), bit = granule * _plan.Spec.Bits, at = bit >> 3;
        ReadOnlySpan<byte> row = _source.Zeros.Span.Slice(scaleRow * bytes, bytes);
        int word = row[at] | (at + 1 < row.Length ? row[at + 1] << 8 : 0);
        return (word >> (bit & 7)) & ((1 << _plan.Spec.Bits) - 1);
    }

    private void ToLevels(Span<byte> codes, int row)
    {
        ScalarLayout spec = _plan.Spec;
        int width = spec.Granularity.Width(spec.Columns), scaleRow = spec.Granularity.GroupColumns < 0 ? 0 : row;
        ReadOnlySpan<Half> scales = _source.Scales.Span.Slice(scaleRow * _plan.Granules, _plan.Granules);
        for (int granule = 0; granule < scales.Length; granule++)
        {
            int grid = spec.GridOf(row, scales[granule]), first = granule * width;
            ReadOnlySpan<sbyte> levels = _matrix.Levels.Stored.AsSpan(grid * IntegerLevels.Stride, IntegerLevels.Stride);
            Map(codes.Slice(first, Math.Min(width, spec.Columns - first)), MemoryMarshal.Cast<sbyte, byte>(levels), _matrix.Levels.IsConsecutive[grid]);
        }
    }

    /// <summary>codes_i = levels[codes_i]; in registers where levels are codes plus a constant, as in uniform grids.</summary>
    private static void Map(Span<byte> codes, ReadOnlySpan<byte> levels, bool consecutive)
    {
        int i = 0;
        if (consecutive)
        {
            Span<Vector<byte>> vectors = MemoryMarshal.Cast<byte, Vector<byte>>(codes);
            var first = new Vector<byte>(levels[0]);
            for (int v = 0; v < vectors.Length; v++)
                vectors[v] += first;
            i = vectors.Length * Vector<byte>.Count;
        }
        for (; i < codes.Length; i++)
            codes[i] = levels[codes[i]];
    }

    /// <summary>Four bytes at a time, as 32-bit words: word q of row r is its quad q. The formats are documented at <see cref="ICodeFormat"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Interleave(uint* rows, uint* lines)
    {
        const int Line = PanelPlan.PanelRows;
        int stride = _plan.Quads, step = CodeFormats.StepQuads(_plan.StoredBits), stepWords = CodeFormats.StepBytes(_plan.StoredBits) / 4;
        for (int quad = 0; quad < stride; quad += step, lines += stepWords)
        {
            for (int r = 0; r < PanelPlan.PanelRows; r++)
            {
                uint* q = rows + r * stride + quad;
                uint* line = lines + r;
                switch (_plan.StoredBits)
                {
                    case 8:
                        line[0] = q[0];
                        break;
                    case 4:
                        line[0] = q[0] | q[1] << 4;
                        break;
                    case 2:
                        line[0] = q[0] | q[1] << 2 | q[2] << 4 | q[3] << 6;
                        break;
                    case 3:
                        line[0] = q[0] | q[1] << 3 | Bits(q[6], 0, 2) << 6;
                        line[Line] = q[2] | q[3] << 3 | Bits(q[6], 2, 1) << 6 | Bits(q[7], 0, 1) << 7;
                        line[2 * Line] = q[4] | q[5] << 3 | Bits(q[7], 1, 2) << 6;
                        break;
                    case 5:
                        line[0] = q[0] | Bits(q[5], 0, 3) << 5;
                        line[Line] = q[1] | Bits(q[5], 3, 2) << 5 | Bits(q[7], 3, 1) << 7;
                        line[2 * Line] = q[2] | Bits(q[6], 0, 3) << 5;
                        line[3 * Line] = q[3] | Bits(q[6], 3, 2) << 5 | Bits(q[7], 4, 1) << 7;
                        line[4 * Line] = q[4] | Bits(q[7], 0, 3) << 5;
                        break;
                    default:
                        line[0] = q[0] | Bits(q[3], 0, 2) << 6;
                        line[Line] = q[1] | Bits(q[3], 2, 2) << 6;
                        line[2 * Line] = q[2] | Bits(q[3], 4, 2) << 6;
                        break;
                }
            }
        }

        // Some bits of each of four codes.
        static uint Bits(uint codes, int first, int count) => codes >> first & (uint)((1 << count) - 1) * 0x01010101;
    }
}
