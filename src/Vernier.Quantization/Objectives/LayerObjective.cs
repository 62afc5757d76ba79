using System.Numerics.Tensors;
using Vernier.Numerics;

namespace Vernier.Quantization.Objectives;

/// <summary>
/// What a layer's output loses: f(Q) = ||(W - Q) X||^2 = tr((W - Q) H (W - Q)^T) with W and Q of R x C, inputs X of C x N, and the Gram
/// matrix H = X X^T of C x C. Rows count independently. In double precision.
/// </summary>
public sealed class LayerObjective
{
    /// <summary>Creates the objective of a layer input.</summary>
    /// <param name="gram">H, C x C, symmetric, row by row; kept, not copied.</param>
    /// <param name="columns">C.</param>
    /// <exception cref="ArgumentException">H is not C x C, or holds a number that is not finite or a negative diagonal.</exception>
    public LayerObjective(double[] gram, int columns)
    {
        ArgumentNullException.ThrowIfNull(gram);
        if (gram.Length != (long)columns * columns)
            throw new ArgumentException($"{gram.Length} numbers are not {columns} x {columns}", nameof(gram));
        Gram = gram;
        Columns = columns;
        Diagonal = [.. Enumerable.Range(0, columns).Select(i => gram[i * columns + i])];
        if (!double.IsFinite(TensorPrimitives.SumOfMagnitudes<double>(gram)) || Diagonal.Any(value => value < 0))
            throw new ArgumentException("the Gram matrix holds numbers that are not finite, or a negative diagonal", nameof(gram));
        DeadChannels = [.. Enumerable.Range(0, columns).Where(i => Diagonal[i] == 0)];
        MeanDiagonal = Diagonal.Average();
    }

    /// <summary>C.</summary>
    public int Columns { get; }

    /// <summary>H, row by row.</summary>
    public double[] Gram { get; }

    /// <summary>The diagonal of H: the energy of each input channel.</summary>
    public double[] Diagonal { get; }

    /// <summary>The mean of the diagonal; 0 where nothing was observed.</summary>
    public double MeanDiagonal { get; }

    /// <summary>The channels that were zero on all tokens.</summary>
    public IReadOnlyList<int> DeadChannels { get; }

    /// <summary>Row j of H, which is also its column.</summary>
    public ReadOnlySpan<double> Row(int j) => Gram.AsSpan(j * Columns, Columns);

    /// <summary>f(Q).</summary>
    /// <param name="weights">W, R x C, row by row.</param>
    /// <param name="quantized">Q, as long.</param>
    public double Value(ReadOnlyMemory<float> weights, ReadOnlyMemory<float> quantized) => RowValues(weights, quantized).Sum();

    /// <summary>f(Q) / tr(W H W^T): 0 where both are 0.</summary>
    /// <param name="weights">W, R x C, row by row.</param>
    /// <param name="quantized">Q, as long.</param>
    public double Relative(ReadOnlyMemory<float> weights, ReadOnlyMemory<float> quantized)
    {
        double value = Value(weights, quantized), whole = Value(weights, new float[weights.Length]);
        return value == 0 ? 0 : value / whole;
    }

    /// <summary>f of each row.</summary>
    /// <param name="weights">W, R x C, row by row.</param>
    /// <param name="quantized">Q, as long.</param>
    public double[] RowValues(ReadOnlyMemory<float> weights, ReadOnlyMemory<float> quantized)
    {
        var values = new double[Rows(weights.Length, quantized.Length)];
        ParallelLoop.For(values.Length, row =>
        {
            using var error = new PooledArray<double>(Columns);
            Error(weights.Span.Slice(row * Columns, Columns), quantized.Span.Slice(row * Columns, Columns), error.Span);
            double sum = 0;
            for (int j = 0; j < Columns; j++)
                sum += error.Span[j] == 0 ? 0 : error.Span[j] * TensorPrimitives.Dot(Row(j), error.Span);
            values[row] = Math.Max(0, sum);
        });
        return values;
    }

    /// <summary>The gradient df/dQ = 2 (Q - W) H, R x C.</summary>
    /// <param name="weights">W, R x C, row by row.</param>
    /// <param name="quantized">Q, as long.</param>
    /// <param name="gradient">Receives R x C.</param>
    public void Gradient(ReadOnlyMemory<float> weights, ReadOnlyMemory<float> quantized, Memory<double> gradient)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(gradient.Length, weights.Length);
        ParallelLoop.For(Rows(weights.Length, quantized.Length), row =>
        {
            Span<double> target = gradient.Span.Slice(row * Columns, Columns);
            Residual(weights.Span.Slice(row * Columns, Columns), quantized.Span.Slice(row * Columns, Columns), target);
            TensorPrimitives.Multiply(target, -2, target);
        });
    }

    /// <summary>r = (w - q) H of one row.</summary>
    internal void Residual(ReadOnlySpan<float> weights, ReadOnlySpan<float> quantized, Span<double> residual)
    {
        using var error = new PooledArray<double>(Columns);
        Error(weights, quantized, error.Span);
        residual.Clear();
        for (int j = 0; j < Columns; j++)
        {
            if (error.Span[j] != 0)
                TensorPrimitives.MultiplyAdd(Row(j), error.Span[j], residual, residual);
        }
    }

    private static void Error(ReadOnlySpan<float> weights, ReadOnlySpan<float> quantized, Span<double> error)
    {
        for (int i = 0; i < error.Length; i++)
            error[i] = (double)weights[i] - quantized[i];
    }

    private int Rows(int weights, int quantized)
    {
        if (weights != quantized || weights % Columns != 0)
            throw new ArgumentException($"{weights} weights and {quantized} quantized ones are not two matrices of {Columns} columns", nameof(quantized));
        return weights / Columns;
    }
}
