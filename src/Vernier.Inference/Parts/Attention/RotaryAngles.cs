using System.Numerics;
using Vernier.Inference.Configuration;
using Vernier.Numerics;

namespace Vernier.Inference.Parts.Attention;

/// <summary>Cosines and sines of the rotary position embedding, computed in double precision as far as they are needed.</summary>
internal sealed class RotaryAngles
{
    private readonly double[] _frequencies;
    private readonly double _amplitude;
    private readonly bool _interleaved;
    private readonly Lock _gate = new();

    // Replaced as a whole, so that threads that read never see a part of it.
    private Table _table = new([], [], 0);

    /// <summary>Prepares the frequencies.</summary>
    /// <param name="rope">The embedding.</param>
    /// <param name="longContext">LongRoPE: whether the context is longer than the original one. Otherwise without effect.</param>
    /// <param name="length">Dynamic scaling: the tokens of the sequence. Otherwise without effect.</param>
    public RotaryAngles(RopeConfig rope, bool longContext, int length = 0)
    {
        _frequencies = Frequencies(rope, longContext, length);
        _amplitude = longContext ? rope.LongAttentionFactor ?? rope.AttentionFactor : rope.AttentionFactor;
        _interleaved = rope.Interleaved;
    }

    /// <summary>The R/2 frequencies f_i in radians per position, rescaled.</summary>
    public static double[] Frequencies(RopeConfig rope, bool longContext, int length = 0)
    {
        double[] frequencies = new double[rope.RotarySize / 2];
        double theta = rope.Scaling == RopeScaling.Dynamic && length > rope.OriginalMaxPositions
            ? rope.Theta * Math.Pow(rope.Factor * length / rope.OriginalMaxPositions - (rope.Factor - 1),
                rope.RotarySize / (rope.RotarySize - 2.0))
            : rope.Theta;
        for (int i = 0; i < frequencies.Length; i++)
        {
            double frequency = Math.Pow(theta, -2.0 * i / rope.RotarySize);
            frequencies[i] = rope.Scaling switch
            {
                RopeScaling.Linear => frequency / rope.Factor,
                RopeScaling.Yarn => ScaleYarn(frequency, i, rope),
                RopeScaling.Llama3 => ScaleLlama3(frequency, rope),
                RopeScaling.LongRope => frequency / (longContext ? rope.LongFactors : rope.ShortFactors)[i],
                _ => frequency,
            };
        }
        return frequencies;
    }

    /// <summary>Makes sure that the angles of positions 0 .. length - 1 are there.</summary>
    /// <param name="length">The positions.</param>
    /// <param name="workers">Who computes them; null for the caller alone.</param>
    public void Ensure(int length, Workers? workers)
    {
        if (length > Volatile.Read(ref _table).Length)
            Grow(length, workers);
    }

    private void Grow(int length, Workers? workers)
    {
        lock (_gate)
        {
            Table old = _table;
            if (length > old.Length)
                Volatile.Write(ref _table, Extended(old, Math.Max(length, Math.Min(2 * old.Length, Array.MaxLength / _frequencies.Length)),
                    workers));
        }
    }

    private Table Extended(Table old, int length, Workers? workers)
    {
        int half = _frequencies.Length, from = old.Length;
        float[] cosines = new float[checked(length * half)], sines = new float[cosines.Length];
        old.Cosines.AsSpan(0, from * half).CopyTo(cosines);
        old.Sines.AsSpan(0, from * half).CopyTo(sines);
        if (workers is not null)
            workers.For(length - from, Fill);
        for (int row = 0; workers is null && row < length - from; row++)
            Fill(row);
        return new Table(cosines, sines, length);

        void Fill(int row)
        {
            int position = from + row;
            for (int i = 0; i < half; i++)
            {
                (double sine, double cosine) = Math.SinCos(position * _frequencies[i]);
                cosines[position * half + i] = (float)(cosine * _amplitude);
                sines[position * half + i] = (float)(sine * _amplitude);
            }
        }
    }

    /// <summary>Turns the leading coordinates of one head in place: (a, b) becomes (a cos - b sin, b cos + a sin).</summary>
    public void Rotate(Span<float> head, int position)
    {
        if (_interleaved)
        {
            RotatePairs(head, position);
            return;
        }
        Table table = Volatile.Read(ref _table);
        int half = _frequencies.Length;
        ReadOnlySpan<float> cosines = table.Cosines.AsSpan(position * half, half), sines = table.Sines.AsSpan(position * half, half);
        Span<float> first = head[..half], second = head.Slice(half, half);
        int i = 0;
        for (; i <= half - Vector<float>.Count; i += Vector<float>.Count)
        {
            Vector<float> a = new(first[i..]), b = new(second[i..]), c = new(cosines[i..]), s = new(sines[i..]);
            (a * c - b * s).CopyTo(first[i..]);
            (b * c + a * s).CopyTo(second[i..]);
        }
        for (; i < half; i++)
            (first[i], second[i]) = (first[i] * cosines[i] - second[i] * sines[i], second[i] * cosines[i] + first[i] * sines[i]);
    }

    private void RotatePairs(Span<float> head, int position)
    {
        Table table = Volatile.Read(ref _table);
        int half = _frequencies.Length;
        ReadOnlySpan<float> cosines = table.Cosines.AsSpan(position * half, half), sines = table.Sines.AsSpan(position * half, half);
        for (int i = 0; i < half; i++)
        {
            (float a, float b) = (head[2 * i], head[2 * i + 1]);
            (head[2 * i], head[2 * i + 1]) = (a * cosines[i] - b * sines[i], b * cosines[i] + a * sines[i]);
        }
    }

    /// <summary>
    /// t f + (1 - t) f / factor, with t falling from 1 to 0 between the indices of the frequencies that turn fast and slow in the
    /// original context.
    /// </summary>
    private static double ScaleYarn(double frequency, int index, RopeConfig rope)
    {
        double low = Border(rope.FastTurns), high = Border(rope.SlowTurns);
        if (rope.WholeBorders)
            (low, high) = (Math.Floor(low), Math.Ceiling(high));
        (low, high) = (Math.Max(low, 0), Math.Min(high, rope.RotarySize - 1));
        double kept = 1 - Math.Clamp((index - low) / (low == high ? 0.001 : high - low), 0, 1);
        return frequency / rope.Factor * (1 - kept) + frequency * kept;

        double Border(double turns) => rope.RotarySize * Math.Log(rope.OriginalMaxPositions / (turns * 2 * Math.PI))
            / (2 * Math.Log(rope.Theta));
    }

    /// <summary>
    /// With wavelength l = 2 pi / f and original context L: f where l is below L / high, f / factor where it is above L / low,
    /// between them the blend (1 - t) f / factor + t f with t = (L / l - low) / (high - low).
    /// </summary>
    private static double ScaleLlama3(double frequency, RopeConfig rope)
    {
        double turns = rope.OriginalMaxPositions * frequency / (2 * Math.PI);
        double blend = (turns - rope.LowFrequencyFactor) / (rope.HighFrequencyFactor - rope.LowFrequencyFactor);
        blend = Math.Clamp(blend, 0, 1);
        return (1 - blend) * frequency / rope.Factor + blend * frequency;
    }

    private sealed class Table(float[] cosines, float[] sines, int length)
    {
        public float[] Cosines => cosines;

        public float[] Sines => sines;

        public int Length => length;
    }
}
