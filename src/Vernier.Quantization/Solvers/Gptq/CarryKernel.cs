using System.Numerics;

namespace Vernier.Quantization.Solvers.Gptq;

/// <summary>
/// Carries the errors of some columns over to others: w_rk = w_rk - e_r0 v_0k - e_r1 v_1k - ..., for each row r, the terms subtracted one
/// after the other. A number so depends only on its own terms and their order: carrying over in blocks of columns, however many, gives the same
/// bits as carrying over after every column.
/// </summary>
internal static unsafe class CarryKernel
{
    /// <summary>Carries over.</summary>
    /// <param name="weights">The first weight to change; a row is <paramref name="stride"/> after the one before.</param>
    /// <param name="rows">The number of rows.</param>
    /// <param name="columns">The number of columns to change.</param>
    /// <param name="stride">The distance of rows, of the weights and of the factor.</param>
    /// <param name="errors">The errors, rows x terms.</param>
    /// <param name="terms">The number of columns whose errors are carried over.</param>
    /// <param name="errorStride">The distance of rows of the errors.</param>
    /// <param name="factor">v: the factor of the first term for the first column to change.</param>
    public static void Run(float* weights, int rows, int columns, int stride, float* errors, int terms, int errorStride, float* factor)
    {
        int width = 2 * Vector<float>.Count, column = 0;
        for (; column + width <= columns; column += width)
        {
            int row = 0;
            for (; row + 4 <= rows; row += 4)
                Tile(weights + (long)row * stride + column, stride, errors + row * errorStride, terms, errorStride, factor + column);
            for (; row < rows; row++)
                Line(weights + (long)row * stride + column, stride, errors + row * errorStride, terms, factor + column);
        }
        for (; column < columns; column++)
        {
            for (int row = 0; row < rows; row++)
            {
                float sum = weights[(long)row * stride + column];
                for (int term = 0; term < terms; term++)
                    sum = float.MultiplyAddEstimate(-errors[row * errorStride + term], factor[(long)term * stride + column], sum);
                weights[(long)row * stride + column] = sum;
            }
        }
    }

    // Four rows of two registers: eight sums that do not wait for each other, and each factor is loaded once for four rows.
    private static void Tile(float* w, int stride, float* e, int terms, int errorStride, float* v)
    {
        int lanes = Vector<float>.Count;
        float* w1 = w + stride, w2 = w1 + stride, w3 = w2 + stride;
        Vector<float> s00 = Vector.Load(w), s01 = Vector.Load(w + lanes), s10 = Vector.Load(w1), s11 = Vector.Load(w1 + lanes);
        Vector<float> s20 = Vector.Load(w2), s21 = Vector.Load(w2 + lanes), s30 = Vector.Load(w3), s31 = Vector.Load(w3 + lanes);
        for (int term = 0; term < terms; term++, v += stride)
        {
            Vector<float> v0 = Vector.Load(v), v1 = Vector.Load(v + lanes);
            var e0 = new Vector<float>(-e[term]);
            var e1 = new Vector<float>(-e[errorStride + term]);
            var e2 = new Vector<float>(-e[2 * errorStride + term]);
            var e3 = new Vector<float>(-e[3 * errorStride + term]);
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

    private static void Line(float* w, int stride, float* e, int terms, float* v)
    {
        int lanes = Vector<float>.Count;
        Vector<float> s0 = Vector.Load(w), s1 = Vector.Load(w + lanes);
        for (int term = 0; term < terms; term++, v += stride)
        {
            var error = new Vector<float>(-e[term]);
            s0 = Vector.MultiplyAddEstimate(error, Vector.Load(v), s0);
            s1 = Vector.MultiplyAddEstimate(error, Vector.Load(v + lanes), s1);
        }
        Vector.Store(s0, w);
        Vector.Store(s1, w + lanes);
    }
}
