using Vernier.Levels;

namespace Vernier.Quantization.Solvers.Scalar;

/// <summary>The levels of one granule: w~ = scale (value[code] - value[zero]).</summary>
public readonly struct GranuleGrid
{
    private readonly LevelTable _table;
    private readonly float _scale;
    private readonly float _inverse;
    private readonly float _zero;
    private readonly float _perStep;
    private readonly int _zeroPoint;

    /// <summary>Creates the levels.</summary>
    /// <param name="table">The level table.</param>
    /// <param name="scale">The stored scale.</param>
    /// <param name="zeroPoint">The code that stands for zero, or -1 where there is no zero point.</param>
    public GranuleGrid(LevelTable table, Half scale, int zeroPoint)
    {
        _table = table;
        _scale = (float)scale;
        _inverse = _scale == 0 ? 0 : 1 / _scale;
        _zeroPoint = zeroPoint;
        if (zeroPoint < 0)
            return;
        _zero = table.Values[zeroPoint];
        float step = _scale * table.Unit;
        _perStep = step == 0 ? 0 : 1 / step;
    }

    /// <summary>The weight that a code stands for.</summary>
    public float Decode(int code) => _scale * (_table.Values[code] - _zero);

    /// <summary>What a code stands for at scale 1.</summary>
    public float Level(int code) => _table.Values[code] - _zero;

    /// <summary>The largest code.</summary>
    public int Last => _table.Count - 1;

    /// <summary>
    /// The code of the interval that a weight lies in: of all codes but the last that whose level and the next one enclose it, or the
    /// outermost.
    /// </summary>
    public int Below(float weight)
    {
        int code = Math.Min(Nearest(weight), Last - 1);
        // Where the scale is negative, the weights fall as the codes rise.
        bool beyond = _scale < 0 ? weight > Decode(code) : weight < Decode(code);
        return beyond && code > 0 ? code - 1 : code;
    }

    /// <summary>The code that the grid's rounding rule gives.</summary>
    public int Encode(float weight) => _zeroPoint < 0
        ? _table.Encode(weight * _inverse)
        : (int)Math.Clamp(MathF.Round(weight * _perStep) + _zeroPoint, 0, _table.Count - 1);

    /// <summary>The code whose level is the nearest, whatever the rounding rule of the grid is.</summary>
    public int Nearest(double weight)
    {
        int code = Encode((float)weight), last = _table.Count - 1;
        // The rule of the grid may give a neighbour of the nearest level; from it the distance falls towards the nearest one.
        while (code < last && Distance(code + 1, weight) < Distance(code, weight))
            code++;
        while (code > 0 && Distance(code - 1, weight) < Distance(code, weight))
            code--;
        return code;
    }

    private double Distance(int code, double weight) => Math.Abs(Decode(code) - weight);
}
