using System.Runtime.InteropServices;
using Vernier.Files;
using Vernier.Memory;
using Vernier.Numerics;

namespace Vernier.Packing;

/// <summary>
/// The sparse companion of a packed matrix: numbers in half precision that are added to some of its weights, w = decoded + unit * value,
/// the unit being that
/// of the matrix. Either single weights, listed row by row, or whole columns; see <see cref="PackedLayout.Outliers"/>. Or they are weights
/// as they were in the source,
/// beside codes that stand for zero, and the unit is 1; see <see cref="PackedLayout.OutlierSource"/>.
/// </summary>
public sealed class Outliers
{
    private const int RowsPerItem = 64;

    private readonly int[] _starts;
    private readonly int[] _columns;
    private readonly float[] _values;
    private readonly PackedLayout _spec;
    private readonly float _unit;

    /// <summary>Creates the companion.</summary>
    /// <param name="spec">How the matrix is packed: how many outliers there are.</param>
    /// <param name="unit">What a value of 1 adds: a positive power of two.</param>
    /// <param name="counts">The outliers of each row; of whole columns empty.</param>
    /// <param name="columns">Their columns, ascending in each row; of whole columns these columns, once.</param>
    /// <param name="values">Their values, row by row, all finite, as numbers that the stored type has.</param>
    /// <exception cref="ArgumentException">
    /// The counts do not add up, a column is out of range or not above the one before it in its row, or a value is not finite.
    /// </exception>
    public Outliers(PackedLayout spec, float unit, ReadOnlySpan<int> counts, int[] columns, float[] values)
    {
        ArgumentNullException.ThrowIfNull(spec);
        ArgumentNullException.ThrowIfNull(columns);
        ArgumentNullException.ThrowIfNull(values);
        (_spec, _unit, _columns, _values) = (spec, unit, columns, values);
        bool whole = spec.OutlierColumns > 0;
        if (columns.Length != (whole ? spec.OutlierColumns : spec.Outliers) || values.Length != spec.OutlierValues
            || counts.Length != (whole ? 0 : spec.Rows))
            throw new ArgumentException("there are not as many outliers as the specification gives", nameof(spec));
        _starts = new int[spec.Rows + 1];
        for (int row = 0; row < spec.Rows; row++)
        {
            int count = whole ? spec.OutlierColumns : counts[row];
            if (count < 0 || count > values.Length - _starts[row])
                throw new ArgumentException($"row {row} has {count} outliers, more than there are", nameof(counts));
            _starts[row + 1] = _starts[row] + count;
        }
        if (_starts[^1] != values.Length)
            throw new ArgumentException($"the rows have {_starts[^1]} outliers of {values.Length}", nameof(counts));
        for (int row = 0; row < (whole ? 1 : spec.Rows); row++)
        {
            ReadOnlySpan<int> line = Columns(row);
            for (int i = 0; i < line.Length; i++)
            {
                if ((uint)line[i] >= (uint)spec.Columns || (i > 0 && line[i] <= line[i - 1]))
                    throw new ArgumentException($"the outliers of row {row} are not in ascending columns below {spec.Columns}",
                        nameof(columns));
            }
        }
        if (spec.OutlierSource is not null && unit != 1)
            throw new ArgumentException("outliers as they were in the source have the unit 1", nameof(unit));
        if (!Array.TrueForAll(values, float.IsFinite))
            throw new ArgumentException("an outlier is not finite", nameof(values));
    }

    /// <summary>What a value of 1 adds to a weight.</summary>
    public float Unit => _unit;

    /// <summary>The columns of the outliers of a row, ascending.</summary>
    public ReadOnlySpan<int> Columns(int row) =>
        _spec.OutlierColumns > 0 ? _columns : _columns.AsSpan(_starts[row], _starts[row + 1] - _starts[row]);

    /// <summary>The values of the outliers of a row, in the order of <see cref="Columns"/>.</summary>
    public ReadOnlySpan<float> Values(int row) => _values.AsSpan(_starts[row], _starts[row + 1] - _starts[row]);

