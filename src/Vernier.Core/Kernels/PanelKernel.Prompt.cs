using System.Numerics.Tensors;
using System.Runtime.CompilerServices;

namespace Vernier.Kernels;

/// <content>Many tokens: panels are expanded once, and tiles of six tokens pass by.</content>
internal sealed unsafe partial class PanelKernel<M, V, P, L, F> : IPanelKernel
{
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Prompt(PanelMatrix matrix, in RowsView x, int firstTile, int tiles, int panel, float* y)
    {
        PanelPlan plan = matrix.Plan;
        byte* memory = stackalloc byte[ChunkQuads * PanelPlan.QuadBytes + 64];
        byte* levels = (byte*)(((nint)memory + 63) & ~63);
        float* scales = stackalloc float[ChunkSegments * Rows];
        new Span<float>(y, tiles * QuantizedRows.TileTokens * Rows).Clear();
        byte* line = matrix.Codes + (long)panel * plan.PanelBytes;
        fixed (sbyte* tables = &matrix.LookupTables[panel / plan.PanelsPerGrid * matrix.RowStride])
        fixed (short* zeros = matrix.Zeros)
        {
            for (int first = 0, end; first < plan.Segments.Length; first = end)
            {
                end = first;
                int quads = 0;
                while (end < plan.Segments.Length && end - first < ChunkSegments && quads + plan.Segments[end].Quads <= ChunkQuads)
                    quads += plan.Segments[end++].Quads;
                line = Expand(matrix, plan.Segments.AsSpan(first, end - first), panel, line, tables, levels, scales);
                for (int tile = firstTile; tile < firstTile + tiles; tile++)
                {
                    float* target = y + (tile - firstTile) * QuantizedRows.TileTokens * Rows;
                    long place = (long)tile * x.TileSegments + first * QuantizedRows.TileTokens;
                    int* values = x.Values + tile * x.TileQuads + (long)plan.Segments[first].Quad * QuantizedRows.TileTokens;
                    Tile(matrix, plan.Segments.AsSpan(first, end - first), panel, zeros, levels, scales, values, x.Scales + place,
                        x.Sums + place, target);
                }
            }
        }
    }

