using System.Numerics.Tensors;
using Vernier.Numerics;

namespace Vernier.Quantization.Calibration;

/// <summary>
/// H = sum over tokens of x x^T, C x C, for the input x of a layer; or, of two inputs of the same tokens, sum of y x^T. Blocks of
/// <see cref="BlockRows"/> tokens are multiplied in single precision and added up in double precision, in their order: the sum is the same on
/// any number of threads, and its error does not grow with the number of tokens.
/// </summary>
public sealed class GramMatrix
{
    /// <summary>The tokens of a block.</summary>
    public const int BlockRows = 512;

    private readonly double[] _sums;
    private readonly bool[] _notFinite;

    /// <summary>Creates an empty sum.</summary>
    /// <param name="columns">C, the number of input channels, at least 1.</param>
    public GramMatrix(int columns)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(columns, 1);
        Columns = columns;
        _sums = new double[checked(columns * columns)];
        _notFinite = new bool[columns];
    }

    /// <summary>C.</summary>
    public int Columns { get; }

    /// <summary>The number of tokens added.</summary>
    public long Samples { get; private set; }

    /// <summary>The matrix, row by row.</summary>
    public double[] Values => _sums;

    /// <summary>The channels of which an input was NaN or infinite, ascending.</summary>
    public IReadOnlyList<int> NotFinite => [.. Enumerable.Range(0, Columns).Where(column => _notFinite[column])];

    /// <summary>Adds tokens: H += X^T X.</summary>
    /// <param name="x">rows x C.</param>
    /// <param name="rows">The number of tokens.</param>
    public void Add(ReadOnlySpan<float> x, int rows) => Add(x, x, rows);

    /// <summary>Adds tokens that were observed twice: H += Y^T X.</summary>
    /// <param name="y">rows x C.</param>
    /// <param name="x">rows x C.</param>
    /// <param name="rows">The number of tokens.</param>
    public void Add(ReadOnlySpan<float> y, ReadOnlySpan<float> x, int rows)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(x.Length, (long)rows * Columns);
        ArgumentOutOfRangeException.ThrowIfLessThan(y.Length, (long)rows * Columns);
        bool same = x == y;
        using var left = new PooledArray<float>(Columns * BlockRows);
        using var right = new PooledArray<float>(same ? 1 : Columns * BlockRows);
        using var product = new PooledArray<float>(Columns * Columns);
        for (int first = 0; first < rows; first += BlockRows)
        {
            int count = Math.Min(BlockRows, rows - first);
            ReadOnlySpan<float> block = x.Slice(first * Columns, count * Columns);
            FindNotFinite(block);
            Transpose(same ? block : y.Slice(first * Columns, count * Columns), count, left.Memory);
            if (!same)
                Transpose(block, count, right.Memory);
            MatrixProduct.MultiplyTransposed(left.Span, same ? left.Span : right.Span, product.Span, Columns, Columns, count);
            Memory<float> sums = product.Memory;
            ParallelLoop.For(Columns, row =>
            {
                Span<double> target = _sums.AsSpan(row * Columns, Columns);
                ReadOnlySpan<float> source = sums.Span.Slice(row * Columns, Columns);
                for (int i = 0; i < target.Length; i++)
                    target[i] += source[i];
            });
        }
        Samples += rows;
    }

    private unsafe void Transpose(ReadOnlySpan<float> block, int rows, Memory<float> destination)
    {
        const int Tile = 64;
        fixed (float* pinned = block)
        {
            nint source = (nint)pinned;
            int columns = Columns;
            ParallelLoop.For((columns + Tile - 1) / Tile, tile =>
            {
                Span<float> target = destination.Span;
                for (int row = 0; row < rows; row++)
                {
                    float* line = (float*)source + (long)row * columns;
                    for (int column = tile * Tile; column < Math.Min(columns, (tile + 1) * Tile); column++)
                        target[column * rows + row] = line[column];
                }
            });
        }
    }

    // A sum is finite only if all its terms are; that one test spares nearly every block the search.
    private void FindNotFinite(ReadOnlySpan<float> block)
    {
        if (float.IsFinite(TensorPrimitives.SumOfMagnitudes(block)))
            return;
        for (int i = 0; i < block.Length; i++)
            _notFinite[i % Columns] |= !float.IsFinite(block[i]);
    }
}
