using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace Vernier.Numerics;

/// <summary>Copies blocks of matrices into the panels that the register tiles of <see cref="IMatrixTile{T}"/> read.</summary>
internal static unsafe class MatrixPacking
{
    /// <summary>
    /// Packs elements (first .. first + rows - 1, start .. start + k - 1) into panels of <paramref name="width"/> rows, k-major:
    /// panel[p * width + r] = source(first + r, start + p). A last panel that is not full is padded with zeros.
    /// </summary>
    public static void Rows<T>(ProductOperand<T> source, long first, int rows, long start, int k, int width, T* panels)
        where T : unmanaged
    {
        if (source.TermStride != 1)
        {
            // Runs of terms that touch few enough pages to be found again at once for the next panel, which continues their lines.
            const int Run = 32;
            for (int p = 0; p < k; p += Run)
            {
                for (int r = 0; r < rows; r += width)
                    Copied(source.At(first + r, start + p), source.TermStride, Math.Min(width, rows - r), Math.Min(Run, k - p), width,
                        panels + ((long)r * k) + ((long)p * width));
            }
            return;
        }
        for (int r = 0; r < rows; r += width)
        {
            Transposed(source.At(first + r, start), source.RowStride, Math.Min(width, rows - r), k, width, panels);
            panels += (long)width * k;
        }
    }

    /// <summary>Puts a panel back: target(first + r, p) = panel[p * width + r] for r &lt; rows and p &lt; k.</summary>
    public static void Unpack<T>(T* panel, int width, ProductOperand<T> target, long first, int rows, int k)
        where T : unmanaged
    {
        if (target.RowStride == 1)
        {
            for (int p = 0; p < k; p++)
                new ReadOnlySpan<T>(panel + ((long)p * width), rows).CopyTo(new Span<T>(target.At(first, p), rows));
            return;
        }
        for (int r = 0; r < rows; r++)
        {
            T* row = target.At(first + r, 0);
            for (int p = 0; p < k; p++)
                row[p] = panel[((long)p * width) + r];
        }
    }

    // The rows of a panel lie side by side in memory: one short copy for each p.
    private static void Copied<T>(T* source, long stride, int rows, int k, int width, T* panel)
        where T : unmanaged
    {
        if (rows == width && width % Vector512<T>.Count == 0 && Vector512.IsHardwareAccelerated)
        {
            for (int p = 0; p < k; p++, source += stride, panel += width)
            {
                for (int r = 0; r < width; r += Vector512<T>.Count)
                    Vector512.Load(source + r).Store(panel + r);
            }
        }
        else if (rows == width && width % Vector128<T>.Count == 0 && Vector128.IsHardwareAccelerated)
        {
            for (int p = 0; p < k; p++, source += stride, panel += width)
            {
                for (int r = 0; r < width; r += Vector128<T>.Count)
                    Vector128.Load(source + r).Store(panel + r);
            }
        }
        else
        {
            for (int p = 0; p < k; p++, source += stride, panel += width)
            {
                for (int r = 0; r < width; r++)
                    panel[r] = r < rows ? source[r] : default;
            }
        }
    }

    // A row of the panel's source is contiguous over p. Rows are taken in strips, each as wide as a transposition in registers,
    // and p in runs of a cache line, so that a line read is used up before rows a power of two apart evict it.
    private static void Transposed<T>(T* source, long stride, int rows, int k, int width, T* panel)
        where T : unmanaged
    {
        const int Run = 16;
        for (; k >= Run; k -= Run, source += Run, panel += Run * width)
        {
            int r = typeof(T) == typeof(float) ? Strips((float*)source, stride, rows, width, (float*)panel) : 0;
            Plain(source + (r * stride), stride, rows - r, Run, width, panel + r, width - r);
        }
        Plain(source, stride, rows, k, width, panel, width);
    }

    // As many rows of a run of 16 as whole strips hold; returns how many.
    private static int Strips(float* source, long stride, int rows, int width, float* panel)
    {
        int r = 0;
        if (Avx512F.IsSupported && Vector512.IsHardwareAccelerated)
        {
            for (; r + 16 <= rows; r += 16)
                Sixteen(source + (r * stride), stride, panel + r, width);
            if (r + 12 == rows)
            {
                Twelve(source + (r * stride), stride, panel + r, width);
                r += 12;
            }
        }
        if (Vector128.IsHardwareAccelerated)
        {
            for (; r + 4 <= rows; r += 4)
            {
                for (int q = 0; q < 16; q += 4)
                    Four(source + (r * stride) + q, stride, panel + ((long)q * width) + r, width);
            }
        }
        return r;
    }

    private static void Plain<T>(T* source, long stride, int rows, int k, int width, T* panel, int padded)
        where T : unmanaged
    {
        if (padded == 0)
            return;
        for (int p = 0; p < k; p++, panel += width)
        {
            for (int r = 0; r < padded; r++)
                panel[r] = r < rows ? source[(r * stride) + p] : default;
        }
    }

    // Transposes 4 x 4 in registers. Interleaving rows 0,2 and 1,3 and then the results gives the columns:
    //   a0 a1 a2 a3        a0 c0 a1 c1 | b0 d0 b1 d1        a0 b0 c0 d0 | a1 b1 c1 d1 | ...
    private static void Four(float* source, long stride, float* target, long width)
    {
        Vector128<float> a = Vector128.Load(source), b = Vector128.Load(source + stride);
        Vector128<float> c = Vector128.Load(source + (2 * stride)), d = Vector128.Load(source + (3 * stride));
        Vector128<float> acLow = InterleaveLow(a, c), acHigh = InterleaveHigh(a, c);
        Vector128<float> bdLow = InterleaveLow(b, d), bdHigh = InterleaveHigh(b, d);
        InterleaveLow(acLow, bdLow).Store(target);
        InterleaveHigh(acLow, bdLow).Store(target + width);
        InterleaveLow(acHigh, bdHigh).Store(target + (2 * width));
        InterleaveHigh(acHigh, bdHigh).Store(target + (3 * width));
    }

