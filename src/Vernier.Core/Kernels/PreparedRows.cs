using System.Runtime.InteropServices;
using Vernier.Memory;

namespace Vernier.Kernels;

/// <summary>
/// The rows of a prepared matrix, turned back into weights: so that a table that is looked up in and multiplied with, such as an embedding
/// that is the output
/// layer too, is in memory once.
/// </summary>
/// <param name="weight">The matrix. No column of codes stands for a sum of parts of which one has a minimum.</param>
public sealed unsafe class PreparedRows(PreparedWeight weight)
{
    /// <summary>One row in single precision, without what is added to the codes: each weight is the sum over the parts, rounded once, and
    /// then its minimum.</summary>
    /// <param name="row">From 0.</param>
    /// <param name="destination">Receives a number for each column.</param>
    public void Decode(int row, Span<float> destination)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(row);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(row, weight.Rows);
        PanelPlan plan = weight.Plan;
        using var sumBuffer = new PooledArray<double>(weight.Columns);
        using var codeBuffer = new PooledArray<byte>(4 * plan.Quads);
        Span<double> sums = sumBuffer.Span;
        sums.Clear();
        (int group, int inGroup) = Math.DivRem(row, plan.RowsPerGrid);
        int panel = group * plan.PanelsPerGrid + inGroup / PanelPlan.PanelRows, line = inGroup % PanelPlan.PanelRows;
        PanelMatrix? read = null;
        foreach (PanelMatrix part in weight.Parts)
        {
            if (read is null || read.Address != part.Address)
                ReadCodes((uint*)(part.Codes + (long)panel * plan.PanelBytes) + line, plan, MemoryMarshal.Cast<byte,
                    uint>(codeBuffer.Span));
            read = part;
            Add(part, panel, line, codeBuffer.Span, sums);
        }
        for (int column = 0; column < sums.Length; column++)
            destination[column] = (float)sums[column];
        foreach (PanelMatrix part in weight.Parts)
            AddMinimums(part, panel, line, destination);
    }

    /// <summary>Adds unit * scale * (level - level of the zero point), exactly.</summary>
    private void Add(PanelMatrix part, int panel, int line, ReadOnlySpan<byte> codes, Span<double> sums)
    {
        PanelPlan plan = part.Plan;
        foreach (Segment segment in plan.Segments)
        {
            int at = (panel * plan.Granules + segment.Granule) * PanelPlan.PanelRows + line;
            double scale = part.Unit * (part.Scales.Length > 0 ? (double)BitConverter.UInt16BitsToHalf(part.Scales[at])
                : part.WideScales[at]);
            int origin = part.Zeros.Length > 0 ? part.Zeros[at] : -part.Offset, table = part.Tables == 1 ? 0
                : part.Scales[at] & (part.Tables - 1);
            ReadOnlySpan<sbyte> levels = part.IsDirect ? default
                : part.LookupTables.AsSpan(panel / plan.PanelsPerGrid * part.RowStride + segment.Granule * part.GranuleStride
                    + (table << plan.StoredBits));
            ReadOnlySpan<byte> stored = codes.Slice(4 * segment.Quad, segment.Count);
            for (int i = 0; i < stored.Length; i++)
            {
                int column = (segment.Column + i) * weight.Views + part.View;
                if (column < sums.Length)
                    sums[column] += scale * ((part.IsDirect ? (sbyte)stored[i] : levels[stored[i]]) - origin);
            }
        }
    }

    private void AddMinimums(PanelMatrix part, int panel, int line, Span<float> row)
    {
        PanelPlan plan = part.Plan;
        for (int s = 0; s < plan.Segments.Length && part.Minimums.Length > 0; s++)
        {
            Segment segment = plan.Segments[s];
            float minimum = part.Minimums[(panel * plan.Granules + segment.Granule) * PanelPlan.PanelRows + line];
            for (int i = segment.Column; i < segment.Column + segment.Count && i * weight.Views + part.View < weight.Columns; i++)
                row[i * weight.Views + part.View] += minimum;
        }
    }

    /// <summary>The inverse of <see cref="PanelInterleave"/> for one row: its quads, four codes to a word.</summary>
    private static void ReadCodes(uint* lines, PanelPlan plan, Span<uint> quads)
    {
        const int Line = PanelPlan.PanelRows;
        int bits = plan.StoredBits, step = CodeFormats.StepQuads(bits), stepWords = CodeFormats.StepBytes(bits) / 4;
        for (; !quads.IsEmpty; quads = quads[step..], lines += stepWords)
        {
            if (bits is 8 or 4 or 2)
            {
                for (int q = 0; q < step; q++)
                    quads[q] = Bits(lines[0], bits * q, bits);
                continue;
            }
            for (int q = 0; q < (bits == 3 ? 6 : bits == 5 ? 5 : 3); q++)
                quads[q] = bits == 3 ? Bits(lines[q / 2 * Line], q % 2 * 3, 3) : Bits(lines[q * Line], 0, bits);
            uint a = lines[0], b = lines[Line], c = lines[2 * Line];
            if (bits == 3)
            {
                quads[6] = Bits(a, 6, 2) | Bits(b, 6, 1) << 2;
                quads[7] = Bits(b, 7, 1) | Bits(c, 6, 2) << 1;
            }
            else if (bits == 6)
            {
                quads[3] = Bits(a, 6, 2) | Bits(b, 6, 2) << 2 | Bits(c, 6, 2) << 4;
            }
            else
            {
                uint d = lines[3 * Line], e = lines[4 * Line];
                quads[5] = Bits(a, 5, 3) | Bits(b, 5, 2) << 3;
                quads[6] = Bits(c, 5, 3) | Bits(d, 5, 2) << 3;
                quads[7] = Bits(e, 5, 3) | Bits(b, 7, 1) << 3 | Bits(d, 7, 1) << 4;
            }
        }

        // Some bits of each of four codes.
        static uint Bits(uint codes, int first, int count) => codes >> first & (uint)((1 << count) - 1) * 0x01010101;
    }
}
