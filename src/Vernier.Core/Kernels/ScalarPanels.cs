using System.Numerics;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using Vernier.Memory;
using Vernier.Numerics;
using Vernier.Packing;
using Vernier.Packing.Scalar;

namespace Vernier.Kernels;

/// <summary>Rearranges a matrix of a scalar layout into panels.</summary>
internal sealed unsafe class ScalarPanels : IDisposable
{
    private readonly ScalarLayout _spec;
    private readonly PanelMatrix _matrix;
    private readonly PanelPlan _plan;
    private readonly IntegerLevels _levels;
    private readonly PackedScales _source;
    private readonly PackedRowReader _read;
    private readonly PooledArray<byte> _packed, _row, _stored;

    // Codes of 4 bits that lie side by side need no bytes of their own.
    private readonly bool _straight;

    // Buffers for any number of panels.
    private ScalarPanels(PanelMatrix matrix, IntegerLevels levels, PackedScales source, PackedRowReader read)
    {
        (_spec, _matrix, _plan, _levels, _source, _read) = (source.Spec, matrix, matrix.Plan, levels, source, read);
        _straight = _plan.StoredBits == 4 && _plan.IsContiguous && !_matrix.IsDirect && Bmi2.IsSupported;
        _packed = new PooledArray<byte>(PanelPlan.PanelRows * _spec.BytesPerRow);
        _row = new PooledArray<byte>(_plan.IsContiguous ? 0 : _spec.Columns);
        _stored = new PooledArray<byte>(_straight ? 0 : PanelPlan.PanelRows * 4 * _plan.Quads);
        // Between segments there are columns that no row fills.
        _stored.Span.Clear();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _packed.Dispose();
        _row.Dispose();
        _stored.Dispose();
    }

    /// <summary>Rearranges a matrix, panels in parallel.</summary>
    /// <param name="plan">The cut.</param>
    /// <param name="levels">The integers of the codes.</param>
    /// <param name="isDirect">Whether to store levels rather than codes.</param>
    /// <param name="source">The source without its codes.</param>
    /// <param name="read">Reads the codes.</param>
    /// <param name="workers">The threads.</param>
    public static PanelMatrix Create(PanelPlan plan, IntegerLevels levels, bool isDirect, PackedScales source, PackedRowReader read,
        Workers workers)
    {
        ScalarLayout spec = source.Spec;
        int scales = checked(plan.Panels * plan.Granules * PanelPlan.PanelRows);
        var matrix = new PanelMatrix(plan)
        {
            IsDirect = isDirect,
            Offset = levels.Offset,
            Unit = levels.Unit,
            Scales = GC.AllocateUninitializedArray<ushort>(scales, pinned: true),
            Zeros = spec.ZeroPoints ? GC.AllocateUninitializedArray<short>(scales, pinned: true) : [],
            Tables = isDirect ? 1 : spec.Tables,
            LookupTables = LookupTables(spec, levels, isDirect),
            RowStride = IntegerLevels.Stride,
        };
        const int PanelsPerTask = 4;
        workers.For((plan.Panels + PanelsPerTask - 1) / PanelsPerTask, task =>
        {
            using var panels = new ScalarPanels(matrix, levels, source, read);
            for (int panel = task * PanelsPerTask; panel < Math.Min(plan.Panels, (task + 1) * PanelsPerTask); panel++)
                panels.Fill(panel);
        });
        return matrix;
    }

    /// <summary>The same codes and scales with other levels; there are no zero points.</summary>
    public static PanelMatrix WithLevels(PanelMatrix matrix, ScalarLayout spec, IntegerLevels levels) => new(matrix)
    {
        Offset = levels.Offset,
        Unit = levels.Unit,
        Scales = matrix.Scales,
        Tables = matrix.Tables,
        LookupTables = LookupTables(spec, levels, isDirect: false),
        RowStride = IntegerLevels.Stride,
    };

