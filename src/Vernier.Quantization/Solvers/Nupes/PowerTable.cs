using Vernier.Grids;
using Vernier.Grids.Power;
using Vernier.Levels;

namespace Vernier.Quantization.Solvers.Nupes;

/// <summary>
/// The levels of a table while its exponent is learned: value_k = c sign(i_k) r_k^(1/a), r_k = |i_k| / N, with the indices i_k of the
/// table's layout, N the
/// largest, and c the largest value. The exponent is a = 0.2 + sigmoid(t), which keeps it between 0.2 and 1.2.
/// </summary>
internal sealed class PowerTable
{
    private readonly double[] _indices;
    private readonly double _largest;
    private readonly double _offset;
    private readonly double _top;
    private readonly LevelTable _start;

    /// <summary>Begins with a table.</summary>
    public PowerTable(LevelTable start)
    {
        _start = start;
        int count = start.Levels.Length;
        // An even number of levels that mirror each other: the mid-rise layout, the offset of which a uniform table does not tell.
        _offset = count % 2 == 1 ? 0 : start.IsOddSymmetric ? 0.5 : start.Offset;
        _indices = [.. Enumerable.Range(0, count).Select(k => k - count / 2 + _offset)];
        _largest = Math.Max(-_indices[0], _indices[^1]);
        _top = start.LargestValue;
        Values = start.Values.ToArray();
        Slopes = new float[count];
        double part = Math.Clamp(start.Exponent - PowerGrid.MinExponent, 1e-3, PowerGrid.MaxExponent - PowerGrid.MinExponent - 1e-3);
        Parameter = (float)Math.Log(part / (1 - part));
        Update();
    }

    /// <summary>t.</summary>
    public float Parameter { get; set; }

    /// <summary>a.</summary>
    public double Exponent => PowerGrid.MinExponent + Part;

    /// <summary>da / dt.</summary>
    public double ExponentSlope => Part * (1 - Part);

    /// <summary>The values at scale 1.</summary>
    public float[] Values { get; }

    /// <summary>d value_k / da = -c sign(i_k) r_k^(1/a) ln r_k / a^2; 0 where r_k is 0.</summary>
    public float[] Slopes { get; }

    private double Part { get; set; }

    /// <summary>Computes values and slopes for the exponent as it is now.</summary>
    public void Update()
    {
        Part = 1 / (1 + Math.Exp(-Parameter));
        double a = Exponent;
        for (int k = 0; k < Values.Length; k++)
        {
            double ratio = Math.Abs(_indices[k]) / _largest, value = _top * PowerGrid.Decode(_indices[k] / _largest, a);
            Values[k] = (float)value;
            Slopes[k] = ratio == 0 ? 0 : (float)(-value * Math.Log(ratio) / (a * a));
        }
    }

    /// <summary>N.</summary>
    public float Largest => (float)_largest;

    /// <summary>c.</summary>
    public float Top => (float)_top;

    /// <summary>The first index.</summary>
    public float First => (float)_indices[0];

    /// <summary>The table as it is stored, with integer levels.</summary>
    public LevelTable ToTable()
    {
        double exponent = Math.Clamp(Math.Round(Exponent, 4), PowerGrid.MinExponent, PowerGrid.MaxExponent);
        LevelLayout layout = _indices.Length % 2 == 1 ? LevelLayout.Symmetric : LevelLayout.Offset;
        return PowerGrid.Create(_start.Bits, layout, exponent, _offset);
    }
}
