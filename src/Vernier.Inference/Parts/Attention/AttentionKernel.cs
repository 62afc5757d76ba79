using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Vernier.Inference.Parts.Attention;

/// <summary>
/// The one product inside attention, C += A B for up to four rows of A: A of rows x terms, B of terms x lanes, C of
/// rows x lanes. Scores are queries times transposed keys, outputs are probabilities times values.
/// </summary>
/// <remarks>
/// Each element of C lives in one lane of a register and takes its terms in ascending order by one multiply-add each, so the
/// result is the same whether a row is computed alone or with others, and in one call or in several.
/// </remarks>
internal static unsafe class AttentionKernel
{
    /// <summary>The most rows of one call.</summary>
    public const int MaxRows = 4;

    private const int WideLanes = 64;

    /// <summary>C += A B. Lanes is a multiple of 16; strides are in elements.</summary>
    public static void MultiplyAdd(float* a, int strideA, float* b, int strideB, float* c, int strideC, int rows, int terms, int lanes)
    {
        if (rows == MaxRows)
        {
            int wide = Vector512.IsHardwareAccelerated ? lanes / WideLanes * WideLanes : 0;
            for (int lane = 0; lane < wide; lane += WideLanes)
                FourWide(a, strideA, b + lane, strideB, c + lane, strideC, terms);
            Four(a, strideA, b + wide, strideB, c + wide, strideC, terms, lanes - wide);
            return;
        }
        for (int row = 0; row < rows; row++)
            One(a + row * strideA, b, strideB, c + row * strideC, terms, lanes);
    }

