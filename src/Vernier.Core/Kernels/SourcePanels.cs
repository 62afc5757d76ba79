using System.Runtime.InteropServices;
using Vernier.Memory;
using Vernier.Numerics;

namespace Vernier.Kernels;

/// <summary>Rearranges the codes and parts of a <see cref="PanelSource"/> into panels.</summary>
internal sealed unsafe class SourcePanels(PanelSource source, IntegerKernel kernel)
{
    private const int PanelsPerTask = 4;

    // Where the kernel looks no bytes up, levels are stored, once for each part.
    private readonly bool _direct = CodeFormats.StoredBits(source.Bits) == 8 && kernel.MostEntries < 256;

    /// <summary>The matrices of the parts, which share their codes where these are looked up.</summary>
    public PanelMatrix[] Create(Workers workers)
    {
        int bits = _direct ? 8 : CodeFormats.StoredBits(source.Bits);
        var plan = new PanelPlan(source.Rows, source.Columns, source.Width, source.RowsPerTable, bits);
        var matrices = new PanelMatrix[source.Parts.Count];
        for (int i = 0; i < matrices.Length; i++)
        {
            bool own = i == 0 || _direct;
            matrices[i] = Create(source.Parts[i], own ? new PanelMatrix(plan) : matrices[0]);
            if (own)
                Fill(matrices[i], source.Parts[i], workers);
        }
        return matrices;
    }

    private PanelMatrix Create(PanelPart part, PanelMatrix codes)
    {
        int stride = part.LevelsPerGranule ? kernel.TableEntries(source.Entries) : IntegerLevels.Stride, tables = _direct ? 1
            : part.Levels.Length / source.Entries;
        // What a kernel takes of the last table may reach beyond it.
        sbyte[] levels = GC.AllocateArray<sbyte>(checked(tables * stride + IntegerLevels.Stride), pinned: true);
        for (int table = 0; table < tables && !_direct; table++)
        {
            for (int i = 0; i < stride; i++)
                levels[table * stride + i] = part.Levels[table * source.Entries + i % source.Entries];
        }
        return new PanelMatrix(codes)
        {
            IsDirect = _direct,
            Unit = part.Unit,
            Scales = InPanels(codes.Plan, MemoryMarshal.Cast<Half, ushort>(part.Scales.Span)),
            WideScales = InPanels(codes.Plan, part.WideScales.Span),
            Zeros = InPanels(codes.Plan, (short[])[.. part.Zeros.ToArray().Select(zero => (short)zero)]),
            Minimums = InPanels(codes.Plan, part.Minimums.Span),
            LookupTables = levels,
            RowStride = _direct ? 0 : part.LevelsPerGranule ? source.Granules * stride : stride,
            GranuleStride = _direct || !part.LevelsPerGranule ? 0 : stride,
            View = part.View,
        };
    }

    private T[] InPanels<T>(PanelPlan plan, ReadOnlySpan<T> rows)
        where T : unmanaged
    {
        if (rows.IsEmpty)
            return [];
        T[] panels = GC.AllocateArray<T>(checked(plan.Panels * plan.Granules * PanelPlan.PanelRows), pinned: true);
        for (int panel = 0; panel < plan.Panels; panel++)
        {
            for (int r = 0; r < plan.Rows(panel); r++)
            {
                ReadOnlySpan<T> line = rows.Slice((plan.Row(panel) + r) * plan.Granules, plan.Granules);
                for (int granule = 0; granule < line.Length; granule++)
                    panels[(panel * plan.Granules + granule) * PanelPlan.PanelRows + r] = line[granule];
            }
        }
        return panels;
    }

    private void Fill(PanelMatrix matrix, PanelPart part, Workers workers)
    {
        PanelPlan plan = matrix.Plan;
        workers.For((plan.Panels + PanelsPerTask - 1) / PanelsPerTask, task =>
        {
            int stride = 4 * plan.Quads;
            using var rowBuffer = new PooledArray<byte>(plan.Columns);
            using var storedBuffer = new PooledArray<byte>(PanelPlan.PanelRows * stride);
            Span<byte> row = rowBuffer.Span, stored = storedBuffer.Span;
            stored.Clear();
            for (int panel = task * PanelsPerTask; panel < Math.Min(plan.Panels, (task + 1) * PanelsPerTask); panel++)
            {
                int rows = plan.Rows(panel);
                for (int r = 0; r < rows; r++)
                {
                    source.Read(plan.Row(panel) + r, row);
                    if (_direct)
                        ToLevels(part, plan.Row(panel) + r, row);
                    foreach (Segment segment in plan.Segments)
                        row.Slice(segment.Column, segment.Count).CopyTo(stored[(r * stride + 4 * segment.Quad)..]);
                }
                stored[(rows * stride)..].Clear();
                Touch.Range<byte>(stored, 0, 4L * PanelPlan.PanelRows * plan.Quads);
                fixed (byte* words = stored)
                    PanelInterleave.Interleave(plan, (uint*)words, (uint*)(matrix.Codes + (long)panel * plan.PanelBytes));
            }
        });
    }

    private void ToLevels(PanelPart part, int row, Span<byte> codes)
    {
        for (int c = 0; c < codes.Length; c++)
            codes[c] = (byte)source.LevelsOf(part, row, c / source.Width)[codes[c]];
    }
}
