using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace Vernier.Kernels;

/// <summary>
/// Half precision to single by integer operations: the bits of a finite half, sign-extended and moved 13 places up, are those of
/// the number times 2^-112 with two copies of the sign to be masked away: the exponents' biases differ by 112. Subnormal halves too.
/// </summary>
internal static unsafe class HalfScales
{
    /// <summary>2^112: what the bits so moved are too small by.</summary>
    public const float Factor = 5192296858534827628530496329220096f;

    /// <summary>The sign, eight bits of exponent and ten of mantissa.</summary>
    public const int Mask = unchecked((int)0x8FFFE000);
}

/// <summary>AVX2: the sign trick. |w| times x with the sign of w, in pairs: 128 * 127 * 2 fits in 16 bits, so nothing saturates.</summary>
internal readonly unsafe struct Avx2Machine : IDotMachine<Bytes256>
{
    public static int Bias => 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Bytes256 Dot(Bytes256 sum, Bytes256 weights, Bytes256 x)
    {
        Vector256<short> pairs = Avx2.MultiplyAddAdjacent(
            Avx2.Abs(weights.Value.AsSByte()), Avx2.Sign(x.Value.AsSByte(), weights.Value.AsSByte()));
        return new((sum.Value.AsInt32() + Avx2.MultiplyAddAdjacent(pairs, Vector256<short>.One)).AsByte());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void AddScaled(float* f, int* starts, float* weightScales, float* xScales, Bytes256 a0, Bytes256 b0, Bytes256 a1,
        Bytes256 b1, Bytes256 a2, Bytes256 b2, Bytes256 a3, Bytes256 b3, Bytes256 a4, Bytes256 b4, Bytes256 a5, Bytes256 b5)
    {
        Vector256<float> low = Vector256.Load(weightScales), high = Vector256.Load(weightScales + 8);
        Add(f + 0 * PanelPlan.PanelRows, a0, b0, starts[0], low, high, xScales[0]);
        Add(f + 1 * PanelPlan.PanelRows, a1, b1, starts[1], low, high, xScales[1]);
        Add(f + 2 * PanelPlan.PanelRows, a2, b2, starts[2], low, high, xScales[2]);
        Add(f + 3 * PanelPlan.PanelRows, a3, b3, starts[3], low, high, xScales[3]);
        Add(f + 4 * PanelPlan.PanelRows, a4, b4, starts[4], low, high, xScales[4]);
        Add(f + 5 * PanelPlan.PanelRows, a5, b5, starts[5], low, high, xScales[5]);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add(float* f, Bytes256 low, Bytes256 high, int start, Vector256<float> lowScales, Vector256<float> highScales,
        float x)
    {
        (Vector256.Load(f) + Vector256.ConvertToSingle(low.Value.AsInt32() + Vector256.Create(start)) * (lowScales * x)).Store(f);
        (Vector256.Load(f + 8) + Vector256.ConvertToSingle(high.Value.AsInt32() + Vector256.Create(start)) * (highScales * x)).Store(f + 8);
    }
}

/// <summary>AVX-VNNI: VPDPBUSD adds four products of an unsigned and a signed byte to a 32-bit lane in one instruction.</summary>
internal readonly unsafe struct VnniMachine : IDotMachine<Bytes256>
{
    public static int Bias => 128;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Bytes256 Dot(Bytes256 sum, Bytes256 weights, Bytes256 x) =>
        new(AvxVnni.MultiplyWideningAndAdd(sum.Value.AsInt32(), weights.Value, x.Value.AsSByte()).AsByte());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void AddScaled(float* f, int* starts, float* weightScales, float* xScales, Bytes256 a0, Bytes256 b0, Bytes256 a1,
        Bytes256 b1, Bytes256 a2, Bytes256 b2, Bytes256 a3, Bytes256 b3, Bytes256 a4, Bytes256 b4, Bytes256 a5, Bytes256 b5) =>
        Avx2Machine.AddScaled(f, starts, weightScales, xScales, a0, b0, a1, b1, a2, b2, a3, b3, a4, b4, a5, b5);
}

/// <summary>
/// AVX-VNNI beside AVX-512: integer sums in 256 bits, for which alone there is an instruction, everything after them in 512.
/// </summary>
internal readonly unsafe struct Vnni512Machine : IDotMachine<Bytes256>
{
    public static int Bias => 128;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Bytes256 Dot(Bytes256 sum, Bytes256 weights, Bytes256 x) => VnniMachine.Dot(sum, weights, x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void AddScaled(float* f, int* starts, float* weightScales, float* xScales, Bytes256 a0, Bytes256 b0, Bytes256 a1,
        Bytes256 b1, Bytes256 a2, Bytes256 b2, Bytes256 a3, Bytes256 b3, Bytes256 a4, Bytes256 b4, Bytes256 a5, Bytes256 b5)
    {
        Vector512<float> scales = Vector512.Load(weightScales);
        Add(f + 0 * PanelPlan.PanelRows, a0, b0, starts[0], scales, xScales[0]);
        Add(f + 1 * PanelPlan.PanelRows, a1, b1, starts[1], scales, xScales[1]);
        Add(f + 2 * PanelPlan.PanelRows, a2, b2, starts[2], scales, xScales[2]);
        Add(f + 3 * PanelPlan.PanelRows, a3, b3, starts[3], scales, xScales[3]);
        Add(f + 4 * PanelPlan.PanelRows, a4, b4, starts[4], scales, xScales[4]);
        Add(f + 5 * PanelPlan.PanelRows, a5, b5, starts[5], scales, xScales[5]);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add(float* f, Bytes256 low, Bytes256 high, int start, Vector512<float> scales, float x)
    {
        // One insertion; Vector512.Create would make two and hold a register for what they insert into.
        Vector512<int> sums = low.Value.AsInt32().ToVector512Unsafe().WithUpper(high.Value.AsInt32());
        (Vector512.Load(f) + Vector512.ConvertToSingle(sums + Vector512.Create(start)) * (scales * x)).Store(f);
    }
}

/// <summary>Arm's dot product extension: SDOT adds four products of signed bytes to a 32-bit lane.</summary>
internal readonly unsafe struct ArmDotMachine : IDotMachine<Bytes128>
{
    public static int Bias => 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Bytes128 Dot(Bytes128 sum, Bytes128 weights, Bytes128 x) =>
        new(Dp.DotProduct(sum.Value.AsInt32(), weights.Value.AsSByte(), x.Value.AsSByte()).AsByte());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void AddScaled(float* f, int* starts, float* weightScales, float* xScales, Bytes128 a0, Bytes128 b0, Bytes128 a1,
        Bytes128 b1, Bytes128 a2, Bytes128 b2, Bytes128 a3, Bytes128 b3, Bytes128 a4, Bytes128 b4, Bytes128 a5, Bytes128 b5) =>
        PortableMachine.AddScaled(f, starts, weightScales, xScales, a0, b0, a1, b1, a2, b2, a3, b3, a4, b4, a5, b5);
}

/// <summary>
/// Any machine: byte k of each lane, moved to the top and shifted down again, is a signed 32-bit integer; four products of those.
/// </summary>
internal readonly unsafe struct PortableMachine : IDotMachine<Bytes128>
{
    public static int Bias => 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Bytes128 Dot(Bytes128 sum, Bytes128 weights, Bytes128 x)
    {
        Vector128<int> w = weights.Value.AsInt32(), v = x.Value.AsInt32();
        Vector128<int> low = (w << 24 >> 24) * (v << 24 >> 24) + (w << 16 >> 24) * (v << 16 >> 24);
        Vector128<int> high = (w << 8 >> 24) * (v << 8 >> 24) + (w >> 24) * (v >> 24);
        return new((sum.Value.AsInt32() + low + high).AsByte());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void AddScaled(float* f, int* starts, float* weightScales, float* xScales, Bytes128 a0, Bytes128 b0, Bytes128 a1,
        Bytes128 b1, Bytes128 a2, Bytes128 b2, Bytes128 a3, Bytes128 b3, Bytes128 a4, Bytes128 b4, Bytes128 a5, Bytes128 b5)
    {
        Vector128<float> low = Vector128.Load(weightScales), high = Vector128.Load(weightScales + 4);
        Add(f + 0 * PanelPlan.PanelRows, a0, b0, starts[0], low, high, xScales[0]);
        Add(f + 1 * PanelPlan.PanelRows, a1, b1, starts[1], low, high, xScales[1]);
        Add(f + 2 * PanelPlan.PanelRows, a2, b2, starts[2], low, high, xScales[2]);
        Add(f + 3 * PanelPlan.PanelRows, a3, b3, starts[3], low, high, xScales[3]);
        Add(f + 4 * PanelPlan.PanelRows, a4, b4, starts[4], low, high, xScales[4]);
        Add(f + 5 * PanelPlan.PanelRows, a5, b5, starts[5], low, high, xScales[5]);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add(float* f, Bytes128 low, Bytes128 high, int start, Vector128<float> lowScales, Vector128<float> highScales,
        float x)
    {
        (Vector128.Load(f) + Vector128.ConvertToSingle(low.Value.AsInt32() + Vector128.Create(start)) * (lowScales * x)).Store(f);
        (Vector128.Load(f + 4) + Vector128.ConvertToSingle(high.Value.AsInt32() + Vector128.Create(start)) * (highScales * x)).Store(f + 4);
    }
}
