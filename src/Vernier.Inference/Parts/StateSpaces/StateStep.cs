using System.Numerics;
using System.Runtime.InteropServices;

namespace Vernier.Inference.Parts.StateSpaces;

/// <summary>One step of one channel of a state space, in one pass over its state.</summary>
internal static class StateStep
{
    /// <summary>s = decay s + input b; returns s c, added up lane by lane and then across.</summary>
    /// <param name="state">s.</param>
    /// <param name="decay">What is kept of it.</param>
    /// <param name="input">What b is multiplied by.</param>
    /// <param name="b">As long as s.</param>
    /// <param name="c">As long as s.</param>
    public static float Run(Span<float> state, float decay, float input, ReadOnlySpan<float> b, ReadOnlySpan<float> c)
    {
        Span<Vector<float>> lanes = MemoryMarshal.Cast<float, Vector<float>>(state);
        ReadOnlySpan<Vector<float>> vb = MemoryMarshal.Cast<float, Vector<float>>(b), vc = MemoryMarshal.Cast<float, Vector<float>>(c);
        Vector<float> keep = new(decay), add = new(input), sums = Vector<float>.Zero;
        for (int i = 0; i < lanes.Length; i++)
        {
            Vector<float> next = lanes[i] * keep + add * vb[i];
            lanes[i] = next;
            sums += next * vc[i];
        }
        float sum = Vector.Sum(sums);
        for (int i = lanes.Length * Vector<float>.Count; i < state.Length; i++)
        {
            state[i] = decay * state[i] + input * b[i];
            sum += state[i] * c[i];
        }
        return sum;
    }
}
