using Vernier.Numerics;
using Vernier.Packing;

namespace Vernier.Quantization.Solvers;

/// <summary>What a matrix is to be stored as, while steps work on it: of each family of grids a class of its own. The weights are
/// normalised.</summary>
/// <param name="rows">Output channels.</param>
/// <param name="columns">Input channels.</param>
/// <param name="workers">Who decodes; null for all processors.</param>
public abstract class MatrixSolution(int rows, int columns, Workers? workers = null)
{
    /// <summary>R.</summary>
    public int Rows => rows;

    /// <summary>C.</summary>
    public int Columns => columns;

    /// <summary>Who decodes.</summary>
    public Workers Workers { get; } = workers ?? Workers.Shared;

    /// <summary>A copy, which can be changed on its own.</summary>
    public abstract MatrixSolution Copy();

    /// <summary>The weights of a row that the codes stand for, normalised, without what is added.</summary>
    /// <param name="row">From 0. Any thread may ask.</param>
    /// <param name="weights">Receives C weights.</param>
    public abstract void DecodeRow(int row, Span<float> weights);

    /// <summary>Makes rows of zeros exactly zero, where codes do not by themselves: those of codebooks that serve several rows.</summary>
    /// <param name="weights">The weights, R x C row by row.</param>
    public virtual void KeepZeros(ReadOnlySpan<float> weights)
    {
    }

    /// <summary>Packs the solution.</summary>
    /// <param name="shift">The exponent of the power of two by which the weights were divided.</param>
    /// <param name="outliers">What is added to single weights, or null.</param>
    public abstract PackedMatrix Pack(int shift, Packing.Outliers? outliers = null);

    /// <summary>The weights that the codes stand for, R x C row by row, normalised, without what is added.</summary>
    public float[] Decode()
    {
        var weights = new float[checked(rows * columns)];
        Workers.For(rows, row => DecodeRow(row, weights.AsSpan(row * columns, columns)));
        return weights;
    }
}
