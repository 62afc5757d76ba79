using System.Numerics;
using System.Runtime.Intrinsics;

namespace Vernier.Levels;

/// <summary>
/// A scalar grid: sorted integer levels times a power of two. A code k of granule g stands for
/// <c>scale_g * Unit * Levels[k]</c>. Uniform, power and every other scalar grid of at most 8 bits is such a table. Levels that are too far
/// apart for
/// integers of 16 bits, as those of FP8, are floats: see <see cref="OfFloats"/>.
/// </summary>
public sealed class LevelTable
{
    private readonly short[] _levels;
    private readonly float[] _values;
    private readonly float[] _boundaries;
    private readonly BoundaryIndex? _index;

    // The boundaries, and infinities, which nothing exceeds, to the end of a register.
    private readonly float[] _padded;
    private readonly float _inverseUnit;

    /// <summary>Creates a table.</summary>
    /// <param name="bits">Bits of a code, 2 to 8.</param>
    /// <param name="levels">The levels, in ascending order, at most 2^bits.</param>
    /// <param name="unit">The value of level 1 at scale 1: a positive power of two.</param>
    /// <param name="exponent">The exponent a of a power grid; 1 for a uniform one.</param>
    /// <param name="offset">The offset d of the indices of a power grid, 0 to 1/2.</param>
    /// <param name="thresholds">
    /// Between each level and the next, in units of the level, where the code changes; by default half-way.
    /// </param>
    /// <exception cref="ArgumentException">The levels are not sorted, too many, or the unit is no power of two.</exception>
    public LevelTable(int bits, ReadOnlySpan<short> levels, float unit, double exponent, double offset = 0,
        ReadOnlySpan<double> thresholds = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(bits, 2);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(bits, 8);
        if (levels.Length < 2 || levels.Length > 1 << bits)
            throw new ArgumentException($"a {bits}-bit table has 2 to {1 << bits} levels, not {levels.Length}", nameof(levels));
        CheckUnit(unit);
        if (thresholds.Length != 0 && thresholds.Length != levels.Length - 1)
            throw new ArgumentException("there is one threshold between each two levels", nameof(thresholds));
        for (int i = 1; i < levels.Length; i++)
        {
            if (levels[i] < levels[i - 1])
                throw new ArgumentException("the levels must ascend", nameof(levels));
        }
        Bits = bits;
        Unit = unit;
        Exponent = exponent;
        Offset = offset;
        _levels = levels.ToArray();
        _values = Array.ConvertAll(_levels, level => level * unit);
        double[] places = thresholds.Length == 0 ? [] : thresholds.ToArray();
        _boundaries = BoundariesOf(i => (places.Length == 0 ? (_levels[i] + _levels[i + 1]) / 2.0 : places[i]) * unit);
        _index = BoundaryIndex.For(_boundaries);
        (IsRounding, StepArray, Tree) = (CheckRounding(), Steps(), LevelTree.For(this));
        (_padded, _inverseUnit) = (Padded(), 1 / unit);
    }

    private LevelTable(int bits, float[] values, float unit)
    {
        (Bits, Unit, Exponent, _levels, _values) = (bits, unit, 1, [], values);
        _boundaries = BoundariesOf(i => ((double)_values[i] + _values[i + 1]) / 2);
        _index = BoundaryIndex.For(_boundaries);
        (StepArray, Tree, _padded) = (Steps(), LevelTree.For(this), Padded());
    }

    private LevelTable(LevelTable source, float unit)
    {
        CheckUnit(unit);
        Bits = source.Bits;
        Unit = unit;
        Exponent = source.Exponent;
        Offset = source.Offset;
        _levels = source._levels;
        double ratio = (double)unit / source.Unit;
        _values = Array.ConvertAll(source._values, value => (float)(value * ratio));
        _boundaries = Array.ConvertAll(source._boundaries, boundary => NotAbove(boundary * ratio));
        _index = BoundaryIndex.For(_boundaries);
        (IsRounding, StepArray, Tree) = (CheckRounding(), Steps(), LevelTree.For(this));
        (_padded, _inverseUnit) = (Padded(), 1 / unit);
    }

