using System.Numerics.Tensors;
using System.Runtime.CompilerServices;

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
    /// <param name="y">Receives 16 numbers.</param>
    void Generate(PanelMatrix matrix, in RowsView x, int panel, float* y);

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
/// <typeparam name="V">Its register.</typeparam>
/// <typeparam name="L">How codes become levels.</typeparam>
/// <typeparam name="F">How codes share bytes.</typeparam>
internal sealed unsafe class PanelKernel<M, V, L, F> : IPanelKernel
    where M : struct, IDotMachine<V>
    where V : struct, IByteVector<V>
    where L : struct, ILevelLookup<L, V>
    where F : struct, ICodeFormat
{
    private const int Rows = PanelPlan.PanelRows;

    /// <summary>Quads of a panel that are expanded at a time: 16 KiB, which stay in the first cache while the tokens pass by.</summary>
    private const int ChunkQuads = 256;

    private const int ChunkSegments = 64;

    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Generate(PanelMatrix matrix, in RowsView x, int panel, float* y)
    {
        PanelPlan plan = matrix.Plan;
        int stepQuads = CodeFormats.StepQuads(F.Bits), stepBytes = CodeFormats.StepBytes(F.Bits);
        float factor = HalfScales.Factor * matrix.Levels.Unit;
        int offset = matrix.Levels.Offset, tableCount = matrix.Tables, granules = plan.Granules;
        bool hasZeros = plan.Spec.ZeroPoints;
        fixed (ushort* allScales = matrix.Scales)
        fixed (short* allZeros = matrix.Zeros)
        fixed (sbyte* tables = &matrix.LookupTables[panel / plan.PanelsPerGrid * IntegerLevels.Stride])
        {
            L lookup = L.Load(tables, M.Bias);
            for (int half = 0; half < Rows; half += 2 * V.Rows)
            {
                byte* step = matrix.Codes + (long)panel * plan.PanelBytes + 4 * half;
                int* sums = x.Sums;
                float* xScales = x.Scales;
                V low = V.Broadcast(0), high = low;
                foreach (ref readonly Segment segment in plan.Segments.AsSpan())
                {
                    long at = ((long)panel * granules + segment.Granule) * Rows + half;
                    ushort* halves = allScales + at;
                    short* zeros = hasZeros ? allZeros + at : null;
                    int* values = x.Values + segment.Quad;
                    byte* end = step + segment.Quads / stepQuads * stepBytes;
                    V start = Start(offset, zeros, *sums), next = zeros == null ? start : Start(offset, zeros + V.Rows, *sums);
                    if (tableCount == 1)
                    {
                        var sink = new DotSink(lookup, values, start, next);
                        for (; step < end; step += stepBytes)
                            F.Step<RegisterPair<V>, DotSink>(step, ref sink);
                        low = V.AddScaled(low, sink.Low, V.LoadHalf(halves, factor), *xScales);
                        high = V.AddScaled(high, sink.High, V.LoadHalf(halves + V.Rows, factor), *xScales);
                    }
                    else
                    {
                        var sink = new ChoiceSink(lookup, values, start, next, Table(matrix, halves), Table(matrix, halves + V.Rows));
                        for (; step < end; step += stepBytes)
                            F.Step<RegisterPair<V>, ChoiceSink>(step, ref sink);
                        low = V.AddScaled(low, sink.Low, V.LoadHalf(halves, factor), *xScales);
                        high = V.AddScaled(high, sink.High, V.LoadHalf(halves + V.Rows, factor), *xScales);
                    }
                    sums++;
                    xScales++;
                }
                V.Store((byte*)(y + half), low);
                V.Store((byte*)(y + half + V.Rows), high);
            }
        }
    }

    [SkipLocalsInit]
    public void Prompt(PanelMatrix matrix, in RowsView x, int firstTile, int tiles, int panel, float* y)
    {
        PanelPlan plan = matrix.Plan;
        byte* memory = stackalloc byte[ChunkQuads * PanelPlan.QuadBytes + 64];
        byte* levels = (byte*)(((nint)memory + 63) & ~63);
        float* scales = stackalloc float[ChunkSegments * Rows];
        new Span<float>(y, tiles * QuantizedRows.TileTokens * Rows).Clear();
        byte* line = matrix.Codes + (long)panel * plan.PanelBytes;
        fixed (sbyte* tables = &matrix.LookupTables[panel / plan.PanelsPerGrid * IntegerLevels.Stride])
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
    private static byte* Expand(PanelMatrix matrix, ReadOnlySpan<Segment> segments, int panel, byte* line, sbyte* tables, byte* levels, float* scales)
    {
        int stepQuads = CodeFormats.StepQuads(F.Bits), stepBytes = CodeFormats.StepBytes(F.Bits);
        L lookup = L.Load(tables, M.Bias);
        fixed (ushort* allScales = matrix.Scales)
        {
            foreach (ref readonly Segment segment in segments)
            {
                ushort* halves = allScales + ((long)panel * matrix.Plan.Granules + segment.Granule) * Rows;
                for (int slice = 0; slice < Rows; slice += V.Rows)
                {
                    V.Store((byte*)(scales + slice), V.LoadHalf(halves + slice, HalfScales.Factor * matrix.Levels.Unit));
                    var sink = new StoreSink(lookup, levels + 4 * slice, Table(matrix, halves + slice));
                    byte* step = line + 4 * slice;
                    for (int quad = 0; quad < segment.Quads; quad += stepQuads, step += stepBytes)
                        F.Step<V, StoreSink>(step, ref sink);
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
        int offset = matrix.Levels.Offset;
        int* starts = stackalloc int[ChunkSegments * QuantizedRows.TileTokens];
        Starts(matrix, segments.Length * QuantizedRows.TileTokens, sums, starts);
        foreach (ref readonly Segment segment in segments)
        {
            short* zero = matrix.Plan.Spec.ZeroPoints ? zeros + ((long)panel * matrix.Plan.Granules + segment.Granule) * Rows : null;
            for (int half = 0; half < Rows; half += 2 * V.Rows)
            {
                V a0 = V.Broadcast(0), a1 = a0, a2 = a0, a3 = a0, a4 = a0, a5 = a0, b0 = a0, b1 = a0, b2 = a0, b3 = a0, b4 = a0, b5 = a0;
                if (zero != null)
                {
                    a0 = Start(offset, zero + half, sums[0]);
                    b0 = Start(offset, zero + half + V.Rows, sums[0]);
                    a1 = Start(offset, zero + half, sums[1]);
                    b1 = Start(offset, zero + half + V.Rows, sums[1]);
                    a2 = Start(offset, zero + half, sums[2]);
                    b2 = Start(offset, zero + half + V.Rows, sums[2]);
                    a3 = Start(offset, zero + half, sums[3]);
                    b3 = Start(offset, zero + half + V.Rows, sums[3]);
                    a4 = Start(offset, zero + half, sums[4]);
                    b4 = Start(offset, zero + half + V.Rows, sums[4]);
                    a5 = Start(offset, zero + half, sums[5]);
                    b5 = Start(offset, zero + half + V.Rows, sums[5]);
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
            levels += segment.Quads * PanelPlan.QuadBytes;
            values += segment.Quads * QuantizedRows.TileTokens;
            scales += Rows;
            xScales += QuantizedRows.TileTokens;
            sums += QuantizedRows.TileTokens;
            starts += QuantizedRows.TileTokens;
        }
    }

    /// <summary>What is added to the sums of all rows alike: without zero points (offset - bias) times the sum of the activations, else nothing.</summary>
    private static void Starts(PanelMatrix matrix, int count, int* sums, int* starts)
    {
        int factor = matrix.Plan.Spec.ZeroPoints ? 0 : matrix.Levels.Offset - M.Bias;
        TensorPrimitives.Multiply(new ReadOnlySpan<int>(sums, count), factor, new Span<int>(starts, count));
    }

    /// <summary>What a sum begins with: (offset - bias - level of the zero point) times the sum of the activations.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V Start(int offset, short* zeros, int sum)
    {
        if (zeros == null)
            return V.MultiplyInt32(V.Broadcast(sum), V.Broadcast(offset - M.Bias));
        return V.MultiplyInt32(V.AddInt32(V.LoadInt16(zeros), V.Broadcast(M.Bias)), V.Broadcast(-sum));
    }

    /// <summary>The number of the table that each row's granule chose, above the bits of a code, in all bytes of the row's lane.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V Table(PanelMatrix matrix, ushort* halves) => matrix.Tables == 1
        ? V.Broadcast(0)
        : V.MultiplyInt32(V.And(V.LoadInt16((short*)halves), V.Broadcast(matrix.Tables - 1)), V.Broadcast(0x01010101 << F.Bits));

    private struct DotSink(L lookup, int* x, V low, V high) : IQuadSink<RegisterPair<V>>
    {
        private readonly L _lookup = lookup;
        private int* _x = x;

        public V Low = low, High = high;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Quad(RegisterPair<V> codes)
        {
            V activations = V.Broadcast(*_x++);
            Low = M.Dot(Low, _lookup.Levels(codes.Low), activations);
            High = M.Dot(High, _lookup.Levels(codes.High), activations);
        }
    }

    /// <summary>As <see cref="DotSink"/>, where granules choose their table.</summary>
    private struct ChoiceSink(L lookup, int* x, V low, V high, V lowTable, V highTable) : IQuadSink<RegisterPair<V>>
    {
        private readonly L _lookup = lookup;
        private readonly V _lowTable = lowTable, _highTable = highTable;
        private int* _x = x;

        public V Low = low, High = high;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Quad(RegisterPair<V> codes)
        {
            V activations = V.Broadcast(*_x++);
            Low = M.Dot(Low, _lookup.Levels(V.Or(codes.Low, _lowTable)), activations);
            High = M.Dot(High, _lookup.Levels(V.Or(codes.High, _highTable)), activations);
        }
    }

    private struct StoreSink(L lookup, byte* levels, V table) : IQuadSink<V>
    {
        private readonly L _lookup = lookup;
        private readonly V _table = table;
        private byte* _levels = levels;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Quad(V codes)
        {
            V.Store(_levels, _lookup.Levels(V.Or(codes, _table)));
            _levels += PanelPlan.QuadBytes;
        }
    }
}
