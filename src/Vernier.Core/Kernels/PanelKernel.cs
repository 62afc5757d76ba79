using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace Vernier.Kernels;

/// <inheritdoc cref="IPanelKernel"/>
/// <typeparam name="M">The machine.</typeparam>
/// <typeparam name="V">The register in which it adds products up.</typeparam>
/// <typeparam name="P">Two of these, or one of twice the width, for codes and levels.</typeparam>
/// <typeparam name="L">How codes become levels.</typeparam>
/// <typeparam name="F">How codes share bytes.</typeparam>
internal sealed unsafe partial class PanelKernel<M, V, P, L, F> : IPanelKernel
    where M : struct, IDotMachine<V>
    where V : struct, IByteVector<V>
    where P : struct, IRegisterPair<P, V>
    where L : struct, ILevelLookup<L, P>
    where F : struct, ICodeFormat
{
    private const int Rows = PanelPlan.PanelRows;

    /// <summary>Quads of a panel that are expanded at a time: 16 KiB, which stay in the first cache while the tokens pass by.</summary>
    private const int ChunkQuads = 256;

    private const int ChunkSegments = 64;

    /// <summary>How far ahead the codes of one token are fetched: more serves memory that is slow to answer, less memory that is slow to
    /// deliver.</summary>
    private const int AheadBytes = 6144;

    private static byte CodeMask
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => (byte)((1 << F.Bits) - 1);
    }

    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Generate(PanelMatrix matrix, in RowsView x, int panel, int end, float* y)
    {
        PanelPlan plan = matrix.Plan;
        int stepQuads = CodeFormats.StepQuads(F.Bits), stepBytes = CodeFormats.StepBytes(F.Bits);
        float factor = HalfScales.Factor * matrix.Unit;
        int offset = matrix.Offset, tableCount = matrix.Tables, granules = plan.Granules, tableStride = matrix.GranuleStride;
        fixed (ushort* allScales = matrix.Scales)
        fixed (float* allWide = matrix.WideScales, allMinimums = matrix.Minimums)
        fixed (short* allZeros = matrix.Zeros)
        fixed (sbyte* tables = &matrix.LookupTables[panel / plan.PanelsPerGrid * matrix.RowStride])
        {
            L lookup = L.Load(tables, M.Bias, IntegerLevels.Stride);
            for (int half = 0; half < Rows; half += P.Rows)
            {
                byte* step = matrix.Codes + (long)panel * plan.PanelBytes + 4 * half, limit = matrix.Codes + (long)end * plan.PanelBytes;
                int* sums = x.Sums;
                float* xScales = x.Scales;
                P f = P.Broadcast(0), n;
                foreach (ref readonly Segment segment in plan.Segments.AsSpan())
                {
                    long at = ((long)panel * granules + segment.Granule) * Rows + half;
                    ushort* halves = allScales + at;
                    short* zeros = allZeros == null ? null : allZeros + at;
                    if (tableStride > 0)
                        lookup = L.Load(tables + (long)segment.Granule * tableStride, M.Bias, tableStride);
                    int* values = x.Values + segment.Quad;
                    byte* stop = step + segment.Quads / stepQuads * stepBytes;
                    if (tableCount == 1)
                    {
                        var sink = new DotSink(lookup, values);
                        for (; step < stop; step += stepBytes)
                        {
                            FetchAhead(step, limit);
                            F.Step<P, DotSink>(step, ref sink);
                        }
                        n = P.Join(sink.Low, sink.High);
                    }
                    else
                    {
                        var sink = new ChoiceSink(lookup, values, Table(matrix, halves));
                        for (; step < stop; step += stepBytes)
                        {
                            FetchAhead(step, limit);
                            F.Step<P, ChoiceSink>(step, ref sink);
                        }
                        n = P.Join(sink.Low, sink.High);
                    }
                    f = P.AddScaled(f, P.AddInt32(n, Start(offset, zeros, *sums)), allWide == null ? P.LoadHalf(halves, factor)
                        : P.Load((byte*)(allWide + at)), *xScales);
                    if (allMinimums != null)
                        f = P.AddScaled(f, P.Broadcast(*sums), P.Load((byte*)(allMinimums + at)), *xScales);
                    sums++;
                    xScales++;
                }
                P.Store((byte*)(y + half), f);
            }
        }
    }

    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void GeneratePair(PanelMatrix first, PanelMatrix second, in RowsView x, in RowsView secondX, int panel, int end, float* y)
    {
        PanelPlan plan = first.Plan;
        int stepQuads = CodeFormats.StepQuads(F.Bits), stepBytes = CodeFormats.StepBytes(F.Bits), grid = panel / plan.PanelsPerGrid;
        int tableStride = first.GranuleStride, secondStride = second.GranuleStride;
        fixed (sbyte* tables = &first.LookupTables[grid * first.RowStride], secondTables = &second.LookupTables[grid * second.RowStride])
        {
            L lookup = L.Load(tables, M.Bias, IntegerLevels.Stride), secondLookup = L.Load(secondTables, M.Bias, IntegerLevels.Stride);
            for (int half = 0; half < Rows; half += P.Rows)
            {
                byte* step = first.Codes + (long)panel * plan.PanelBytes + 4 * half, limit = first.Codes + (long)end * plan.PanelBytes;
                P f = P.Broadcast(0), g = P.Broadcast(0);
                for (int i = 0; i < plan.Segments.Length; i++)
                {
                    ref readonly Segment segment = ref plan.Segments[i];
                    if (tableStride > 0)
                        lookup = L.Load(tables + (long)segment.Granule * tableStride, M.Bias, tableStride);
                    if (secondStride > 0)
                        secondLookup = L.Load(secondTables + (long)segment.Granule * secondStride, M.Bias, secondStride);
                    byte* stop = step + segment.Quads / stepQuads * stepBytes;
                    var sink = new DotSink(lookup, x.Values + segment.Quad);
                    var secondSink = new DotSink(secondLookup, secondX.Values + segment.Quad);
                    for (; step < stop; step += stepBytes)
                    {
                        FetchAhead(step, limit);
                        F.Step<P, DotSink>(step, ref sink);
                        F.Step<P, DotSink>(step, ref secondSink);
                    }
                    long at = ((long)panel * plan.Granules + segment.Granule) * Rows + half;
                    f = AddSegment(f, first, P.Join(sink.Low, sink.High), at, x.Sums[i], x.Scales[i]);
                    g = AddSegment(g, second, P.Join(secondSink.Low, secondSink.High), at, secondX.Sums[i], secondX.Scales[i]);
                }
                P.Store((byte*)(y + half), f);
                P.Store((byte*)(y + Rows + half), g);
            }
        }
    }

    /// <summary>f + float(n) (scale s), and where there is a minimum + float(sum q) (minimum s).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static P AddSegment(P f, PanelMatrix matrix, P n, long at, int sum, float s)
    {
        fixed (ushort* halves = matrix.Scales)
        fixed (float* wide = matrix.WideScales, minimums = matrix.Minimums)
        fixed (short* zeros = matrix.Zeros)
        {
            P scale = wide == null ? P.LoadHalf(halves + at, HalfScales.Factor * matrix.Unit) : P.Load((byte*)(wide + at));
            f = P.AddScaled(f, P.AddInt32(n, Start(matrix.Offset, zeros == null ? null : zeros + at, sum)), scale, s);
            return minimums == null ? f : P.AddScaled(f, P.Broadcast(sum), P.Load((byte*)(minimums + at)), s);
        }
    }

    /// <summary>
    /// Fetches what the step some pages ahead will read, past the prefetcher of the processor, which stops at the border of a page, and
    /// marked as read once, so that it doesn't drive the activations out of the first cache.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void FetchAhead(byte* step, byte* limit)
    {
        if (!Sse.IsSupported)
            return;
        int lines = CodeFormats.StepBytes(F.Bits) / PanelPlan.QuadBytes;
        byte* ahead = step + AheadBytes;
        if (ahead >= limit)
            return;
        Sse.PrefetchNonTemporal(ahead);
        if (lines > 1)
        {
            Sse.PrefetchNonTemporal(ahead + PanelPlan.QuadBytes);
            Sse.PrefetchNonTemporal(ahead + 2 * PanelPlan.QuadBytes);
        }
        if (lines > 3)
        {
            Sse.PrefetchNonTemporal(ahead + 3 * PanelPlan.QuadBytes);
            Sse.PrefetchNonTemporal(ahead + 4 * PanelPlan.QuadBytes);
        }
    }

    /// <summary>What is added to a sum: (offset - bias - level of the zero point) times the sum of the activations.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static P Start(int offset, short* zeros, int sum)
    {
        if (zeros == null)
            return P.MultiplyInt32(P.Broadcast(sum), P.Broadcast(offset - M.Bias));
        return P.MultiplyInt32(P.AddInt32(P.LoadInt16(zeros), P.Broadcast(M.Bias)), P.Broadcast(-sum));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (V Low, V High) Halves(P pair) => (pair.Low, pair.High);

    /// <summary>The number of the table that each row's granule chose, above the bits of a code, in all bytes of the row's lane.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static P Table(PanelMatrix matrix, ushort* halves) => matrix.Tables == 1
        ? P.Broadcast(0)
        : P.MultiplyInt32(P.And(P.LoadInt16((short*)halves), P.Broadcast(matrix.Tables - 1)), P.Broadcast(0x01010101 << F.Bits));
}
