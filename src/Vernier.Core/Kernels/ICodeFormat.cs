using System.Runtime.CompilerServices;

namespace Vernier.Kernels;

/// <summary>Receives the codes of one quad after the other, in the low bits of a byte each; the bits above are of no meaning.</summary>
internal interface IQuadSink<V>
    where V : struct
{
    void Quad(V codes);

    /// <summary>Two quads, in order: their products are added up by themselves, so that a sum waits for the one before it only
    /// once.</summary>
    void Pair(V first, V second);
}

/// <summary>
/// How the codes of a panel share bytes. A step is the fewest quads that fill whole 64-byte lines; within a line, byte i always
/// belongs to the same row and place in its quad, so that taking codes apart is a shift for a whole register, and for codes that are
/// split over lines a selection of bits:
/// <list type="bullet">
/// <item>8 bits: a line is a quad.</item>
/// <item>4 bits: quad 0 in bits 0-3 of each byte, quad 1 in bits 4-7: 2 quads in a line.</item>
/// <item>2 bits: quad j in bits 2j, 2j + 1: 4 quads in a line.</item>
/// <item>3 bits: lines A, B, C with quads 0, 2, 4 in bits 0-2 and 1, 3, 5 in bits 3-5; quad 6 in bits 6, 7 of A and 6 of B, quad 7 in bit 7
/// of B
/// and bits 6, 7 of C: 8 quads in 3 lines.</item>
/// <item>5 bits: lines A to E with quads 0-4 in bits 0-4; quad 5 in bits 5-7 of A and 5, 6 of B, quad 6 likewise of C and D, quad 7 in bits
/// 5-7 of
/// E and bit 7 of B and of D: 8 quads in 5 lines.</item>
/// <item>6 bits: lines A, B, C with quads 0-2 in bits 0-5; quad 3 in bits 6, 7 of A, B and C: 4 quads in 3 lines.</item>
/// </list>
/// </summary>
internal unsafe interface ICodeFormat
{
    /// <summary>Bits of a code.</summary>
    static abstract int Bits { get; }

    /// <summary>Hands the quads of one step to a sink, in order.</summary>
    /// <param name="line">The first line of the step, moved to the rows of the register.</param>
    /// <param name="sink">Receives the quads.</param>
    static abstract void Step<V, TSink>(byte* line, ref TSink sink)
        where V : struct, IByteVector<V>
        where TSink : struct, IQuadSink<V>;
}

/// <summary>Sizes of the formats.</summary>
internal static class CodeFormats
{
    /// <summary>The bits in which codes of so many bits are stored: their own; 8 for 7.</summary>
    public static int StoredBits(int bits) => bits == 7 ? 8 : bits;

    /// <summary>The quads of a step.</summary>
    public static int StepQuads(int bits) => bits switch { 8 => 1, 4 => 2, 2 or 6 => 4, _ => 8 };

    /// <summary>The bytes of a step in a panel.</summary>
    public static int StepBytes(int bits) => StepQuads(bits) * bits / 8 * PanelPlan.QuadBytes;
}

internal readonly unsafe struct Codes8 : ICodeFormat
{
    public static int Bits => 8;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Step<V, TSink>(byte* line, ref TSink sink)
        where V : struct, IByteVector<V>
        where TSink : struct, IQuadSink<V> => sink.Quad(V.Load(line));
}

internal readonly unsafe struct Codes4 : ICodeFormat
{
    public static int Bits => 4;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Step<V, TSink>(byte* line, ref TSink sink)
        where V : struct, IByteVector<V>
        where TSink : struct, IQuadSink<V>
    {
        V codes = V.Load(line);
        sink.Pair(codes, V.ShiftRight(codes, 4));
    }
}

internal readonly unsafe struct Codes2 : ICodeFormat
{
    public static int Bits => 2;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Step<V, TSink>(byte* line, ref TSink sink)
        where V : struct, IByteVector<V>
        where TSink : struct, IQuadSink<V>
    {
        V codes = V.Load(line);
        sink.Pair(codes, V.ShiftRight(codes, 2));
        sink.Pair(V.ShiftRight(codes, 4), V.ShiftRight(codes, 6));
    }
}

internal readonly unsafe struct Codes3 : ICodeFormat
{
    public static int Bits => 3;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Step<V, TSink>(byte* line, ref TSink sink)
        where V : struct, IByteVector<V>
        where TSink : struct, IQuadSink<V>
    {
        V a = V.Load(line), b = V.Load(line + PanelPlan.QuadBytes), c = V.Load(line + 2 * PanelPlan.QuadBytes);
        sink.Pair(a, V.ShiftRight(a, 3));
        sink.Pair(b, V.ShiftRight(b, 3));
        sink.Pair(c, V.ShiftRight(c, 3));
        sink.Pair(V.Select(0x03, V.ShiftRight(a, 6), V.ShiftRight(b, 4)), V.Select(0x01, V.ShiftRight(b, 7), V.ShiftRight(c, 5)));
    }
}

internal readonly unsafe struct Codes5 : ICodeFormat
{
    public static int Bits => 5;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Step<V, TSink>(byte* line, ref TSink sink)
        where V : struct, IByteVector<V>
        where TSink : struct, IQuadSink<V>
    {
        const int Line = PanelPlan.QuadBytes;
        V a = V.Load(line), b = V.Load(line + Line), c = V.Load(line + 2 * Line), d = V.Load(line + 3 * Line), e = V.Load(line + 4 * Line);
        sink.Pair(a, b);
        sink.Pair(c, d);
        sink.Pair(e, V.Select(0x07, V.ShiftRight(a, 5), V.ShiftRight(b, 2)));
        sink.Pair(V.Select(0x07, V.ShiftRight(c, 5), V.ShiftRight(d, 2)),
            V.Select(0x07, V.ShiftRight(e, 5), V.Select(0x0F, V.ShiftRight(b, 4), V.ShiftRight(d, 3))));
    }
}

internal readonly unsafe struct Codes6 : ICodeFormat
{
    public static int Bits => 6;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Step<V, TSink>(byte* line, ref TSink sink)
        where V : struct, IByteVector<V>
        where TSink : struct, IQuadSink<V>
    {
        V a = V.Load(line), b = V.Load(line + PanelPlan.QuadBytes), c = V.Load(line + 2 * PanelPlan.QuadBytes);
        sink.Pair(a, b);
        sink.Pair(c, V.Select(0x03, V.ShiftRight(a, 6), V.Select(0x0F, V.ShiftRight(b, 4), V.ShiftRight(c, 2))));
    }
}
