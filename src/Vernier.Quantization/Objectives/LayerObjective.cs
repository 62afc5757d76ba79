using System.Numerics.Tensors;
using Vernier.Memory;
using Vernier.Numerics;

namespace Vernier.Quantization.Objectives;

/// <summary>
/// What a layer's output loses: f(Q) = ||(W - Q) X||^2 = tr((W - Q) H (W - Q)^T) with W and Q of R x C, inputs X of C x N, and the Gram
/// matrix H = X X^T of C x C. Rows count independently. In double precision.
/// </summary>
public sealed class LayerObjective
{
    private const int ChunkRows = 1024;

    private readonly Dictionary<(ColumnOrder, double), GramFactor?> _factors = [];

    /// <summary>Creates the objective of a layer input.</summary>
    /// <param name="gram">H, C x C, symmetric, row by row; kept, not copied.</param>
    /// <param name="columns">C.</param>
    /// <param name="workers">Who computes with it; null for all processors.</param>
    /// <exception cref="ArgumentException">H is not C x C, or holds a number that is not finite or a negative diagonal.</exception>
    public LayerObjective(double[] gram, int columns, Workers? workers = null)
    {
        ArgumentNullException.ThrowIfNull(gram);
        if (gram.Length != (long)columns * columns)
            throw new ArgumentException($"{gram.Length} numbers are not {columns} x {columns}", nameof(gram));
        Gram = gram;
        Workers = workers ?? Workers.Shared;
        Columns = columns;
        Diagonal = [.. Enumerable.Range(0, columns).Select(i => gram[i * columns + i])];
        if (!double.IsFinite(TensorPrimitives.SumOfMagnitudes<double>(gram)) || Diagonal.Any(value => value < 0))
            throw new ArgumentException("the Gram matrix holds numbers that are not finite, or a negative diagonal", nameof(gram));
        DeadChannels = [.. Enumerable.Range(0, columns).Where(i => Diagonal[i] == 0)];
        MeanDiagonal = Diagonal.Average();
    }

    private LayerObjective(int columns) =>
        (Gram, Workers, Columns, Diagonal, DeadChannels) =
            ([], Workers.Shared, columns, new double[columns], [.. Enumerable.Range(0, columns)]);

    /// <summary>The objective of a layer of whose input nothing is known: no channel counts, and there is no H.</summary>
    /// <param name="columns">C.</param>
    public static LayerObjective Unknown(int columns) => new(columns);

    /// <summary>Whether inputs were observed: otherwise there is no H.</summary>
    public bool IsKnown => Gram.Length > 0;

    /// <summary>Who computes with it. No result depends on their number.</summary>
    public Workers Workers { get; }

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

    /// <summary>The factor of H; found once for each order and damping, and kept for all layers that share the input. Any thread may
    /// ask.</summary>
    /// <param name="order">The order of the columns.</param>
    /// <param name="damping">What is added to the diagonal, relative to its mean; at least 0.</param>
    /// <returns>Null where H can't be factored with any damping.</returns>
    public GramFactor? Factor(ColumnOrder order, double damping)
    {
        lock (_factors)
        {
            if (!_factors.TryGetValue((order, damping), out GramFactor? factor))
                _factors[(order, damping)] = factor = GramFactor.Create(this, order, damping);
            return factor;
        }
    }

    private ReadOnlyMatrixSpan<double> Matrix => new(Gram, Columns, Columns);

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
        ForChunks(values.Length, (first, count) =>
        {
            using var errors = new PooledArray<double>(count * Columns);
            using var products = new PooledArray<double>(count * Columns);
            Errors(weights.Span.Slice(first * Columns, count * Columns), quantized.Span, first * Columns, errors.Span);
            MatrixProduct.Multiply(new ReadOnlyMatrixSpan<double>(errors.Span, count, Columns), Matrix,
                new MatrixSpan<double>(products.Span, count, Columns), ProductUpdate.Set, Workers);
            for (int row = 0; row < count; row++)
                values[first + row] =
                    Math.Max(0, TensorPrimitives.Dot<double>(
                    errors.Span.Slice(row * Columns, Columns), products.Span.Slice(row * Columns, Columns)));
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
        Residual(weights, quantized, gradient);
        TensorPrimitives.Multiply<double>(gradient.Span[..weights.Length], -2, gradient.Span);
    }

    /// <summary>(W - Q) H, R x C.</summary>
    internal void Residual(ReadOnlyMemory<float> weights, ReadOnlyMemory<float> quantized, Memory<double> residual) =>
        ForChunks(Rows(weights.Length, quantized.Length), (first, count) =>
        {
            using var errors = new PooledArray<double>(count * Columns);
            Errors(weights.Span.Slice(first * Columns, count * Columns), quantized.Span, first * Columns, errors.Span);
            MatrixProduct.Multiply(new ReadOnlyMatrixSpan<double>(errors.Span, count, Columns), Matrix,
                new MatrixSpan<double>(residual.Span.Slice(first * Columns, count * Columns), count, Columns), ProductUpdate.Set, Workers);
        });

    private static void ForChunks(int rows, Action<int, int> action)
    {
        for (int first = 0; first < rows; first += ChunkRows)
            action(first, Math.Min(ChunkRows, rows - first));
    }

    private static void Errors(ReadOnlySpan<float> weights, ReadOnlySpan<float> quantized, int first, Span<double> errors)
    {
        for (int i = 0; i < weights.Length; i++)
            errors[i] = (double)weights[i] - quantized[first + i];
    }

    private int Rows(int weights, int quantized)
    {
        if (weights != quantized || weights % Columns != 0)
            throw new ArgumentException($"{weights} weights and {quantized} quantized ones are not two matrices of {Columns} columns",
                nameof(quantized));
        return weights / Columns;
    }
}