    private static sbyte[] LookupTables(ScalarLayout spec, IntegerLevels levels, bool isDirect)
    {
        int codes = 1 << spec.Bits, tables = spec.Tables;
        sbyte[] lookup = GC.AllocateArray<sbyte>(spec.Grids / tables * IntegerLevels.Stride, pinned: true);
        if (isDirect)
            return lookup;
        for (int grid = 0; grid < spec.Grids; grid++)
            levels.Stored.AsSpan(grid * IntegerLevels.Stride, codes)
                .CopyTo(lookup.AsSpan(grid / tables * IntegerLevels.Stride + grid % tables * codes));
        for (int first = 0; first < lookup.Length; first += IntegerLevels.Stride)
        {
            for (int i = tables * codes; i < IntegerLevels.Stride; i++)
                lookup[first + i] = lookup[first + i - tables * codes];
        }
        return lookup;
    }

    /// <summary>Fills a panel: rows that are not there have scales of zero.</summary>
    private void Fill(int panel)
    {
        int first = _plan.Row(panel), rows = _plan.Rows(panel), stride = 4 * _plan.Quads, bytes = _spec.BytesPerRow;
        Span<byte> packedRows = _packed.Span, storedRows = _stored.Span;
        _read(first, packedRows[..(rows * bytes)]);
        for (int r = 0; r < rows; r++)
        {
            FillScales(panel, r, first + r);
            if (_straight)
                continue;
            Span<byte> stored = storedRows.Slice(r * stride, stride);
            Span<byte> codes = _plan.IsContiguous ? stored : _row.Span;
            CodePacking.Unpack(packedRows.Slice(r * bytes, bytes), _spec.Bits, codes[.._spec.Columns]);
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
        if (_straight)
        {
            packedRows[(rows * bytes)..].Clear();
            Touch.Range<byte>(packedRows, 0, PanelPlan.PanelRows * bytes);
            fixed (byte* packed = packedRows)
                PanelInterleave.Interleave4(_plan, packed, bytes, lines);
            return;
        }
        storedRows[(rows * stride)..].Clear();
        Touch.Range<byte>(storedRows, 0, 4L * PanelPlan.PanelRows * _plan.Quads);
        fixed (byte* stored = storedRows)
            PanelInterleave.Interleave(_plan, (uint*)stored, lines);
    }

    private void FillScales(int panel, int r, int row)
    {
        int scaleRow = _spec.Granularity.GroupColumns < 0 ? 0 : row;
        ReadOnlySpan<Half> scales = _source.Scales.Span.Slice(scaleRow * _plan.Granules, _plan.Granules);
        int at = panel * _plan.Granules * PanelPlan.PanelRows + r;
        for (int granule = 0; granule < scales.Length; granule++, at += PanelPlan.PanelRows)
        {
            _matrix.Scales[at] = BitConverter.HalfToUInt16Bits(scales[granule]);
            if (!_spec.ZeroPoints)
                continue;
            int grid = _spec.GridOf(row, scales[granule]);
            _matrix.Zeros[at] = _levels.Stored[grid * IntegerLevels.Stride + ZeroPoint(scaleRow, granule)];
        }
    }

    private int ZeroPoint(int scaleRow, int granule)
    {
        int bytes = (int)CodePacking.BytesPerRow(_plan.Granules, _spec.Bits), bit = granule * _spec.Bits, at = bit >> 3;
        ReadOnlySpan<byte> row = _source.Zeros.Span.Slice(scaleRow * bytes, bytes);
        int word = row[at] | (at + 1 < row.Length ? row[at + 1] << 8 : 0);
        return (word >> (bit & 7)) & ((1 << _spec.Bits) - 1);
    }

    private void ToLevels(Span<byte> codes, int row)
    {
        int width = _spec.Granularity.Width(_spec.Columns), scaleRow = _spec.Granularity.GroupColumns < 0 ? 0 : row;
        ReadOnlySpan<Half> scales = _source.Scales.Span.Slice(scaleRow * _plan.Granules, _plan.Granules);
        for (int granule = 0; granule < scales.Length; granule++)
        {
            int grid = _spec.GridOf(row, scales[granule]), first = granule * width;
            ReadOnlySpan<sbyte> levels = _levels.Stored.AsSpan(grid * IntegerLevels.Stride, IntegerLevels.Stride);
            Map(codes.Slice(first, Math.Min(width, _spec.Columns - first)), MemoryMarshal.Cast<sbyte, byte>(levels),
                _levels.IsConsecutive[grid]);
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
}
