using System.Buffers;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Vernier.Memory;
using Vernier.Numerics;

namespace Vernier.Kernels;

/// <summary>
/// Activations in 8 bits: for each token and segment s = max |x| / 127 and the integers q = round(x / s), ties to even, so that x is
/// about s q. Tokens lie in tiles of 6 (of 1 for three tokens at most): [tile][quad][token][4 bytes], their scales and the sums of
/// their integers [tile][segment][token]. Tokens that fill the last tile, and columns that fill a segment, are zero. Where a code stands
/// for several
/// columns, there is a view for each of them: view v has the columns v, v + views, v + 2 views ..
/// </summary>
/// <remarks>
/// Where the largest is below 1e-30, all are taken for zero. Where one is not finite, the scale is NaN and the integers zero, so that all
/// outputs of the token are NaN.
/// </remarks>
internal unsafe ref struct QuantizedRows
{
    /// <summary>The tokens of a tile where there are several.</summary>
    public const int TileTokens = 6;

    /// <summary>Up to so many tokens go through a panel one by one, which costs less than a tile that is mostly empty.</summary>
    public const int FewTokens = 3;

    private readonly PooledArray<byte> _memory;
    private readonly byte* _start;
    private MemoryHandle _pin;

    /// <summary>The most columns that a code stands for.</summary>
    public const int MostViews = 4;

    private readonly long _viewBytes;

    /// <summary>Quantizes rows.</summary>
    /// <param name="x">The activations.</param>
    /// <param name="rows">The number of rows.</param>
    /// <param name="plan">The cut of the columns of codes.</param>
    /// <param name="columns">The columns of X.</param>
    /// <param name="views">The columns that a code stands for.</param>
    /// <param name="workers">The threads.</param>
    public QuantizedRows(float* x, int rows, PanelPlan plan, int columns, int views, Workers workers)
    {
        Tile = rows <= FewTokens ? 1 : TileTokens;
        Tiles = (rows + Tile - 1) / Tile;
        TileQuads = (long)plan.Quads * Tile;
        TileSegments = plan.Segments.Length * Tile;
        _viewBytes = (Tiles * (4 * TileQuads + 8 * TileSegments) + 63) & ~63L;
        _memory = new PooledArray<byte>(checked((int)(views * _viewBytes) + 64));
        _pin = _memory.Memory.Pin();
        _start = (byte*)(((nint)_pin.Pointer + 63) & ~63);
        Touch.Within((nint)_start - (nint)_pin.Pointer, views * _viewBytes, _memory.Span.Length);
        var work = new Work { X = x, Rows = rows, Columns = columns, Views = views, Tile = Tile, Segments = plan.Segments };
        for (int view = 0; view < views; view++)
            work.Targets[view] = View(view);
        workers.Run(Tiles * views, ref work);
    }

    /// <summary>The tokens of a tile: 1 or 6.</summary>
    public int Tile { get; }

    /// <summary>The tiles.</summary>
    public int Tiles { get; }

    /// <summary>The quads of all tokens of a tile.</summary>
    public long TileQuads { get; }

    /// <summary>The segments of all tokens of a tile.</summary>
    public int TileSegments { get; }

    /// <summary>Where the integers, scales and sums of a view lie.</summary>
    public RowsView View(int view)
    {
        int* values = (int*)(_start + view * _viewBytes);
        float* scales = (float*)(values + Tiles * TileQuads);
        return new RowsView(values, scales, (int*)(scales + Tiles * TileSegments), TileQuads, TileSegments);
    }

    /// <summary>Gives the memory back.</summary>
    public void Dispose()
    {
        _pin.Dispose();
        _memory.Dispose();
    }

    /// <summary>Quantizes one segment: the plain definition is in the remarks of the type.</summary>
    /// <param name="x">The activations.</param>
    /// <param name="count">1 to 128.</param>
    /// <param name="padded">The bytes to fill, a multiple of 4.</param>
    /// <param name="values">Receives the integers; has room for 32 bytes more.</param>
    /// <param name="sum">Their sum.</param>
    /// <returns>The scale.</returns>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static float Quantize(float* x, int count, int padded, sbyte* values, out int sum)
    {
        sum = 0;
        // The bits of magnitudes are in the order of the magnitudes, those of what is not finite after all others.
        Vector256<int> most = Vector256<int>.Zero, magnitude = Vector256.Create(0x7FFFFFFF);
        int i = 0;
        for (; i + 8 <= count; i += 8)
            most = Vector256.Max(most, Vector256.Load((int*)x + i) & magnitude);
        Vector128<int> half = Vector128.Max(most.GetLower(), most.GetUpper());
        half = Vector128.Max(half, Vector128.Shuffle(half, Vector128.Create(2, 3, 0, 1)));
        int bits = Math.Max(half[0], half[1]);
        for (; i < count; i++)
            bits = Math.Max(bits, BitConverter.SingleToInt32Bits(x[i]) & 0x7FFFFFFF);
        float largest = BitConverter.Int32BitsToSingle(bits);
        if (!(largest >= 1e-30f) || !float.IsFinite(largest))
        {
            new Span<byte>(values, padded).Clear();
            return largest < 1e-30f ? 0 : float.NaN;
        }
        // Adding 3 * 2^22 leaves the integer nearest to a small number in the low bits of the sum, ties to even as in every addition.
        const float Magic = 12582912f;
        const int MagicBits = 0x4B400000;
        float inverse = 127 / largest;
        Vector256<int> total = Vector256<int>.Zero;
        for (i = 0; i + 8 <= count; i += 8)
        {
            Vector256<int> rounded = (Vector256.Load(x + i) * inverse + Vector256.Create(Magic)).AsInt32() - Vector256.Create(MagicBits);
            total += rounded;
            Vector128<short> narrow = Vector128.Narrow(rounded.GetLower(), rounded.GetUpper());
            Vector128.Narrow(narrow, narrow).GetLower().Store(values + i);
        }
        sum = Vector256.Sum(total);
        for (; i < count; i++)
        {
            int rounded = BitConverter.SingleToInt32Bits(x[i] * inverse + Magic) - MagicBits;
            values[i] = (sbyte)rounded;
            sum += rounded;
        }
        for (; i < padded; i++)
            values[i] = 0;
        return largest / 127;
    }

    private struct Work : ITeamWork
    {
        public float* X;
        public int Rows, Columns, Views, Tile;
        public Targets Targets;
        public Segment[] Segments;

        [SkipLocalsInit]
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public readonly void Invoke(int index)
        {
            sbyte* buffer = stackalloc sbyte[256];
            float* gathered = stackalloc float[128];
            (int tile, int view) = Math.DivRem(index, Views);
            RowsView target = Targets[view];
            for (int token = 0; token < Tile; token++)
            {
                int row = tile * Tile + token;
                int* values = target.Values + tile * target.TileQuads + token;
                int at = tile * target.TileSegments + token;
                foreach (ref readonly Segment segment in Segments.AsSpan())
                {
                    (float scale, int sum) = (0, 0);
                    if (row < Rows)
                        scale = Quantize(Views == 1 ? X + (long)row * Columns + segment.Column
                            : Gather(row, view, segment, gathered), segment.Count, 4 * segment.Quads, buffer, out sum);
                    else
                        new Span<byte>(buffer, 4 * segment.Quads).Clear();
                    for (int quad = 0; quad < segment.Quads; quad++)
                        values[(long)(segment.Quad + quad) * Tile] = ((int*)buffer)[quad];
                    (target.Scales[at], target.Sums[at]) = (scale, sum);
                    at += Tile;
                }
            }
        }

        // The last code may stand for fewer columns than there are views: the others are zero.
        private readonly float* Gather(int row, int view, in Segment segment, float* gathered)
        {
            float* x = X + (long)row * Columns;
            for (int i = 0, column = segment.Column * Views + view; i < segment.Count; i++, column += Views)
                gathered[i] = column < Columns ? x[column] : 0;
            return gathered;
        }
    }

    [InlineArray(MostViews)]
    private struct Targets
    {
        private RowsView _first;
    }
}
