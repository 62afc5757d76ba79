using System.Runtime.CompilerServices;

namespace Vernier.Kernels;

/// <summary>Receives the codes of one quad after the other, a byte each.</summary>
internal interface IQuadSink<V>
    where V : struct
{
    void Quad(V codes);
}

/// <summary>
/// How the codes of a panel share bytes. A step is the fewest quads that fill whole 64-byte lines; within a line, byte i always
/// belongs to the same row and place in its quad, so that taking codes apart is a shift and a mask for a whole register:
/// <list type="bullet">
/// <item>8 bits: a line is a quad.</item>
/// <item>4 bits: quad 0 in the low half of each byte, quad 1 in the high half: 2 quads in a line.</item>
/// <item>2 bits: quad j in bits 2j, 2j + 1: 4 quads in a line.</item>
/// <item>3 bits: two lines of low bit pairs, then one whose bit j is the high bit of quad j: 8 quads in 3 lines.</item>
/// <item>5 bits: four lines of low halves, then one whose bit j is the high bit of quad j: 8 quads in 5 lines.</item>
/// <item>6 bits: two lines of low halves, then one whose bit pair j is the high pair of quad j: 4 quads in 3 lines.</item>
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
        V codes = V.Load(line), mask = V.Broadcast(0x0F0F0F0F);
        sink.Quad(V.And(codes, mask));
        sink.Quad(V.And(V.ShiftRight(codes, 4), mask));
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
        V codes = V.Load(line), mask = V.Broadcast(0x03030303);
        sink.Quad(V.And(codes, mask));
        sink.Quad(V.And(V.ShiftRight(codes, 2), mask));
        sink.Quad(V.And(V.ShiftRight(codes, 4), mask));
        sink.Quad(V.And(V.ShiftRight(codes, 6), mask));
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
        V low = V.Load(line), high = V.Load(line + 2 * PanelPlan.QuadBytes);
        V mask = V.Broadcast(0x03030303), four = V.Broadcast(0x04040404);
        sink.Quad(V.Or(V.And(low, mask), V.And(V.ShiftLeft(high, 2), four)));
        sink.Quad(V.Or(V.And(V.ShiftRight(low, 2), mask), V.And(V.ShiftLeft(high, 1), four)));
        sink.Quad(V.Or(V.And(V.ShiftRight(low, 4), mask), V.And(high, four)));
        sink.Quad(V.Or(V.And(V.ShiftRight(low, 6), mask), V.And(V.ShiftRight(high, 1), four)));
        low = V.Load(line + PanelPlan.QuadBytes);
        sink.Quad(V.Or(V.And(low, mask), V.And(V.ShiftRight(high, 2), four)));
        sink.Quad(V.Or(V.And(V.ShiftRight(low, 2), mask), V.And(V.ShiftRight(high, 3), four)));
        sink.Quad(V.Or(V.And(V.ShiftRight(low, 4), mask), V.And(V.ShiftRight(high, 4), four)));
        sink.Quad(V.Or(V.And(V.ShiftRight(low, 6), mask), V.And(V.ShiftRight(high, 5), four)));
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
        V high = V.Load(line + 4 * Line), mask = V.Broadcast(0x0F0F0F0F), sixteen = V.Broadcast(0x10101010);
        V low = V.Load(line);
        sink.Quad(V.Or(V.And(low, mask), V.And(V.ShiftLeft(high, 4), sixteen)));
        sink.Quad(V.Or(V.And(V.ShiftRight(low, 4), mask), V.And(V.ShiftLeft(high, 3), sixteen)));
        low = V.Load(line + Line);
        sink.Quad(V.Or(V.And(low, mask), V.And(V.ShiftLeft(high, 2), sixteen)));
        sink.Quad(V.Or(V.And(V.ShiftRight(low, 4), mask), V.And(V.ShiftLeft(high, 1), sixteen)));
        low = V.Load(line + 2 * Line);
        sink.Quad(V.Or(V.And(low, mask), V.And(high, sixteen)));
        sink.Quad(V.Or(V.And(V.ShiftRight(low, 4), mask), V.And(V.ShiftRight(high, 1), sixteen)));
        low = V.Load(line + 3 * Line);
        sink.Quad(V.Or(V.And(low, mask), V.And(V.ShiftRight(high, 2), sixteen)));
        sink.Quad(V.Or(V.And(V.ShiftRight(low, 4), mask), V.And(V.ShiftRight(high, 3), sixteen)));
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
        const int Line = PanelPlan.QuadBytes;
        V high = V.Load(line + 2 * Line), mask = V.Broadcast(0x0F0F0F0F), pair = V.Broadcast(0x30303030);
        V low = V.Load(line);
        sink.Quad(V.Or(V.And(low, mask), V.And(V.ShiftLeft(high, 4), pair)));
        sink.Quad(V.Or(V.And(V.ShiftRight(low, 4), mask), V.And(V.ShiftLeft(high, 2), pair)));
        low = V.Load(line + Line);
        sink.Quad(V.Or(V.And(low, mask), V.And(high, pair)));
        sink.Quad(V.Or(V.And(V.ShiftRight(low, 4), mask), V.And(V.ShiftRight(high, 2), pair)));
    }
}
