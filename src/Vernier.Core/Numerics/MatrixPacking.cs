using System.Runtime.Intrinsics;

namespace Vernier.Numerics;

/// <summary>Copies blocks of matrices into the panels that the register tiles of <see cref="IMatrixTile"/> read.</summary>
internal static unsafe class MatrixPacking
{
    /// <summary>
    /// Packs <paramref name="rows"/> rows of length <paramref name="k"/> into panels of <paramref name="width"/> rows, k-major:
    /// panel[p * width + r] = source[r * stride + p]. A last panel that is not full is padded with zeros.
    /// </summary>
    public static void Rows(float* source, long stride, int rows, int k, int width, float* panels)
    {
        for (int r = 0; r < rows; r += width)
        {
            Panel(source + r * stride, stride, Math.Min(width, rows - r), k, width, panels);
            panels += (long)width * k;
        }
    }

    private static void Panel(float* source, long stride, int rows, int k, int width, float* panel)
    {
        int r = 0;
        if (Vector128.IsHardwareAccelerated)
        {
            for (; r + 4 <= rows; r += 4)
                FourRows(source + r * stride, stride, k, width, panel + r);
        }
        for (; r < rows; r++)
        {
            float* row = source + r * stride;
            for (int p = 0; p < k; p++)
                panel[(long)p * width + r] = row[p];
        }
        for (; r < width; r++)
        {
            for (int p = 0; p < k; p++)
                panel[(long)p * width + r] = 0;
        }
    }

    // Transposes 4 x 4 blocks in registers. Interleaving rows 0,2 and 1,3 and then the results gives the columns:
    //   a0 a1 a2 a3        a0 c0 a1 c1 | b0 d0 b1 d1        a0 b0 c0 d0 | a1 b1 c1 d1 | ...
    private static void FourRows(float* source, long stride, int k, int width, float* panel)
    {
        int p = 0;
        for (; p + 4 <= k; p += 4)
        {
            Vector128<float> a = Vector128.Load(source + p), b = Vector128.Load(source + stride + p);
            Vector128<float> c = Vector128.Load(source + 2 * stride + p), d = Vector128.Load(source + 3 * stride + p);
            Vector128<float> acLow = InterleaveLow(a, c), acHigh = InterleaveHigh(a, c);
            Vector128<float> bdLow = InterleaveLow(b, d), bdHigh = InterleaveHigh(b, d);
            float* target = panel + (long)p * width;
            InterleaveLow(acLow, bdLow).Store(target);
            InterleaveHigh(acLow, bdLow).Store(target + width);
            InterleaveLow(acHigh, bdHigh).Store(target + 2 * width);
            InterleaveHigh(acHigh, bdHigh).Store(target + 3 * width);
        }
        for (; p < k; p++)
        {
            for (int r = 0; r < 4; r++)
                panel[(long)p * width + r] = source[r * stride + p];
        }
    }

    private static Vector128<float> InterleaveLow(Vector128<float> left, Vector128<float> right) =>
        System.Runtime.Intrinsics.X86.Sse.IsSupported ? System.Runtime.Intrinsics.X86.Sse.UnpackLow(left, right)
        : System.Runtime.Intrinsics.Arm.AdvSimd.Arm64.IsSupported ? System.Runtime.Intrinsics.Arm.AdvSimd.Arm64.ZipLow(left, right)
        : Vector128.Create(left[0], right[0], left[1], right[1]);

    private static Vector128<float> InterleaveHigh(Vector128<float> left, Vector128<float> right) =>
        System.Runtime.Intrinsics.X86.Sse.IsSupported ? System.Runtime.Intrinsics.X86.Sse.UnpackHigh(left, right)
        : System.Runtime.Intrinsics.Arm.AdvSimd.Arm64.IsSupported ? System.Runtime.Intrinsics.Arm.AdvSimd.Arm64.ZipHigh(left, right)
        : Vector128.Create(left[2], right[2], left[3], right[3]);
}
