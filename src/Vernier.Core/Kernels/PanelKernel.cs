using System.Numerics.Tensors;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace Vernier.Kernels;

/// <summary>Products of quantized activations with panels of a matrix, for one format, lookup and machine.</summary>
internal unsafe interface IPanelKernel
{
    /// <summary>
    /// One token: y_r = sum over segments of float(sum of level * q) * (scale_r * s), in the order of the segments, for the rows of a panel.
    /// </summary>
    /// <param name="matrix">The matrix.</param>
    /// <param name="x">The token.</param>
    /// <param name="panel">The panel.</param>
    /// <param name="end">The panel before which the caller will end: what lies behind is not fetched ahead.</param>
    /// <param name="y">Receives 16 numbers.</param>
    void Generate(PanelMatrix matrix, in RowsView x, int panel, int end, float* y);

    /// <summary>One token times two matrices that share their codes and have one level table a granule: what two calls would give, with each code fetched once.</summary>
    /// <param name="first">The first matrix.</param>
    /// <param name="second">The second.</param>
    /// <param name="x">The token for the first.</param>
    /// <param name="secondX">The token for the second.</param>
    /// <param name="panel">The panel.</param>
    /// <param name="end">The panel before which the caller will end: what lies behind is not fetched ahead.</param>
    /// <param name="y">Receives 16 numbers, and the 16 of the second.</param>
    void GeneratePair(PanelMatrix first, PanelMatrix second, in RowsView x, in RowsView secondX, int panel, int end, float* y);

    /// <summary>The same for the 6 tokens of each of some tiles.</summary>
    /// <param name="matrix">The matrix.</param>
    /// <param name="x">The tokens.</param>
    /// <param name="firstTile">The first tile.</param>
    /// <param name="tiles">The tiles.</param>
    /// <param name="panel">The panel.</param>
    /// <param name="y">Receives [token][16].</param>
    void Prompt(PanelMatrix matrix, in RowsView x, int firstTile, int tiles, int panel, float* y);
}

/// <summary>Where the arrays of <see cref="QuantizedRows"/> lie.</summary>
internal readonly unsafe struct RowsView(int* values, float* scales, int* sums, long tileQuads, int tileSegments)
{
    public int* Values { get; } = values;

    public float* Scales { get; } = scales;

    public int* Sums { get; } = sums;

    public long TileQuads { get; } = tileQuads;

    public int TileSegments { get; } = tileSegments;

    /// <summary>One of several tiles of one token.</summary>
    public RowsView Token(int token) => new(Values + token * TileQuads, Scales + token * TileSegments, Sums + token * TileSegments, TileQuads, TileSegments);
}

