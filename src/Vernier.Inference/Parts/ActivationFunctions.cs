using System.Numerics.Tensors;
using Vernier.Inference.Configuration;

namespace Vernier.Inference.Parts;

/// <summary>The nonlinearities on rows.</summary>
internal static class ActivationFunctions
{
    /// <summary>y = act(x). y does not overlap x.</summary>
    public static void Apply(Activation activation, ReadOnlySpan<float> x, Span<float> y)
    {
        switch (activation)
        {
            case Activation.Silu:
                TensorPrimitives.Sigmoid(x, y);
                TensorPrimitives.Multiply(y, x, y);
                break;
            case Activation.GeluTanh:
                GeluTanh(x, y);
                break;
            case Activation.Gelu:
                for (int i = 0; i < x.Length; i++)
                    y[i] = (float)(0.5 * x[i] * (1 + Erf(x[i] * 0.70710678118654752)));
                break;
            case Activation.Relu:
                TensorPrimitives.Max(x, 0, y);
                break;
            case Activation.SquaredRelu:
                TensorPrimitives.Max(x, 0, y);
                TensorPrimitives.Multiply(y, y, y);
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(activation), activation, "no such nonlinearity");
        }
    }

    /// <summary>log(1 + e^x), x where that is all of it.</summary>
    public static float Softplus(float x) => x > 20 ? x : (float)Math.Log(1 + Math.Exp(x));

    /// <summary>x sigmoid(2 sqrt(2/pi) (x + 0.044715 x^3)).</summary>
    private static void GeluTanh(ReadOnlySpan<float> x, Span<float> y)
    {
        const float Slope = 1.5957691216f;
        TensorPrimitives.Multiply(x, x, y);
        TensorPrimitives.Multiply(y, 0.044715f * Slope, y);
        TensorPrimitives.Add(y, Slope, y);
        TensorPrimitives.Multiply(y, x, y);
        TensorPrimitives.Sigmoid<float>(y, y);
        TensorPrimitives.Multiply(y, x, y);
    }

    /// <summary>
    /// The error function: its series 2/sqrt(pi) e^(-x^2) sum_n 2^n x^(2n+1) / (1 3 5 .. (2n+1)) up to 3, beyond it 1 less the continued
    /// fraction of its complement. Exact to 1e-14.
    /// </summary>
    internal static double Erf(double x)
    {
        double size = Math.Abs(x), square = x * x;
        if (size > 6)
            return Math.Sign(x);
        if (size < 3)
        {
            double term = size, sum = size;
            for (int n = 1; term > sum * 1e-17; n++)
            {
                term *= 2 * square / (2 * n + 1);
                sum += term;
            }
            return Math.CopySign(1.1283791670955126 * Math.Exp(-square) * sum, x);
        }
        double fraction = 0;
        for (int n = 60; n >= 1; n--)
            fraction = n / 2.0 / (size + fraction);
        return Math.CopySign(1 - Math.Exp(-square) / (1.7724538509055160 * (size + fraction)), x);
    }
}