    // Transposes 16 x 16. Group g (rows 4g .. 4g + 3) becomes four vectors by the 4 x 4 trick, which works within each quarter of
    // a register: vector j of a group holds, in quarter q, column 4q + j of its four rows. Column 4q + j of all sixteen rows is
    // then quarter q of vector j of the four groups, gathered by exchanging whole quarters.
    private static void Sixteen(float* source, long stride, float* target, long width)
    {
        Group(source, stride, out var a0, out var a1, out var a2, out var a3);
        Group(source + (4 * stride), stride, out var b0, out var b1, out var b2, out var b3);
        Group(source + (8 * stride), stride, out var c0, out var c1, out var c2, out var c3);
        Group(source + (12 * stride), stride, out var d0, out var d1, out var d2, out var d3);
        Quarters(a0, b0, c0, d0, target, width);
        Quarters(a1, b1, c1, d1, target + width, width);
        Quarters(a2, b2, c2, d2, target + (2 * width), width);
        Quarters(a3, b3, c3, d3, target + (3 * width), width);
    }

    // The same with the last group missing: a column is twelve rows, eight and four.
    private static void Twelve(float* source, long stride, float* target, long width)
    {
        Group(source, stride, out var a0, out var a1, out var a2, out var a3);
        Group(source + (4 * stride), stride, out var b0, out var b1, out var b2, out var b3);
        Group(source + (8 * stride), stride, out var c0, out var c1, out var c2, out var c3);
        ThreeQuarters(a0, b0, c0, target, width);
        ThreeQuarters(a1, b1, c1, target + width, width);
        ThreeQuarters(a2, b2, c2, target + (2 * width), width);
        ThreeQuarters(a3, b3, c3, target + (3 * width), width);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void ThreeQuarters(Vector512<float> a, Vector512<float> b, Vector512<float> c, float* target, long width)
    {
        Vector512<float> abEven = Avx512F.Shuffle4x128(a, b, 0x88), abOdd = Avx512F.Shuffle4x128(a, b, 0xdd);
        StoreTwelve(Avx512F.Shuffle4x128(abEven, c, 0x08), target);
        StoreTwelve(Avx512F.Shuffle4x128(abOdd, c, 0x18), target + (4 * width));
        StoreTwelve(Avx512F.Shuffle4x128(abEven, c, 0x2d), target + (8 * width));
        StoreTwelve(Avx512F.Shuffle4x128(abOdd, c, 0x3d), target + (12 * width));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StoreTwelve(Vector512<float> value, float* target)
    {
        value.GetLower().Store(target);
        value.GetUpper().GetLower().Store(target + 8);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Group(float* source, long stride, out Vector512<float> v0, out Vector512<float> v1, out Vector512<float> v2,
        out Vector512<float> v3)
    {
        Vector512<float> a = Vector512.Load(source), b = Vector512.Load(source + stride);
        Vector512<float> c = Vector512.Load(source + (2 * stride)), d = Vector512.Load(source + (3 * stride));
        Vector512<float> acLow = Avx512F.UnpackLow(a, c), acHigh = Avx512F.UnpackHigh(a, c);
        Vector512<float> bdLow = Avx512F.UnpackLow(b, d), bdHigh = Avx512F.UnpackHigh(b, d);
        v0 = Avx512F.UnpackLow(acLow, bdLow);
        v1 = Avx512F.UnpackHigh(acLow, bdLow);
        v2 = Avx512F.UnpackLow(acHigh, bdHigh);
        v3 = Avx512F.UnpackHigh(acHigh, bdHigh);
    }

    // 0x88 takes quarters 0 and 2 of each operand, 0xdd quarters 1 and 3.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Quarters(Vector512<float> a, Vector512<float> b, Vector512<float> c, Vector512<float> d, float* target, long width)
    {
        Vector512<float> abEven = Avx512F.Shuffle4x128(a, b, 0x88), abOdd = Avx512F.Shuffle4x128(a, b, 0xdd);
        Vector512<float> cdEven = Avx512F.Shuffle4x128(c, d, 0x88), cdOdd = Avx512F.Shuffle4x128(c, d, 0xdd);
        Avx512F.Shuffle4x128(abEven, cdEven, 0x88).Store(target);
        Avx512F.Shuffle4x128(abOdd, cdOdd, 0x88).Store(target + (4 * width));
        Avx512F.Shuffle4x128(abEven, cdEven, 0xdd).Store(target + (8 * width));
        Avx512F.Shuffle4x128(abOdd, cdOdd, 0xdd).Store(target + (12 * width));
    }

    private static Vector128<float> InterleaveLow(Vector128<float> left, Vector128<float> right) =>
        Sse.IsSupported ? Sse.UnpackLow(left, right)
        : AdvSimd.Arm64.IsSupported ? AdvSimd.Arm64.ZipLow(left, right)
        : Vector128.Create(left[0], right[0], left[1], right[1]);

    private static Vector128<float> InterleaveHigh(Vector128<float> left, Vector128<float> right) =>
        Sse.IsSupported ? Sse.UnpackHigh(left, right)
        : AdvSimd.Arm64.IsSupported ? AdvSimd.Arm64.ZipHigh(left, right)
        : Vector128.Create(left[2], right[2], left[3], right[3]);
}
