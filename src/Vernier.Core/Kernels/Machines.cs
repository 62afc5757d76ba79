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

    /// <summary>The plain definition: scales_i = float(half_i) * factor / 2^112.</summary>
    public static void Convert(ushort* halves, float factor, float* scales)
    {
        for (int i = 0; i < PanelPlan.PanelRows; i++)
            scales[i] = BitConverter.Int32BitsToSingle(((short)halves[i] << 13) & Mask) * factor;
    }
}

/// <summary>AVX2: the sign trick. |w| times x with the sign of w, in pairs: 128 * 127 * 2 fits in 16 bits, so nothing saturates.</summary>
internal readonly unsafe struct Avx2Machine : IDotMachine<Bytes256>
{
    public static int Bias => 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Bytes256 Dot(Bytes256 sum, Bytes256 weights, Bytes256 x)
    {
        Vector256<short> pairs = Avx2.MultiplyAddAdjacent(Avx2.Abs(weights.Value.AsSByte()), Avx2.Sign(x.Value.AsSByte(), weights.Value.AsSByte()));
        return new((sum.Value.AsInt32() + Avx2.MultiplyAddAdjacent(pairs, Vector256<short>.One)).AsByte());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void AddScaled(float* f, Bytes256 low, Bytes256 high, float* weightScales, float x)
    {
        (Vector256.Load(f) + Vector256.ConvertToSingle(low.Value.AsInt32()) * (Vector256.Load(weightScales) * x)).Store(f);
        (Vector256.Load(f + 8) + Vector256.ConvertToSingle(high.Value.AsInt32()) * (Vector256.Load(weightScales + 8) * x)).Store(f + 8);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void ConvertScales(ushort* halves, float factor, float* scales)
    {
        for (int i = 0; i < PanelPlan.PanelRows; i += 8)
        {
            Vector256<int> bits = Avx2.ConvertToVector256Int32((short*)halves + i) << 13;
            ((bits & Vector256.Create(HalfScales.Mask)).AsSingle() * factor).Store(scales + i);
        }
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
    public static void AddScaled(float* f, Bytes256 low, Bytes256 high, float* weightScales, float x) => Avx2Machine.AddScaled(f, low, high, weightScales, x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void ConvertScales(ushort* halves, float factor, float* scales) => Avx2Machine.ConvertScales(halves, factor, scales);
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
    public static void AddScaled(float* f, Bytes256 low, Bytes256 high, float* weightScales, float x)
    {
        // One insertion; Vector512.Create would make two and hold a register for what they insert into.
        Vector512<int> sums = low.Value.AsInt32().ToVector512Unsafe().WithUpper(high.Value.AsInt32());
        (Vector512.Load(f) + Vector512.ConvertToSingle(sums) * (Vector512.Load(weightScales) * x)).Store(f);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void ConvertScales(ushort* halves, float factor, float* scales)
    {
        Vector512<int> bits = Avx512F.ConvertToVector512Int32(Vector256.Load((short*)halves)) << 13;
        ((bits & Vector512.Create(HalfScales.Mask)).AsSingle() * factor).Store(scales);
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
    public static void AddScaled(float* f, Bytes128 low, Bytes128 high, float* weightScales, float x) => PortableMachine.AddScaled(f, low, high, weightScales, x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void ConvertScales(ushort* halves, float factor, float* scales) => PortableMachine.ConvertScales(halves, factor, scales);
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
    public static void AddScaled(float* f, Bytes128 low, Bytes128 high, float* weightScales, float x)
    {
        (Vector128.Load(f) + Vector128.ConvertToSingle(low.Value.AsInt32()) * (Vector128.Load(weightScales) * x)).Store(f);
        (Vector128.Load(f + 4) + Vector128.ConvertToSingle(high.Value.AsInt32()) * (Vector128.Load(weightScales + 4) * x)).Store(f + 4);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void ConvertScales(ushort* halves, float factor, float* scales)
    {
        for (int i = 0; i < PanelPlan.PanelRows; i += 4)
        {
            Vector128<int> bits = Bytes128.LoadInt16((short*)halves + i).Value.AsInt32() << 13;
            ((bits & Vector128.Create(HalfScales.Mask)).AsSingle() * factor).Store(scales + i);
        }
    }
}
