using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Vernier.Quantization.Solvers.Sequential;

/// <summary>
/// Carries the errors of some columns over to others: w_rk = w_rk + e_r0 v_0k + e_r1 v_1k + ..., for each row r, with e the errors negated,
/// the
/// terms added one after the other. A number so depends only on its own terms and their order: carrying over in blocks of columns, however
/// many, gives the same bits as carrying over after every column.
/// </summary>
internal static unsafe class CarryKernel
{
    /// <summary>The columns of a strip: its factors are copied into one piece of memory that stays in the first cache.</summary>
    private const int Strip = 32;

    private const int MostTerms = 128;

    /// <summary>From so many rows on a strip is copied.</summary>
    private const int RowsThatPay = 8;

    /// <summary>Carries over.</summary>
    /// <param name="weights">The first weight to change; a row is <paramref name="stride"/> after the one before.</param>
    /// <param name="rows">The number of rows.</param>
    /// <param name="columns">The number of columns to change.</param>
    /// <param name="stride">The distance of rows, of the weights and of the factor.</param>
    /// <param name="errors">The errors negated, rows x terms.</param>
    /// <param name="terms">The number of columns whose errors are carried over.</param>
    /// <param name="errorStride">The distance of rows of the errors.</param>
    /// <param name="factor">v: the factor of the first term for the first column to change.</param>
    [SkipLocalsInit]
    public static void Run(float* weights, int rows, int columns, int stride, float* errors, int terms, int errorStride, float* factor)
    {
        if (rows < RowsThatPay)
        {
            for (int row = 0; row < rows; row++)
                Line(weights + (long)row * stride, errors + row * errorStride, terms, factor, stride, columns);
            return;
        }
        float* copy = stackalloc float[Strip * MostTerms];
        for (int first = 0; first < terms; first += MostTerms)
        {
            int count = Math.Min(MostTerms, terms - first), column = 0;
            for (; column + Strip <= columns; column += Strip)
            {
                float* source = factor + (long)first * stride + column;
                for (int term = 0; term < count; term++)
                    new Span<float>(source + (long)term * stride, Strip).CopyTo(new Span<float>(copy + term * Strip, Strip));
                int row = 0;
                for (; row + 8 <= rows && Vector512.IsHardwareAccelerated; row += 8)
                    Tile512(weights + (long)row * stride + column, stride, errors + row * errorStride + first, count, errorStride, copy);
                for (; row + 4 <= rows; row += 4)
                {
                    for (int part = 0; part < Strip; part += 2 * Vector<float>.Count)
                        Tile(weights + (long)row * stride + column + part, stride, errors + row * errorStride + first, count, errorStride,
                            copy + part);
                }
                for (; row < rows; row++)
                    Line(weights + (long)row * stride + column, errors + row * errorStride + first, count, copy, Strip, Strip);
            }
            for (int row = 0; row < rows && column < columns; row++)
                Line(weights + (long)row * stride + column, errors + row * errorStride + first, count,
                    factor + (long)first * stride + column, stride, columns - column);
        }
    }