    /// <summary>Levels of a chunk, 64 bytes a quad, and scales in single precision; returns the line that follows.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static byte* Expand(PanelMatrix matrix, ReadOnlySpan<Segment> segments, int panel, byte* line, sbyte* tables, byte* levels,
        float* scales)
    {
        int stepQuads = CodeFormats.StepQuads(F.Bits), stepBytes = CodeFormats.StepBytes(F.Bits);
        L lookup = L.Load(tables, M.Bias, IntegerLevels.Stride);
        fixed (ushort* allScales = matrix.Scales)
        fixed (float* allWide = matrix.WideScales)
        {
            foreach (ref readonly Segment segment in segments)
            {
                long at = ((long)panel * matrix.Plan.Granules + segment.Granule) * Rows;
                ushort* halves = allScales + at;
                if (matrix.GranuleStride > 0)
                    lookup = L.Load(tables + (long)segment.Granule * matrix.GranuleStride, M.Bias, matrix.GranuleStride);
                for (int half = 0; half < Rows; half += P.Rows)
                {
                    P.Store((byte*)(scales + half), allWide == null ? P.LoadHalf(halves + half, HalfScales.Factor * matrix.Unit)
                        : P.Load((byte*)(allWide + at + half)));
                    var sink = new StoreSink(lookup, levels + 4 * half, Table(matrix, halves + half));
                    byte* step = line + 4 * half;
                    for (int quad = 0; quad < segment.Quads; quad += stepQuads, step += stepBytes)
                        F.Step<P, StoreSink>(step, ref sink);
                }
                scales += Rows;
                levels += segment.Quads * PanelPlan.QuadBytes;
                line += segment.Quads / stepQuads * stepBytes;
            }
        }
        return line;
    }

    /// <summary>
    /// The register tile: 2 registers of rows by 6 tokens, 12 sums. A quad costs 2 loads of weights and 6 broadcasts for 12 instructions of
    /// four products in every lane.
    /// </summary>
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile(PanelMatrix matrix, ReadOnlySpan<Segment> segments, int panel, short* zeros, byte* levels, float* scales,
        int* values, float* xScales, int* sums, float* y)
    {
        int offset = matrix.Offset;
        int* starts = stackalloc int[ChunkSegments * QuantizedRows.TileTokens];
        Starts(matrix, segments.Length * QuantizedRows.TileTokens, sums, starts);
        foreach (ref readonly Segment segment in segments)
        {
            short* zero = zeros != null ? zeros + ((long)panel * matrix.Plan.Granules + segment.Granule) * Rows : null;
            for (int half = 0; half < Rows; half += P.Rows)
            {
                V a0 = V.Broadcast(0), a1 = a0, a2 = a0, a3 = a0, a4 = a0, a5 = a0, b0 = a0, b1 = a0, b2 = a0, b3 = a0, b4 = a0, b5 = a0;
                if (zero != null)
                {
                    (a0, b0) = Halves(Start(offset, zero + half, sums[0]));
                    (a1, b1) = Halves(Start(offset, zero + half, sums[1]));
                    (a2, b2) = Halves(Start(offset, zero + half, sums[2]));
                    (a3, b3) = Halves(Start(offset, zero + half, sums[3]));
                    (a4, b4) = Halves(Start(offset, zero + half, sums[4]));
                    (a5, b5) = Halves(Start(offset, zero + half, sums[5]));
                }
                byte* level = levels + 4 * half;
                int* value = values;
                for (int quad = 0; quad < segment.Quads; quad++, level += PanelPlan.QuadBytes, value += QuantizedRows.TileTokens)
                {
                    V low = V.Load(level), high = V.Load(level + 4 * V.Rows);
                    V x = V.Broadcast(value[0]);
                    a0 = M.Dot(a0, low, x);
                    b0 = M.Dot(b0, high, x);
                    x = V.Broadcast(value[1]);
                    a1 = M.Dot(a1, low, x);
                    b1 = M.Dot(b1, high, x);
                    x = V.Broadcast(value[2]);
                    a2 = M.Dot(a2, low, x);
                    b2 = M.Dot(b2, high, x);
                    x = V.Broadcast(value[3]);
                    a3 = M.Dot(a3, low, x);
                    b3 = M.Dot(b3, high, x);
                    x = V.Broadcast(value[4]);
                    a4 = M.Dot(a4, low, x);
                    b4 = M.Dot(b4, high, x);
                    x = V.Broadcast(value[5]);
                    a5 = M.Dot(a5, low, x);
                    b5 = M.Dot(b5, high, x);
                }
                M.AddScaled(y + half, starts, scales + half, xScales, a0, b0, a1, b1, a2, b2, a3, b3, a4, b4, a5, b5);
            }
            if (matrix.Minimums.Length > 0)
                AddMinimums(y, ref matrix.Minimums[((long)panel * matrix.Plan.Granules + segment.Granule) * Rows], sums, xScales);
            levels += segment.Quads * PanelPlan.QuadBytes;
            values += segment.Quads * QuantizedRows.TileTokens;
            scales += Rows;
            xScales += QuantizedRows.TileTokens;
            sums += QuantizedRows.TileTokens;
            starts += QuantizedRows.TileTokens;
        }
    }

    /// <summary>y += minimum * (the sum of the activations) for the tokens of a tile.</summary>
    private static void AddMinimums(float* y, ref float minimums, int* sums, float* xScales)
    {
        fixed (float* minimum = &minimums)
        {
            for (int token = 0; token < QuantizedRows.TileTokens; token++, y += Rows)
            {
                for (int half = 0; half < Rows; half += P.Rows)
                    P.Store((byte*)(y + half), P.AddScaled(P.Load((byte*)(y + half)), P.Broadcast(sums[token]),
                        P.Load((byte*)(minimum + half)), xScales[token]));
            }
        }
    }

    /// <summary>What is added to the sums of all rows alike: without zero points (offset - bias) times the sum of the activations, else
    /// nothing.</summary>
    private static void Starts(PanelMatrix matrix, int count, int* sums, int* starts)
    {
        int factor = matrix.Zeros.Length > 0 ? 0 : matrix.Offset - M.Bias;
        TensorPrimitives.Multiply(new ReadOnlySpan<int>(sums, count), factor, new Span<int>(starts, count));
    }
}
