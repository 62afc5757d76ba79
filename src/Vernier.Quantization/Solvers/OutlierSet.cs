using Vernier.Packing;

namespace Vernier.Quantization.Solvers;

/// <summary>
/// The sparse part S of W = Q + S: at some places of a matrix, single ones or whole columns, numbers as they are stored: in half precision
/// times the unit of the
/// first level table, or the weights themselves where they are kept bit for bit.
/// </summary>
internal sealed class OutlierSet
{
    private readonly PackedLayout _layout;
    private readonly float _unit;
    private readonly int[] _places;
    private readonly float[] _values;

    private OutlierSet(PackedLayout layout, float unit, int[] places)
    {
        (_layout, _unit, _places) = (layout, unit, places);
        _values = new float[places.Length];
        Starts = new int[layout.Rows + 1];
        foreach (int place in places)
            Starts[place / layout.Columns + 1]++;
        for (int row = 0; row < layout.Rows; row++)
            Starts[row + 1] += Starts[row];
    }

    /// <summary>The places, row * columns + column, ascending.</summary>
    public ReadOnlySpan<int> Places => _places;

    /// <summary>The number of the first outlier of each row, and of all at the end.</summary>
    public int[] Starts { get; }

    /// <summary>
    /// The places of the largest numbers: as many as the specification has outliers, or the columns of the largest norms. Of equals the
    /// first is taken.
    /// </summary>
    /// <param name="problem">The layer.</param>
    /// <param name="numbers">R x C.</param>
    public static OutlierSet Largest(MatrixProblem problem, ReadOnlySpan<float> numbers) =>
        Largest(problem.Scalar, problem.Tables[0].Unit, numbers);

    /// <summary>The same for any layout.</summary>
    /// <param name="layout">The layout.</param>
    /// <param name="unit">The unit of the matrix for normalised weights.</param>
    /// <param name="numbers">R x C.</param>
    public static OutlierSet Largest(PackedLayout layout, float unit, ReadOnlySpan<float> numbers)
    {
        int rows = layout.Rows, columns = layout.Columns;
        int[] places;
        if (layout.OutlierColumns > 0)
        {
            var norms = new double[columns];
            for (int i = 0; i < numbers.Length; i++)
                norms[i % columns] += (double)numbers[i] * numbers[i];
            int[] chosen = [.. Enumerable.Range(0, columns).OrderByDescending(column => norms[column]).Take(layout.OutlierColumns).Order()];
            places = [.. Enumerable.Range(0, rows).SelectMany(row => chosen.Select(column => row * columns + column))];
        }
        else
        {
            var keys = new float[numbers.Length];
            // Beyond so many sigma are those that are the farthest from the mean: the specification has counted them.
            float centre = layout.OutlierSource is null ? 0 : (float)OutlierBound.Mean(numbers, columns);
            for (int i = 0; i < keys.Length; i++)
                keys[i] = -Math.Abs(numbers[i] - centre);
            int[] all = [.. Enumerable.Range(0, keys.Length)];
            // Sorting is not stable; what is as large as the last is taken in order.
            Array.Sort(keys, all);
            float last = keys[layout.Outliers - 1];
            int above = Array.FindIndex(keys, key => key == last), equal = keys.AsSpan(above).LastIndexOf(last) + 1;
            places = [.. all[..above], .. all[above..(above + equal)].Order().Take(layout.Outliers - above)];
            Array.Sort(places);
        }
        return new OutlierSet(layout, unit, places);
    }

    /// <summary>The number at a place, as it is stored.</summary>
    public float this[int index]
    {
        get => _unit * _values[index];
        set
        {
            var stored = (Half)(value / _unit);
            _values[index] = _layout.OutlierSource is not null ? value / _unit
                : (float)(Half.IsFinite(stored) ? stored : Half.CopySign(Half.MaxValue, stored));
        }
    }

    /// <summary>Takes the numbers of a matrix at the places.</summary>
    public void Take(ReadOnlySpan<float> numbers)
    {
        for (int i = 0; i < _places.Length; i++)
            this[i] = numbers[_places[i]];
    }

    /// <summary>The layer without the outliers: W - S.</summary>
    public MatrixProblem Remaining(MatrixProblem whole) => whole.WithWeights(Remaining(whole.Weights));

    /// <summary>Weights without the outliers: W - S.</summary>
    public float[] Remaining(float[] weights)
    {
        float[] rest = [.. weights];
        for (int i = 0; i < _places.Length; i++)
            rest[_places[i]] -= this[i];
        return rest;
    }

    /// <summary>Adds the outliers of a row to its weights.</summary>
    public void AddTo(int row, Span<float> weights)
    {
        for (int i = Starts[row]; i < Starts[row + 1]; i++)
            weights[_places[i] - row * _layout.Columns] += this[i];
    }

    /// <summary>The outliers as they are stored.</summary>
    /// <param name="shift">The power of two by which the weights were divided.</param>
    public Packing.Outliers Pack(int shift)
    {
        int[] columns = Array.ConvertAll(_places, place => place % _layout.Columns);
        int[] counts = _layout.OutlierColumns > 0 ? []
            : [.. Enumerable.Range(0, _layout.Rows).Select(row => Starts[row + 1] - Starts[row])];
        bool exact = _layout.OutlierSource is not null;
        float unit = MathF.ScaleB(_unit, shift);
        float[] values = exact ? Array.ConvertAll(_values, value => value * unit) : [.. _values];
        return new Packing.Outliers(_layout, exact ? 1 : unit, counts, _layout.OutlierColumns > 0 ? columns[.._layout.OutlierColumns]
            : columns, values);
    }
}