    /// <summary>Creates a table whose levels are floats. No integer kernel serves it: products are in single precision.</summary>
    /// <param name="bits">Bits of a code, 2 to 8.</param>
    /// <param name="levels">The levels, finite and in ascending order, at most 2^bits.</param>
    /// <param name="unit">The value of level 1 at scale 1: a positive power of two.</param>
    /// <exception cref="ArgumentException">The levels are not finite, not sorted, too many, or the unit is no power of two.</exception>
    public static LevelTable OfFloats(int bits, ReadOnlySpan<float> levels, float unit)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(bits, 2);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(bits, 8);
        if (levels.Length < 2 || levels.Length > 1 << bits)
            throw new ArgumentException($"a {bits}-bit table has 2 to {1 << bits} levels, not {levels.Length}", nameof(levels));
        CheckUnit(unit);
        float[] values = Array.ConvertAll(levels.ToArray(), level => level * unit);
        for (int i = 0; i < values.Length; i++)
        {
            if (!float.IsFinite(values[i]) || (i > 0 && values[i] < values[i - 1]))
                throw new ArgumentException("the levels must be finite and ascend", nameof(levels));
        }
        return new LevelTable(bits, values, unit);
    }

    /// <summary>Bits of a code.</summary>
    public int Bits { get; }

    /// <summary>The value of level 1 at scale 1.</summary>
    public float Unit { get; }

    /// <summary>The exponent a of a power grid; 1 for a uniform one.</summary>
    public double Exponent { get; }

    /// <summary>The offset d of the indices of a power grid: 0, or up to 1/2.</summary>
    public double Offset { get; }

    /// <summary>The number of levels.</summary>
    public int Count => _values.Length;

    /// <summary>Whether the levels are floats, not integers.</summary>
    public bool IsFloat => _levels.Length == 0;

    /// <summary>The integer levels in ascending order. Index = code. Empty where levels are floats.</summary>
    public ReadOnlySpan<short> Levels => _levels;

    /// <summary>Levels times unit.</summary>
    public ReadOnlySpan<float> Values => _values;

    /// <summary>The code of x is the number of boundaries that x exceeds.</summary>
    public ReadOnlySpan<float> Boundaries => _boundaries;

    /// <summary>The largest absolute value.</summary>
    public float LargestValue => Math.Max(Math.Abs(_values[0]), Math.Abs(_values[^1]));

    /// <summary>Whether the table is its own mirror image, so that a negative scale offers nothing new.</summary>
    public bool IsOddSymmetric
    {
        get
        {
            for (int i = 0; i < _values.Length; i++)
            {
                if (_values[i] != -_values[^(i + 1)])
                    return false;
            }
            return true;
        }
    }

    /// <summary>Whether all levels fit in 8 bits.</summary>
    public bool FitsInSByte => !IsFloat && _levels[0] >= sbyte.MinValue && _levels[^1] <= sbyte.MaxValue;

    /// <summary>The code of a value that has been divided by the scale: the number of boundaries that it exceeds.</summary>
    public int Encode(float x)
    {
        if (IsRounding)
        {
            // The comparison sends NaN to the first level.
            float level = x * _inverseUnit, least = _levels[0];
            return level > least ? (int)(MathF.Round(MathF.Min(level, _levels[^1])) - least) : 0;
        }
        if (_index is not null)
            return _index.Count(x);
        int code = 0, i = 0;
        if (Vector512.IsHardwareAccelerated)
        {
            for (; i < _padded.Length; i += Vector512<float>.Count)
                code += BitOperations.PopCount(Vector512.GreaterThan(Vector512.Create(x), Vector512.Create(_padded, i))
                    .ExtractMostSignificantBits());
            return code;
        }
        foreach (float boundary in _boundaries)
            code += x > boundary ? 1 : 0;
        return code;
    }

    /// <summary>Whether the table is so large that looking a code up is faster than counting boundaries.</summary>
    internal bool IsIndexed => _index is not null;

    /// <summary>Whether encoding is rounding: the levels are consecutive integers, and the codes change half-way, ties to the even
    /// level.</summary>
    internal bool IsRounding { get; }

    /// <summary>See <see cref="Boundaries"/>.</summary>
    internal float[] BoundaryArray => _boundaries;

    /// <summary>The boundaries as a tree, where that serves.</summary>
    internal LevelTree? Tree { get; }

    /// <summary>By how much the value of each level is above that of the one before.</summary>
    internal float[] StepArray { get; }

    /// <summary>The same levels and boundaries with another unit: every value is multiplied by a power of two, exactly.</summary>
    public LevelTable WithUnit(float unit) => unit == Unit ? this : new(this, unit);

    // A code counts the boundaries below x. Where the index below the threshold t is even, a tie stays down: x > t. Where it is odd,
    // a tie goes up: x >= t, which for floats is x > the number before t. Where t is no float, both are x > the float below t.
    private static float Boundary(double threshold, bool lowerIsEven)
    {
        float boundary = (float)threshold;
        if (boundary > threshold || (boundary == threshold && !lowerIsEven))
            boundary = MathF.BitDecrement(boundary);
        return boundary;
    }

    // The largest float that is not above x, beyond which lie the same floats: among the subnormal ones a boundary has no float of its own.
    private static float NotAbove(double x) => (float)x > x ? MathF.BitDecrement((float)x) : (float)x;

    private float[] BoundariesOf(Func<int, double> threshold)
    {
        var boundaries = new float[_values.Length - 1];
        for (int i = 0; i < boundaries.Length; i++)
        {
            boundaries[i] = Boundary(threshold(i), lowerIsEven: (i - _values.Length / 2) % 2 == 0);
            // Where levels coincide, so do thresholds, and the rule for ties would put their boundaries out of order.
            if (i > 0)
                boundaries[i] = Math.Max(boundaries[i], boundaries[i - 1]);
        }
        return boundaries;
    }

    private bool CheckRounding()
    {
        if (IsFloat)
            return false;
        for (int i = 0; i < _boundaries.Length; i++)
        {
            float half = (_levels[i] + 0.5f) * Unit;
            if (_levels[i + 1] != _levels[i] + 1 || _boundaries[i] != (_levels[i] % 2 == 0 ? half : MathF.BitDecrement(half)))
                return false;
        }
        return true;
    }

    private float[] Padded()
    {
        var padded = new float[(_boundaries.Length + Vector512<float>.Count - 1) / Vector512<float>.Count * Vector512<float>.Count];
        Array.Fill(padded, float.PositiveInfinity);
        _boundaries.CopyTo(padded, 0);
        return padded;
    }

    private float[] Steps()
    {
        var steps = new float[_boundaries.Length];
        for (int i = 0; i < steps.Length; i++)
            steps[i] = _values[i + 1] - _values[i];
        return steps;
    }

    private static void CheckUnit(float unit)
    {
        if (!(unit > 0) || !float.IsNormal(unit) || (BitConverter.SingleToUInt32Bits(unit) & 0x7FFFFF) != 0)
            throw new ArgumentException("the unit must be a power of two in the normal range", nameof(unit));
    }
}
