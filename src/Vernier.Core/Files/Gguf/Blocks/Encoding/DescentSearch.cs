using System.Numerics;
using System.Runtime.CompilerServices;

namespace Vernier.Files.Gguf.Blocks.Encoding;

/// <summary>
/// ggml's search for the scale of a group of weights x with levels -<paramref name="most"/> .. <paramref name="most"/> - 1 and importance
/// x^2: from the
/// levels that give the largest weight the level -most, it changes one level at a time where the best scale for the others asks for it
/// and the levels then explain more, in up to five rounds.
/// </summary>
internal sealed class DescentSearch(int most)
{
    private const int Rounds = 5;

    /// <summary>The plain definition.</summary>
    /// <param name="x">The weights.</param>
    /// <param name="codes">Receives a code, level + most, for each; 0 where all weights are negligible.</param>
    /// <returns>The scale.</returns>
    public float Find(ReadOnlySpan<float> x, Span<byte> codes)
    {
        float largest = SymmetricSearch.Largest(x);
        if (MathF.Abs(largest) < SymmetricSearch.Negligible)
        {
            codes.Clear();
            return 0;
        }
        Span<int> level = stackalloc int[x.Length];
        float inverse = -most / largest, sumXL = 0, sumLL = 0;
        for (int i = 0; i < x.Length; i++)
        {
            int l = level[i] = Rounding.Nearest(inverse * x[i], -most, most - 1);
            float m = x[i] * x[i];
            sumXL += m * x[i] * l;
            sumLL += m * l * l;
        }
        bool changed = true;
        for (int round = 0; round < Rounds && changed; round++)
        {
            changed = false;
            for (int i = 0; i < x.Length; i++)
            {
                float m = x[i] * x[i], otherXL = sumXL - m * x[i] * level[i];
                if (!(otherXL > 0))
                    continue;
                float otherLL = sumLL - m * level[i] * level[i];
                int l = Rounding.Nearest(x[i] * otherLL / otherXL, -most, most - 1);
                if (l == level[i])
                    continue;
                otherXL += m * x[i] * l;
                otherLL += m * l * l;
                if (otherLL > 0 && otherXL * otherXL * sumLL > sumXL * sumXL * otherLL)
                {
                    (level[i], sumXL, sumLL) = (l, otherXL, otherLL);
                    changed = true;
                }
            }
        }
        for (int i = 0; i < x.Length; i++)
            codes[i] = (byte)(level[i] + most);
        return sumLL > 0 ? sumXL / sumLL : 0;
    }

    /// <summary>Finds the scales of many groups of the same size, with the same bits as one by one: a group is a lane.</summary>
    /// <param name="x">The groups, one after the other.</param>
    /// <param name="columns">The weights of a group, at most 32.</param>
    /// <param name="scales">Receives a scale for each group.</param>
    public void FindAll(ReadOnlySpan<float> x, int columns, Span<float> scales)
    {
        Span<Vector<float>> turned = stackalloc Vector<float>[columns];
        for (int group = 0; group < scales.Length; group += Vector<float>.Count)
        {
            LaneBuffer.Turn(x[(group * columns)..], columns, turned);
            LaneBuffer.Store(FindLanes(turned), scales[group..Math.Min(scales.Length, group + Vector<float>.Count)]);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private Vector<float> FindLanes(ReadOnlySpan<Vector<float>> x)
    {
        Span<Vector<float>> level = stackalloc Vector<float>[x.Length];
        Vector<float> zero = Vector<float>.Zero, largest = SymmetricSearch.Largest(x), inverse = new Vector<float>(-most) / largest,
            sumXL = zero, sumLL = zero;
        Vector<int> low = new(-most), high = new(most - 1);
        for (int i = 0; i < x.Length; i++)
        {
            Vector<float> l = level[i] = Rounding.Nearest(inverse * x[i], low, high), m = x[i] * x[i];
            sumXL += m * x[i] * l;
            sumLL += m * l * l;
        }
        // A lane in which a round changes nothing stays as it is in further rounds.
        bool changed = true;
        for (int round = 0; round < Rounds && changed; round++)
        {
            Vector<int> changes = Vector<int>.Zero;
            for (int i = 0; i < x.Length; i++)
            {
                Vector<float> m = x[i] * x[i], mx = m * x[i], old = level[i], otherXL = sumXL - mx * old, otherLL = sumLL - m * old * old;
                Vector<float> l = Rounding.Nearest(x[i] * otherLL / otherXL, low, high);
                Vector<int> wanted = Vector.GreaterThan(otherXL, zero) & Vector.OnesComplement(Vector.Equals(l, old));
                otherXL += mx * l;
                otherLL += m * l * l;
                Vector<int> better = wanted & Vector.GreaterThan(otherLL, zero) & Vector.GreaterThan(
                    otherXL * otherXL * sumLL, sumXL * sumXL * otherLL);
                level[i] = Vector.ConditionalSelect(better, l, old);
                sumXL = Vector.ConditionalSelect(better, otherXL, sumXL);
                sumLL = Vector.ConditionalSelect(better, otherLL, sumLL);
                changes |= better;
            }
            changed = !Vector.EqualsAll(changes, Vector<int>.Zero);
        }
        Vector<int> useless = Vector.LessThan(Vector.Abs(largest), new Vector<float>(SymmetricSearch.Negligible)) | Vector.OnesComplement(
            Vector.GreaterThan(sumLL, zero));
        return Vector.ConditionalSelect(useless, zero, sumXL / sumLL);
    }
}
