using System.Numerics.Tensors;
using Vernier.Numerics;

namespace Vernier.Quantization.Calibration;

/// <summary>
/// H = sum over tokens of x x^T, C x C, for the input x of a layer. Blocks of tokens are multiplied in single precision and added up in
/// double
/// precision, in their order: the sum is the same on any number of threads, and its error does not grow with the number of tokens.
/// </summary>
public sealed class GramMatrix
{
    private readonly double[] _sums;
    private readonly bool[] _notFinite;
    private readonly Workers _workers;

    /// <summary>Creates an empty sum.</summary>
    /// <param name="columns">C, the number of input channels, at least 1.</param>
    /// <param name="workers">Who adds up; null for all processors.</param>
    public GramMatrix(int columns, Workers? workers = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(columns, 1);
        Columns = columns;
        _workers = workers ?? Workers.Shared;
        _sums = new double[checked(columns * columns)];
        _notFinite = new bool[columns];
    }

    /// <summary>C.</summary>
    public int Columns { get; }

    /// <summary>The number of tokens added.</summary>
    public long Samples { get; private set; }

    /// <summary>The channels of which an input was NaN or infinite, ascending.</summary>
    public IReadOnlyList<int> NotFinite => [.. Enumerable.Range(0, Columns).Where(column => _notFinite[column])];

    /// <summary>Adds tokens: H += X^T X.</summary>
    /// <param name="x">rows x C.</param>
    /// <param name="rows">The number of tokens.</param>
    public void Add(ReadOnlySpan<float> x, int rows)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(x.Length, (long)rows * Columns);
        ReadOnlySpan<float> all = x[..(rows * Columns)];
        FindNotFinite(all);
        SymmetricProduct.Update(new ReadOnlyMatrixSpan<float>(all, rows, Columns), new MatrixSpan<double>(_sums, Columns, Columns),
            _workers);
        Samples += rows;
    }

    /// <summary>The matrix, row by row: the sum itself, completed, and not a copy. Nothing may be added while it is in use.</summary>
    public double[] ToSymmetric()
    {
        SymmetricProduct.Mirror(new MatrixSpan<double>(_sums, Columns, Columns), _workers);
        return _sums;
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
