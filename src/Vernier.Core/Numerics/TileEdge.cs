using System.Numerics;
using System.Numerics.Tensors;
using System.Runtime.Intrinsics;

namespace Vernier.Numerics;

/// <summary>Brings tiles to the result that cannot be stored there directly: cut, crossed by the diagonal, or in double
/// precision.</summary>
internal static unsafe class TileEdge
{
    /// <summary>Copies or adds rows x columns elements of <paramref name="tile"/> to the result at (row, column).</summary>
    public static void Copy<T>(ProductTask<T> task, T* tile, int width, int row, int rows, int column, int columns, bool accumulate)
        where T : unmanaged, INumber<T>
    {
        for (int i = 0; i < rows; i++, tile += width)
        {
            int count = task.Lower ? Math.Min(columns, row + i - column + 1) : columns;
            if (count <= 0)
                continue;
            long start = ((row + i) * task.Stride) + column;
            if (task.Wide != null)
            {
                AddWide((float*)tile, task.Wide + start, count);
                continue;
            }
            var source = new ReadOnlySpan<T>(tile, count);
            var target = new Span<T>(task.Result + start, count);
            if (accumulate)
                TensorPrimitives.Add(target, source, target);
            else
                source.CopyTo(target);
        }
    }

    // Eight floats become two times four doubles, lower half first.
    private static void AddWide(float* source, double* target, int count)
    {
        int j = 0;
        if (Vector256.IsHardwareAccelerated)
        {
            for (; j + 8 <= count; j += 8)
            {
                (Vector256<double> low, Vector256<double> high) = Vector256.Widen(Vector256.Load(source + j));
                (low + Vector256.Load(target + j)).Store(target + j);
                (high + Vector256.Load(target + j + 4)).Store(target + j + 4);
            }
        }
        for (; j < count; j++)
            target[j] += source[j];
    }
}

/// <summary>
/// Lists, a share at a time, the lines of the source of a panel that will be packed soon. A tile prefetches them one by one while
/// it multiplies: many requests at once would wait for each other.
/// </summary>
internal unsafe struct PanelPrefetch<T>
    where T : unmanaged
{
    private readonly T* _source;
    private readonly long _stride;
    private readonly int _runs, _length, _share;
    private int _run, _offset;

    /// <summary>Elements (row .. row + rows - 1, first .. first + k - 1) of <paramref name="source"/>, in <paramref name="shares"/>
    /// parts.</summary>
    public PanelPrefetch(ProductOperand<T> source, long row, int rows, int first, int k, int shares)
    {
        _source = source.At(row, first);
        (_runs, _length, _stride) = source.TermStride == 1 ? (rows, k, source.RowStride) : (k, rows, source.TermStride);
        _share = ((_runs * ((_length + Line - 1) / Line)) + shares - 1) / shares;
    }

    private static int Line => 64 / sizeof(T);

    /// <summary>
    /// Writes the next share, at most <paramref name="count"/> addresses, to <paramref name="list"/> and fills it up with the last;
    /// returns the list, or null if nothing is left.
    /// </summary>
    public nint* Next(nint* list, int count)
    {
        if (_run >= _runs)
            return null;
        nint address = 0;
        for (int i = 0; i < count; i++)
        {
            if (i < _share && _run < _runs)
            {
                address = (nint)(_source + (_run * _stride) + _offset);
                _offset += Line;
                if (_offset >= _length)
                    (_run, _offset) = (_run + 1, 0);
            }
            list[i] = address;
        }
        return list;
    }
}
