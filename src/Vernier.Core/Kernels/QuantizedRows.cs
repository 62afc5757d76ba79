using System.Buffers;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Vernier.Numerics;

namespace Vernier.Kernels;

/// <summary>
/// Activations in 8 bits: for each token and segment s = max |x| / 127 and the integers q = round(x / s), ties to even, so that x is
/// about s q. Tokens lie in tiles of 6 (of 1 for three tokens at most): [tile][quad][token][4 bytes], their scales and the sums of
/// their integers [tile][segment][token]. Tokens that fill the last tile, and columns that fill a segment, are zero.
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

    private readonly byte[] _memory;
    private System.Runtime.InteropServices.GCHandle _pin;

    /// <summary>Quantizes rows.</summary>
    public QuantizedRows(float* x, int rows, PanelPlan plan)
    {
        Tile = rows <= FewTokens ? 1 : TileTokens;
        Tiles = (rows + Tile - 1) / Tile;
        TileQuads = (long)plan.Quads * Tile;
        TileSegments = plan.Segments.Length * Tile;
        long bytes = Tiles * (4 * TileQuads + 8 * TileSegments);
        _memory = ArrayPool<byte>.Shared.Rent(checked((int)bytes + 64));
        _pin = System.Runtime.InteropServices.GCHandle.Alloc(_memory, System.Runtime.InteropServices.GCHandleType.Pinned);
        Values = (int*)(((nint)_pin.AddrOfPinnedObject() + 63) & ~63);
        Scales = (float*)(Values + Tiles * TileQuads);
        Sums = (int*)(Scales + Tiles * TileSegments);
        var work = new Work { X = x, Rows = rows, Columns = plan.Spec.Columns, Tile = Tile, TileQuads = TileQuads, TileSegments = TileSegments, Values = Values, Scales = Scales, Sums = Sums, Segments = plan.Segments };
        WorkerTeam.Run(Tiles, ref work);
    }

    /// <summary>The tokens of a tile: 1 or 6.</summary>
    public int Tile { get; }

    /// <summary>The tiles.</summary>
    public int Tiles { get; }

    /// <summary>The quads of all tokens of a tile.</summary>
    public long TileQuads { get; }

    /// <summary>The segments of all tokens of a tile.</summary>
    public int TileSegments { get; }

    /// <summary>Four integers of 8 bits each.</summary>
    public int* Values { get; }

    /// <summary>Scales.</summary>
    public float* Scales { get; }

    /// <summary>Sums of the integers.</summary>
    public int* Sums { get; }

    /// <summary>Gives the memory back.</summary>
    public void Dispose()
    {
        _pin.Free();
        ArrayPool<byte>.Shared.Return(_memory);
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
        public int Rows, Columns, Tile, TileSegments;
        public long TileQuads;
        public int* Values, Sums;
        public float* Scales;
        public Segment[] Segments;

        [SkipLocalsInit]
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public readonly void Invoke(int tile)
        {
            sbyte* buffer = stackalloc sbyte[256];
            for (int token = 0; token < Tile; token++)
            {
                int row = tile * Tile + token;
                int* values = Values + tile * TileQuads + token;
                int at = tile * TileSegments + token;
                foreach (ref readonly Segment segment in Segments.AsSpan())
                {
                    (float scale, int sum) = (0, 0);
                    if (row < Rows)
                        scale = Quantize(X + (long)row * Columns + segment.Column, segment.Count, 4 * segment.Quads, buffer, out sum);
                    else
                        new Span<byte>(buffer, 4 * segment.Quads).Clear();
                    for (int quad = 0; quad < segment.Quads; quad++)
                        values[(long)(segment.Quad + quad) * Tile] = ((int*)buffer)[quad];
                    (Scales[at], Sums[at]) = (scale, sum);
                    at += Tile;
                }
            }
        }
    }
}
