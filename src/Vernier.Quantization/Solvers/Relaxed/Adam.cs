using System.Numerics;

namespace Vernier.Quantization.Solvers.Relaxed;

/// <summary>
/// Adam: m = b1 m + (1 - b1) g, v = b2 v + (1 - b2) g^2, x = x - rate (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + 1e-8), with b1 = 0.9 and
/// b2 = 0.999. Elements do not depend on each other.
/// <para>D. Kingma, J. Ba: Adam: a method for stochastic optimization, 2015.</para>
/// </summary>
internal sealed class Adam(int count)
{
    private const float Beta1 = 0.9f;
    private const float Beta2 = 0.999f;
    private const float Epsilon = 1e-8f;

    private readonly float[] _first = new float[count];
    private readonly float[] _second = new float[count];

    /// <summary>Moves consecutive elements.</summary>
    /// <param name="offset">The first element.</param>
    /// <param name="values">The elements.</param>
    /// <param name="gradient">Their gradient.</param>
    /// <param name="rate">The learning rate.</param>
    /// <param name="step">The number of the step, from 1.</param>
    public void Step(int offset, Span<float> values, ReadOnlySpan<float> gradient, double rate, int step)
    {
        float firstScale = (float)(rate / (1 - Math.Pow(Beta1, step))), secondScale = (float)(1 / (1 - Math.Pow(Beta2, step)));
        Span<float> first = _first.AsSpan(offset, values.Length), second = _second.AsSpan(offset, values.Length);
        var epsilon = new Vector<float>(Epsilon);
        int i = 0;
        for (; i <= values.Length - Vector<float>.Count; i += Vector<float>.Count)
        {
            var g = new Vector<float>(gradient[i..]);
            Vector<float> m = Beta1 * new Vector<float>(first[i..]) + (1 - Beta1) * g,
                v = Beta2 * new Vector<float>(second[i..]) + (1 - Beta2) * g * g;
            m.CopyTo(first[i..]);
            v.CopyTo(second[i..]);
            (new Vector<float>(values[i..]) - firstScale * m / (Vector.SquareRoot(secondScale * v) + epsilon)).CopyTo(values[i..]);
        }
        for (; i < values.Length; i++)
        {
            first[i] = Beta1 * first[i] + (1 - Beta1) * gradient[i];
            second[i] = Beta2 * second[i] + (1 - Beta2) * gradient[i] * gradient[i];
            values[i] -= firstScale * first[i] / (MathF.Sqrt(secondScale * second[i]) + Epsilon);
        }
    }
}
