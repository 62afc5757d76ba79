using System.Numerics;
using System.Runtime.CompilerServices;

namespace Vernier.Files.Gguf.Blocks.Encoding;

/// <summary>
/// ggml's search for the scale of a group of weights x with importance m on a fixed table of levels v: first with the largest weight, of
/// opposite sign, on the first level; then with the largest weight on values around the first level, v[0] + k. For each the best scale
/// by least squares is (sum m v x) / (sum m v^2), and the one that explains most is taken.
/// </summary>
/// <param name="levels">The levels, ascending, 16 of them.</param>
internal sealed class LevelSearch(sbyte[] levels)
{
    private const int Trials = 7;

    /// <summary>The plain definition; 0 where all weights are negligible.</summary>
    public float Find(ReadOnlySpan<float> x, ReadOnlySpan<float> m)
    {
        float largest = SymmetricSearch.Largest(x);
        if (MathF.Abs(largest) < SymmetricSearch.Negligible)
            return 0;
        // Here ggml divides and takes the inverse, which rounds twice.
        (float sumXV, float sumVV) = Moments(x, m, 1 / (-largest / levels[0]));
        float scale = sumVV > 0 ? sumXV / sumVV : 0, best = scale * sumXV;
        for (int k = -Trials; k <= Trials; k++)
        {
            (sumXV, sumVV) = Moments(x, m, (k + levels[0]) / largest);
            if (sumVV > 0 && sumXV * sumXV > best * sumVV)
            {
                scale = sumXV / sumVV;
                best = scale * sumXV;
            }
        }
        return scale;
    }

    /// <summary>The code whose level is nearest to a number; of two, the greater; the last for what is no number.</summary>
    public int Code(float value)
    {
        int code = 0;
        for (int step = levels.Length / 2; step > 0; step /= 2)
            code = value + value < levels[code + step - 1] + levels[code + step] ? code : code + step;
        return code;
    }

    /// <summary>Finds the scales of many groups of the same size, with the same bits as one by one: a group is a lane.</summary>
    /// <param name="x">The groups, one after the other.</param>
    /// <param name="m">The importance of each weight.</param>
    /// <param name="columns">The weights of a group, at most 32.</param>
    /// <param name="scales">Receives a scale for each group.</param>
    public void FindAll(ReadOnlySpan<float> x, ReadOnlySpan<float> m, int columns, Span<float> scales)
    {
        Span<Vector<float>> turned = stackalloc Vector<float>[columns], importance = stackalloc Vector<float>[columns];
        for (int group = 0; group < scales.Length; group += Vector<float>.Count)
        {
            LaneBuffer.Turn(x[(group * columns)..], columns, turned);
            LaneBuffer.Turn(m[(group * columns)..], columns, importance);
            LaneBuffer.Store(FindLanes(turned, importance), scales[group..Math.Min(scales.Length, group + Vector<float>.Count)]);
        }
    }

    /// <summary>The codes of weights at an inverse scale.</summary>
    public void Codes(ReadOnlySpan<float> x, float inverse, Span<byte> codes)
    {
        int i = 0;
        Span<int> found = stackalloc int[Vector<int>.Count];
        for (; i + Vector<float>.Count <= x.Length; i += Vector<float>.Count)
        {
            Vector<float> twice = new Vector<float>(x[i..]) * inverse;
            twice += twice;
            Vector<int> code = new(levels.Length - 1);
            for (int level = 1; level < levels.Length; level++)
                code += Vector.LessThan(twice, new Vector<float>(levels[level - 1] + levels[level]));
            code.CopyTo(found);
            for (int lane = 0; lane < found.Length; lane++)
                codes[i + lane] = (byte)found[lane];
        }
        for (; i < x.Length; i++)
            codes[i] = (byte)Code(inverse * x[i]);
    }

    private (float WeightLevel, float LevelLevel) Moments(ReadOnlySpan<float> x, ReadOnlySpan<float> m, float inverse)
    {
        float sumXV = 0, sumVV = 0;
        for (int i = 0; i < x.Length; i++)
        {
            float v = levels[Code(inverse * x[i])];
            sumXV += m[i] * v * x[i];
            sumVV += m[i] * v * v;
        }
        return (sumXV, sumVV);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private Vector<float> FindLanes(ReadOnlySpan<Vector<float>> x, ReadOnlySpan<Vector<float>> m)
    {
        // The level of a number is the last less the distances of all levels whose lower boundary the number lies below.
        Span<Vector<float>> boundaries = stackalloc Vector<float>[levels.Length - 1],
            distances = stackalloc Vector<float>[boundaries.Length];
        for (int i = 0; i < boundaries.Length; i++)
            (boundaries[i], distances[i]) = (new Vector<float>(levels[i] + levels[i + 1]), new Vector<float>(levels[i + 1] - levels[i]));
        Vector<float> zero = Vector<float>.Zero, first = new(levels[0]), last = new(levels[^1]), largest = SymmetricSearch.Largest(x),
            scale = zero, best = zero;
        for (int k = -Trials - 1; k <= Trials; k++)
        {
            bool start = k < -Trials;
            Vector<float> inverse = start ? Vector<float>.One / (-largest / first)
                : new Vector<float>(k + levels[0]) / largest, sumXV = zero, sumVV = zero;
            for (int i = 0; i < x.Length; i++)
            {
                Vector<float> twice = inverse * x[i], v = last;
                twice += twice;
                for (int j = 0; j < boundaries.Length; j++)
                    v -= Vector.AsVectorSingle(Vector.LessThan(twice, boundaries[j])) & distances[j];
                Vector<float> mv = m[i] * v;
                sumXV += mv * x[i];
                sumVV += mv * v;
            }
            Vector<int> better = Vector.GreaterThan(sumVV, zero);
            if (!start)
                better &= Vector.GreaterThan(sumXV * sumXV, best * sumVV);
            scale = Vector.ConditionalSelect(better, sumXV / sumVV, scale);
            best = Vector.ConditionalSelect(start ? Vector<int>.AllBitsSet : better, scale * sumXV, best);
        }
        return Vector.ConditionalSelect(Vector.LessThan(Vector.Abs(largest), new Vector<float>(SymmetricSearch.Negligible)), zero, scale);
    }
}