/// <inheritdoc cref="IPanelKernel"/>
/// <typeparam name="M">The machine.</typeparam>
/// <typeparam name="V">The register in which it adds products up.</typeparam>
/// <typeparam name="P">Two of these, or one of twice the width, for codes and levels.</typeparam>
/// <typeparam name="L">How codes become levels.</typeparam>
/// <typeparam name="F">How codes share bytes.</typeparam>
internal sealed unsafe class PanelKernel<M, V, P, L, F> : IPanelKernel
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

    /// <summary>How far ahead the codes of one token are fetched: more serves memory that is slow to answer, less memory that is slow to deliver.</summary>
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
                P f = P.Broadcast(0);
                foreach (ref readonly Segment segment in plan.Segments.AsSpan())
                {
                    long at = ((long)panel * granules + segment.Granule) * Rows + half;
                    ushort* halves = allScales + at;
                    short* zeros = allZeros == null ? null : allZeros + at;
                    if (tableStride > 0)
                        lookup = L.Load(tables + (long)segment.Granule * tableStride, M.Bias, tableStride);
                    int* values = x.Values + segment.Quad;
                    byte* stop = step + segment.Quads / stepQuads * stepBytes;
                    P n;
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
                    f = P.AddScaled(f, P.AddInt32(n, Start(offset, zeros, *sums)), allWide == null ? P.LoadHalf(halves, factor) : P.Load((byte*)(allWide + at)), *xScales);
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
                    Tile(matrix, plan.Segments.AsSpan(first, end - first), panel, zeros, levels, scales, values, x.Scales + place, x.Sums + place, target);
                }
            }
        }
    }

    /// <summary>Levels of a chunk, 64 bytes a quad, and scales in single precision; returns the line that follows.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static byte* Expand(PanelMatrix matrix, ReadOnlySpan<Segment> segments, int panel, byte* line, sbyte* tables, byte* levels, float* scales)
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
                    P.Store((byte*)(scales + half), allWide == null ? P.LoadHalf(halves + half, HalfScales.Factor * matrix.Unit) : P.Load((byte*)(allWide + at + half)));
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
    private static void Tile(PanelMatrix matrix, ReadOnlySpan<Segment> segments, int panel, short* zeros, byte* levels, float* scales, int* values, float* xScales, int* sums, float* y)
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
                    P.Store((byte*)(y + half), P.AddScaled(P.Load((byte*)(y + half)), P.Broadcast(sums[token]), P.Load((byte*)(minimum + half)), xScales[token]));
            }
        }
    }

    /// <summary>What is added to the sums of all rows alike: without zero points (offset - bias) times the sum of the activations, else nothing.</summary>
    private static void Starts(PanelMatrix matrix, int count, int* sums, int* starts)
    {
        int factor = matrix.Zeros.Length > 0 ? 0 : matrix.Offset - M.Bias;
        TensorPrimitives.Multiply(new ReadOnlySpan<int>(sums, count), factor, new Span<int>(starts, count));
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

    private struct DotSink(L lookup, int* x) : IQuadSink<P>
    {
        private readonly L _lookup = lookup;
        private int* _x = x;

        public V Low = V.Broadcast(0), High = V.Broadcast(0);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Quad(P codes)
        {
            V activations = V.Broadcast(*_x++);
            P levels = _lookup.Levels(codes);
            Low = M.Dot(Low, levels.Low, activations);
            High = M.Dot(High, levels.High, activations);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Pair(P first, P second)
        {
            P levels = _lookup.Levels(first), next = _lookup.Levels(second);
            V activations = V.Broadcast(_x[0]), following = V.Broadcast(_x[1]);
            Low = V.AddInt32(Low, M.Dot(M.Dot(V.Broadcast(0), levels.Low, activations), next.Low, following));
            High = V.AddInt32(High, M.Dot(M.Dot(V.Broadcast(0), levels.High, activations), next.High, following));
            _x += 2;
        }
    }

    /// <summary>As <see cref="DotSink"/>, where granules choose their table.</summary>
    private struct ChoiceSink(L lookup, int* x, P table) : IQuadSink<P>
    {
        private readonly L _lookup = lookup;
        private readonly P _table = table;
        private int* _x = x;

        public V Low = V.Broadcast(0), High = V.Broadcast(0);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Quad(P codes)
        {
            V activations = V.Broadcast(*_x++);
            P levels = _lookup.Levels(P.Select(CodeMask, codes, _table));
            Low = M.Dot(Low, levels.Low, activations);
            High = M.Dot(High, levels.High, activations);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Pair(P first, P second)
        {
            P levels = _lookup.Levels(P.Select(CodeMask, first, _table)), next = _lookup.Levels(P.Select(CodeMask, second, _table));
            V activations = V.Broadcast(_x[0]), following = V.Broadcast(_x[1]);
            Low = V.AddInt32(Low, M.Dot(M.Dot(V.Broadcast(0), levels.Low, activations), next.Low, following));
            High = V.AddInt32(High, M.Dot(M.Dot(V.Broadcast(0), levels.High, activations), next.High, following));
            _x += 2;
        }
    }

    private struct StoreSink(L lookup, byte* levels, P table) : IQuadSink<P>
    {
        private readonly L _lookup = lookup;
        private readonly P _table = table;
        private byte* _levels = levels;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Quad(P codes)
        {
            P.Store(_levels, _lookup.Levels(P.Select(CodeMask, codes, _table)));
            _levels += PanelPlan.QuadBytes;
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Pair(P first, P second)
        {
            P.Store(_levels, _lookup.Levels(P.Select(CodeMask, first, _table)));
            P.Store(_levels + PanelPlan.QuadBytes, _lookup.Levels(P.Select(CodeMask, second, _table)));
            _levels += 2 * PanelPlan.QuadBytes;
        }
    }
}