    /// <summary>Adds the outliers of a row to its weights.</summary>
    /// <param name="row">From 0.</param>
    /// <param name="weights">The row.</param>
    public void AddTo(int row, Span<float> weights)
    {
        ReadOnlySpan<int> columns = Columns(row);
        ReadOnlySpan<float> values = Values(row);
        for (int i = 0; i < columns.Length; i++)
            weights[columns[i]] += _unit * values[i];
    }

    /// <summary>
    /// Y += X S^T, with S the outliers and X in single precision. Each output is summed in the order of its columns by one thread; nothing
    /// is allocated.
    /// </summary>
    /// <param name="x">Activations, rows x columns of the matrix.</param>
    /// <param name="rows">The number of rows of X.</param>
    /// <param name="y">rows x rows of the matrix.</param>
    /// <param name="workers">The threads.</param>
    public unsafe void AddProduct(ReadOnlySpan<float> x, int rows, Span<float> y, Workers workers)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(x.Length, (long)rows * _spec.Columns);
        ArgumentOutOfRangeException.ThrowIfLessThan(y.Length, (long)rows * _spec.Rows);
        fixed (float* px = x, py = y)
        {
            var work = new Work { Outliers = this, X = px, Y = py, Tokens = rows };
            workers.Run((_spec.Rows + RowsPerItem - 1) / RowsPerItem, ref work);
        }
    }

    /// <summary>The stored arrays, in the order of <see cref="PackedLayout.Arrays"/>.</summary>
    internal IEnumerable<ReadOnlyMemory<byte>> ArrayBytes()
    {
        if (_spec.OutlierColumns == 0)
            yield return Indices([.. Enumerable.Range(0, _spec.Rows).Select(row => _starts[row + 1] - _starts[row])]);
        yield return Indices(_columns);
        yield return _spec.OutlierType switch
        {
            ElementType.F32 => MemoryMarshal.AsBytes(_values.AsSpan()).ToArray(),
            ElementType.BF16 => MemoryMarshal.AsBytes(
                Array.ConvertAll(_values, value => (ushort)(BitConverter.SingleToUInt32Bits(value) >> 16)).AsSpan()).ToArray(),
            _ => MemoryMarshal.AsBytes(Array.ConvertAll(_values, value => (Half)value).AsSpan()).ToArray(),
        };
    }

    /// <summary>Values as they are stored, in single precision.</summary>
    internal static float[] Values(ReadOnlySpan<byte> stored, ElementType type) => type switch
    {
        ElementType.F32 => MemoryMarshal.Cast<byte, float>(stored).ToArray(),
        ElementType.BF16 => Array.ConvertAll(MemoryMarshal.Cast<byte, ushort>(stored).ToArray(), bits =>
            BitConverter.UInt32BitsToSingle((uint)bits << 16)),
        _ => Array.ConvertAll(MemoryMarshal.Cast<byte, Half>(stored).ToArray(), value => (float)value),
    };

    private byte[] Indices(int[] numbers) => _spec.NarrowIndices
        ? MemoryMarshal.AsBytes(Array.ConvertAll(numbers, number => (ushort)number).AsSpan()).ToArray()
        : MemoryMarshal.AsBytes(numbers.AsSpan()).ToArray();

    private unsafe struct Work : ITeamWork
    {
        public Outliers Outliers;
        public float* X, Y;
        public int Tokens;

        public readonly void Invoke(int index)
        {
            PackedLayout spec = Outliers._spec;
            int end = Math.Min(spec.Rows, (index + 1) * RowsPerItem);
            for (int row = index * RowsPerItem; row < end; row++)
            {
                ReadOnlySpan<int> columns = Outliers.Columns(row);
                ReadOnlySpan<float> values = Outliers.Values(row);
                if (columns.IsEmpty)
                    continue;
                foreach (int column in columns)
                    Touch.Within(column, 1, spec.Columns);
                for (int token = 0; token < Tokens; token++)
                {
                    float* x = X + (long)token * spec.Columns;
                    float sum = 0;
                    for (int i = 0; i < columns.Length; i++)
                        sum += x[columns[i]] * values[i];
                    Y[(long)token * spec.Rows + row] += Outliers._unit * sum;
                }
            }
        }
    }
}