    // Eight rows of two registers: sixteen sums that do not wait for each other, and each factor is loaded once for eight rows.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile512(float* w, int stride, float* e, int terms, int errorStride, float* v)
    {
        float* w2 = w + 2 * (long)stride, w4 = w2 + 2 * (long)stride, w6 = w4 + 2 * (long)stride;
        float* e2 = e + 2 * errorStride, e4 = e2 + 2 * errorStride, e6 = e4 + 2 * errorStride;
        Vector512<float> a0 = Vector512.Load(w), b0 = Vector512.Load(w + 16), a1 = Vector512.Load(w + stride),
            b1 = Vector512.Load(w + stride + 16);
        Vector512<float> a2 = Vector512.Load(w2), b2 = Vector512.Load(w2 + 16), a3 = Vector512.Load(w2 + stride),
            b3 = Vector512.Load(w2 + stride + 16);
        Vector512<float> a4 = Vector512.Load(w4), b4 = Vector512.Load(w4 + 16), a5 = Vector512.Load(w4 + stride),
            b5 = Vector512.Load(w4 + stride + 16);
        Vector512<float> a6 = Vector512.Load(w6), b6 = Vector512.Load(w6 + 16), a7 = Vector512.Load(w6 + stride),
            b7 = Vector512.Load(w6 + stride + 16);
        for (int term = 0; term < terms; term++, v += Strip)
        {
            Vector512<float> v0 = Vector512.Load(v), v1 = Vector512.Load(v + 16), x = Vector512.Create(e[term]);
            a0 = Vector512.MultiplyAddEstimate(x, v0, a0);
            b0 = Vector512.MultiplyAddEstimate(x, v1, b0);
            x = Vector512.Create(e[errorStride + term]);
            a1 = Vector512.MultiplyAddEstimate(x, v0, a1);
            b1 = Vector512.MultiplyAddEstimate(x, v1, b1);
            x = Vector512.Create(e2[term]);
            a2 = Vector512.MultiplyAddEstimate(x, v0, a2);
            b2 = Vector512.MultiplyAddEstimate(x, v1, b2);
            x = Vector512.Create(e2[errorStride + term]);
            a3 = Vector512.MultiplyAddEstimate(x, v0, a3);
            b3 = Vector512.MultiplyAddEstimate(x, v1, b3);
            x = Vector512.Create(e4[term]);
            a4 = Vector512.MultiplyAddEstimate(x, v0, a4);
            b4 = Vector512.MultiplyAddEstimate(x, v1, b4);
            x = Vector512.Create(e4[errorStride + term]);
            a5 = Vector512.MultiplyAddEstimate(x, v0, a5);
            b5 = Vector512.MultiplyAddEstimate(x, v1, b5);
            x = Vector512.Create(e6[term]);
            a6 = Vector512.MultiplyAddEstimate(x, v0, a6);
            b6 = Vector512.MultiplyAddEstimate(x, v1, b6);
            x = Vector512.Create(e6[errorStride + term]);
            a7 = Vector512.MultiplyAddEstimate(x, v0, a7);
            b7 = Vector512.MultiplyAddEstimate(x, v1, b7);
        }
        Store(w, stride, a0, b0, a1, b1);
        Store(w2, stride, a2, b2, a3, b3);
        Store(w4, stride, a4, b4, a5, b5);
        Store(w6, stride, a6, b6, a7, b7);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(float* w, int stride, Vector512<float> a, Vector512<float> b, Vector512<float> c, Vector512<float> d)
    {
        a.Store(w);
        b.Store(w + 16);
        c.Store(w + stride);
        d.Store(w + stride + 16);
    }

    // Four rows of two registers.
    private static void Tile(float* w, int stride, float* e, int terms, int errorStride, float* v)
    {
        int lanes = Vector<float>.Count;
        float* w1 = w + stride, w2 = w1 + stride, w3 = w2 + stride;
        Vector<float> s00 = Vector.Load(w), s01 = Vector.Load(w + lanes), s10 = Vector.Load(w1), s11 = Vector.Load(w1 + lanes);
        Vector<float> s20 = Vector.Load(w2), s21 = Vector.Load(w2 + lanes), s30 = Vector.Load(w3), s31 = Vector.Load(w3 + lanes);
        for (int term = 0; term < terms; term++, v += Strip)
        {
            Vector<float> v0 = Vector.Load(v), v1 = Vector.Load(v + lanes);
            var e0 = new Vector<float>(e[term]);
            var e1 = new Vector<float>(e[errorStride + term]);
            var e2 = new Vector<float>(e[2 * errorStride + term]);
            var e3 = new Vector<float>(e[3 * errorStride + term]);
            s00 = Vector.MultiplyAddEstimate(e0, v0, s00);
            s01 = Vector.MultiplyAddEstimate(e0, v1, s01);
            s10 = Vector.MultiplyAddEstimate(e1, v0, s10);
            s11 = Vector.MultiplyAddEstimate(e1, v1, s11);
            s20 = Vector.MultiplyAddEstimate(e2, v0, s20);
            s21 = Vector.MultiplyAddEstimate(e2, v1, s21);
            s30 = Vector.MultiplyAddEstimate(e3, v0, s30);
            s31 = Vector.MultiplyAddEstimate(e3, v1, s31);
        }
        Vector.Store(s00, w);
        Vector.Store(s01, w + lanes);
        Vector.Store(s10, w1);
        Vector.Store(s11, w1 + lanes);
        Vector.Store(s20, w2);
        Vector.Store(s21, w2 + lanes);
        Vector.Store(s30, w3);
        Vector.Store(s31, w3 + lanes);
    }

    private static void Line(float* w, float* e, int terms, float* v, int stride, int columns)
    {
        int lanes = Vector<float>.Count, column = 0;
        for (; column + lanes <= columns; column += lanes)
        {
            Vector<float> sum = Vector.Load(w + column);
            for (int term = 0; term < terms; term++)
                sum = Vector.MultiplyAddEstimate(new Vector<float>(e[term]), Vector.Load(v + (long)term * stride + column), sum);
            Vector.Store(sum, w + column);
        }
        for (; column < columns; column++)
        {
            float sum = w[column];
            for (int term = 0; term < terms; term++)
                sum = float.MultiplyAddEstimate(e[term], v[(long)term * stride + column], sum);
            w[column] = sum;
        }
    }
}