    /// <summary>Four rows by 64 lanes: sixteen accumulators of 512 bits, four loads and four broadcasts for sixteen
    /// multiply-adds.</summary>
    private static void FourWide(float* a, int strideA, float* b, int strideB, float* c, int strideC, int terms)
    {
        float* a1 = a + strideA, a2 = a1 + strideA, a3 = a2 + strideA;
        float* c1 = c + strideC, c2 = c1 + strideC, c3 = c2 + strideC;
        Vector512<float> c00 = Vector512.Load(c), c01 = Vector512.Load(c + 16), c02 = Vector512.Load(c + 32), c03 = Vector512.Load(c + 48);
        Vector512<float> c10 = Vector512.Load(c1), c11 = Vector512.Load(c1 + 16), c12 = Vector512.Load(c1 + 32),
            c13 = Vector512.Load(c1 + 48);
        Vector512<float> c20 = Vector512.Load(c2), c21 = Vector512.Load(c2 + 16), c22 = Vector512.Load(c2 + 32),
            c23 = Vector512.Load(c2 + 48);
        Vector512<float> c30 = Vector512.Load(c3), c31 = Vector512.Load(c3 + 16), c32 = Vector512.Load(c3 + 32),
            c33 = Vector512.Load(c3 + 48);
        for (int t = 0; t < terms; t++, b += strideB)
        {
            Vector512<float> b0 = Vector512.Load(b), b1 = Vector512.Load(b + 16), b2 = Vector512.Load(b + 32), b3 = Vector512.Load(b + 48);
            Vector512<float> x = Vector512.Create(a[t]);
            c00 = Fuse(x, b0, c00);
            c01 = Fuse(x, b1, c01);
            c02 = Fuse(x, b2, c02);
            c03 = Fuse(x, b3, c03);
            x = Vector512.Create(a1[t]);
            c10 = Fuse(x, b0, c10);
            c11 = Fuse(x, b1, c11);
            c12 = Fuse(x, b2, c12);
            c13 = Fuse(x, b3, c13);
            x = Vector512.Create(a2[t]);
            c20 = Fuse(x, b0, c20);
            c21 = Fuse(x, b1, c21);
            c22 = Fuse(x, b2, c22);
            c23 = Fuse(x, b3, c23);
            x = Vector512.Create(a3[t]);
            c30 = Fuse(x, b0, c30);
            c31 = Fuse(x, b1, c31);
            c32 = Fuse(x, b2, c32);
            c33 = Fuse(x, b3, c33);
        }
        Store(c, c00, c01, c02, c03);
        Store(c1, c10, c11, c12, c13);
        Store(c2, c20, c21, c22, c23);
        Store(c3, c30, c31, c32, c33);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(float* c, Vector512<float> c0, Vector512<float> c1, Vector512<float> c2, Vector512<float> c3)
    {
        c0.Store(c);
        c1.Store(c + 16);
        c2.Store(c + 32);
        c3.Store(c + 48);
    }

    /// <summary>Four rows by two registers: eight accumulators, two loads and four broadcasts for eight multiply-adds.</summary>
    private static void Four(float* a, int strideA, float* b, int strideB, float* c, int strideC, int terms, int lanes)
    {
        int width = Vector<float>.Count, lane = 0;
        float* a1 = a + strideA, a2 = a1 + strideA, a3 = a2 + strideA;
        float* c1 = c + strideC, c2 = c1 + strideC, c3 = c2 + strideC;
        for (; lane <= lanes - 2 * width; lane += 2 * width)
        {
            Vector<float> c00 = Vector.Load(c + lane), c01 = Vector.Load(c + lane + width);
            Vector<float> c10 = Vector.Load(c1 + lane), c11 = Vector.Load(c1 + lane + width);
            Vector<float> c20 = Vector.Load(c2 + lane), c21 = Vector.Load(c2 + lane + width);
            Vector<float> c30 = Vector.Load(c3 + lane), c31 = Vector.Load(c3 + lane + width);
            float* line = b + lane;
            for (int t = 0; t < terms; t++, line += strideB)
            {
                Vector<float> b0 = Vector.Load(line), b1 = Vector.Load(line + width);
                var x = new Vector<float>(a[t]);
                c00 = Fuse(x, b0, c00);
                c01 = Fuse(x, b1, c01);
                x = new Vector<float>(a1[t]);
                c10 = Fuse(x, b0, c10);
                c11 = Fuse(x, b1, c11);
                x = new Vector<float>(a2[t]);
                c20 = Fuse(x, b0, c20);
                c21 = Fuse(x, b1, c21);
                x = new Vector<float>(a3[t]);
                c30 = Fuse(x, b0, c30);
                c31 = Fuse(x, b1, c31);
            }
            c00.Store(c + lane);
            c01.Store(c + lane + width);
            c10.Store(c1 + lane);
            c11.Store(c1 + lane + width);
            c20.Store(c2 + lane);
            c21.Store(c2 + lane + width);
            c30.Store(c3 + lane);
            c31.Store(c3 + lane + width);
        }
        // Registers of 16 lanes leave at most one that has no pair.
        for (int row = 0; lane < lanes && row < MaxRows; row++)
            One(a + row * strideA, b + lane, strideB, c + row * strideC + lane, terms, lanes - lane);
    }

    /// <summary>One row by four registers, then by one.</summary>
    private static void One(float* a, float* b, int strideB, float* c, int terms, int lanes)
    {
        int width = Vector<float>.Count, lane = 0;
        for (; lane <= lanes - 4 * width; lane += 4 * width)
        {
            Vector<float> c0 = Vector.Load(c + lane), c1 = Vector.Load(c + lane + width);
            Vector<float> c2 = Vector.Load(c + lane + 2 * width), c3 = Vector.Load(c + lane + 3 * width);
            float* line = b + lane;
            for (int t = 0; t < terms; t++, line += strideB)
            {
                var x = new Vector<float>(a[t]);
                c0 = Fuse(x, Vector.Load(line), c0);
                c1 = Fuse(x, Vector.Load(line + width), c1);
                c2 = Fuse(x, Vector.Load(line + 2 * width), c2);
                c3 = Fuse(x, Vector.Load(line + 3 * width), c3);
            }
            c0.Store(c + lane);
            c1.Store(c + lane + width);
            c2.Store(c + lane + 2 * width);
            c3.Store(c + lane + 3 * width);
        }
        for (; lane < lanes; lane += width)
        {
            Vector<float> sum = Vector.Load(c + lane);
            float* line = b + lane;
            for (int t = 0; t < terms; t++, line += strideB)
                sum = Fuse(new Vector<float>(a[t]), Vector.Load(line), sum);
            sum.Store(c + lane);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Fuse(Vector512<float> left, Vector512<float> right, Vector512<float> addend) =>
        Vector512.MultiplyAddEstimate(left, right, addend);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector<float> Fuse(Vector<float> left, Vector<float> right, Vector<float> addend) =>
        Vector.MultiplyAddEstimate(left, right, addend);
}
