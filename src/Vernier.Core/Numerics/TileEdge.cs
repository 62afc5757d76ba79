using System.Numerics;
using System.Runtime.Intrinsics.X86;

namespace Vernier.Numerics;

/// <summary>Brings tiles to the result that cannot be stored there directly: cut, crossed by the diagonal, or in double precision.</summary>
internal static unsafe class TileEdge
{
    /// <summary>Copies or adds rows x columns elements of <paramref name="tile"/> to the result at (row, column).</summary>
    public static void Copy<T>(ProductTask<T> task, T* tile, int width, int row, int rows, int column, int columns, bool accumulate)
        where T : unmanaged, INumber<T>
    {
        for (int i = 0; i < rows; i++, tile += width)
        {
            int count = task.Lower ? Math.Min(columns, row + i - column + 1) : columns;
            long start = ((row + i) * task.Stride) + column;
            if (task.Wide != null)
            {
                double* wide = task.Wide + start;
                for (int j = 0; j < count; j++)
                    wide[j] += double.CreateTruncating(tile[j]);
                continue;
            }
            T* target = task.Result + start;
            for (int j = 0; j < count; j++)
                target[j] = accumulate ? target[j] + tile[j] : tile[j];
        }
    }
}

/// <summary>Asks, a share at a time, for the source of a panel that will be packed soon.</summary>
internal unsafe struct PanelPrefetch<T>
    where T : unmanaged
{
    private readonly T* _source;
    private readonly long _stride;
    private readonly int _runs, _length, _share;
    private int _run, _offset;

    private static int Line => 64 / sizeof(T);

    /// <summary>Elements (row .. row + rows - 1, first .. first + k - 1) of <paramref name="source"/>, in <paramref name="shares"/> parts.</summary>
    public PanelPrefetch(ProductOperand<T> source, long row, int rows, int first, int k, int shares)
    {
        _source = source.At(row, first);
        (_runs, _length, _stride) = source.TermStride == 1 ? (rows, k, source.RowStride) : (k, rows, source.TermStride);
        _share = ((_runs * ((_length + Line - 1) / Line)) + shares - 1) / shares;
    }

    /// <summary>Prefetches the next share, a line at a time, into the second cache.</summary>
    public void Next()
    {
        if (!Sse.IsSupported)
            return;
        for (int i = 0; i < _share && _run < _runs; i++)
        {
            Sse.Prefetch1(_source + (_run * _stride) + _offset);
            _offset += Line;
            if (_offset >= _length)
                (_run, _offset) = (_run + 1, 0);
        }
    }
}
