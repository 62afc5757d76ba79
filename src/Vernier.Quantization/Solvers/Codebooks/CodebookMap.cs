using Vernier.Numerics;
using Vernier.Quantization.Objectives;

namespace Vernier.Quantization.Solvers.Codebooks;

/// <summary>
/// How the weights of a matrix follow from the numbers P of its codebooks while indices and scales stay as they are: w = scale * P[place +
/// i] for the i-th of the d weights
/// of a vector. Linear in P, so that the layer objective is a quadratic in it.
/// </summary>
/// <param name="objective">The layer objective.</param>
/// <param name="weights">W, R x C.</param>
/// <param name="dimension">d.</param>
/// <param name="rowsPerBand">Rows that share codebooks with each other and with no others.</param>
/// <param name="numbers">How many numbers there are.</param>
/// <param name="places">Where the numbers of each vector begin, by rows.</param>
/// <param name="scales">The scale of a vector, given its row and its first column.</param>
internal sealed class CodebookMap(LayerObjective objective, float[] weights, int dimension, int rowsPerBand, int numbers, int[] places,
    Func<int, int, float> scales)
{
    private readonly int _columns = objective.Columns;
    private readonly int _rows = weights.Length / objective.Columns;
    private readonly int _vectors = (objective.Columns + dimension - 1) / dimension;
    private readonly double[] _matrix = new double[weights.Length];
    private readonly double[] _product = new double[weights.Length];

    /// <summary>(W - Q(P)) H; valid until the next product.</summary>
    public double[] Residual(double[] values)
    {
        objective.Workers.For(_rows, row =>
        {
            Span<double> line = _matrix.AsSpan(row * _columns, _columns);
            Fill(row, values, line);
            ReadOnlySpan<float> own = weights.AsSpan(row * _columns, _columns);
            for (int i = 0; i < line.Length; i++)
                line[i] = own[i] - line[i];
        });
        return Multiply();
    }

    /// <summary>Q(P) H; valid until the next product.</summary>
    public double[] Image(double[] values)
    {
        objective.Workers.For(_rows, row => Fill(row, values, _matrix.AsSpan(row * _columns, _columns)));
        return Multiply();
    }

    /// <summary>The sums over the weights that each number stands for, times their scales.</summary>
    public double[] Gather(double[] values) => Sum(row => values.AsMemory(row * _columns, _columns), squared: false);

    /// <summary>The diagonal of the quadratic, were there no products of different columns: the sum of H_jj times the squared
    /// scale.</summary>
    public double[] Curvature() => Sum(_ => objective.Diagonal, squared: true);

    // The rows of a codebook are summed by one thread in their order.
    private double[] Sum(Func<int, Memory<double>> valuesOf, bool squared)
    {
        var sums = new double[numbers];
        objective.Workers.For((_rows + rowsPerBand - 1) / rowsPerBand, band =>
        {
            for (int row = band * rowsPerBand; row < Math.Min(_rows, (band + 1) * rowsPerBand); row++)
            {
                ReadOnlySpan<double> values = valuesOf(row).Span;
                for (int vector = 0; vector < _vectors; vector++)
                {
                    int first = vector * dimension, place = places[row * _vectors + vector];
                    double scale = scales(row, first);
                    scale = squared ? scale * scale : scale;
                    for (int i = 0; i < Math.Min(dimension, values.Length - first); i++)
                        sums[place + i] += scale * values[first + i];
                }
            }
        });
        return sums;
    }

    private void Fill(int row, double[] values, Span<double> line)
    {
        for (int vector = 0; vector < _vectors; vector++)
        {
            int first = vector * dimension, place = places[row * _vectors + vector];
            double scale = scales(row, first);
            for (int i = 0; i < Math.Min(dimension, line.Length - first); i++)
                line[first + i] = scale * values[place + i];
        }
    }

    private double[] Multiply()
    {
        MatrixProduct.Multiply(new ReadOnlyMatrixSpan<double>(_matrix, _rows, _columns),
            new ReadOnlyMatrixSpan<double>(objective.Gram, _columns, _columns), new MatrixSpan<double>(_product, _rows, _columns),
            ProductUpdate.Set, objective.Workers);
        return _product;
    }
}
