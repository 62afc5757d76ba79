using Vernier.Numerics;
using Vernier.Packing;

namespace Vernier.Quantization.Solvers.Vectors;

/// <summary>How the weights of a matrix follow from the numbers P of its codebooks, [books, 2^b, d], for indices and block scales as they are.</summary>
internal sealed class CodebookMap
{
    private readonly MatrixProblem _problem;
    private readonly VectorSolution _solution;
    private readonly VectorLayout _layout;
    private readonly double[] _matrix;
    private readonly double[] _product;

    // Where the numbers of each vector begin.
    private readonly int[] _places;

    public CodebookMap(MatrixProblem problem, VectorSolution solution)
    {
        (_problem, _solution, _layout) = (problem, solution, solution.Layout);
        _matrix = new double[problem.Weights.Length];
        _product = new double[problem.Weights.Length];
        _places = new int[solution.Codes.Length];
        int d = _layout.Dimension;
        for (int i = 0; i < _places.Length; i++)
            _places[i] = _layout.BookOf(i / _layout.Vectors, i % _layout.Vectors * d) * solution.BookLength + solution.Codes[i] * d;
    }

    /// <summary>(W - Q(P)) H; valid until the next product.</summary>
    public double[] Residual(double[] numbers)
    {
        ParallelLoop.For(_layout.Rows, row =>
        {
            Span<double> line = _matrix.AsSpan(row * _layout.Columns, _layout.Columns);
            Fill(row, numbers, line);
            ReadOnlySpan<float> weights = _problem.Weights.AsSpan(row * _layout.Columns, _layout.Columns);
            for (int i = 0; i < line.Length; i++)
                line[i] = weights[i] - line[i];
        });
        return Multiply();
    }

    /// <summary>Q(P) H; valid until the next product.</summary>
    public double[] Image(double[] numbers)
    {
        ParallelLoop.For(_layout.Rows, row => Fill(row, numbers, _matrix.AsSpan(row * _layout.Columns, _layout.Columns)));
        return Multiply();
    }

    /// <summary>The sums over the weights that each number stands for, times their block scales.</summary>
    public double[] Gather(double[] values) => Sum(row => values.AsMemory(row * _layout.Columns, _layout.Columns), squared: false);

    /// <summary>The diagonal of the quadratic, were there no products of different columns: the sum of H_jj times the squared block scale.</summary>
    public double[] Curvature() => Sum(_ => _problem.Objective!.Diagonal, squared: true);

    // The rows of a codebook are summed by one thread in their order.
    private double[] Sum(Func<int, Memory<double>> valuesOf, bool squared)
    {
        int d = _layout.Dimension;
        var sums = new double[_solution.Entries.Length];
        ParallelLoop.For(_layout.Books / _layout.BooksAcross, band =>
        {
            for (int row = band * _layout.BookRows; row < Math.Min(_layout.Rows, (band + 1) * _layout.BookRows); row++)
            {
                ReadOnlySpan<double> values = valuesOf(row).Span;
                for (int vector = 0; vector < _layout.Vectors; vector++)
                {
                    int first = vector * d, place = _places[row * _layout.Vectors + vector];
                    double scale = _solution.BlockScale(row, first);
                    scale = squared ? scale * scale : scale;
                    for (int i = 0; i < Math.Min(d, values.Length - first); i++)
                        sums[place + i] += scale * values[first + i];
                }
            }
        });
        return sums;
    }

    private void Fill(int row, double[] numbers, Span<double> line)
    {
        int d = _layout.Dimension;
        for (int vector = 0; vector < _layout.Vectors; vector++)
        {
            int first = vector * d, place = _places[row * _layout.Vectors + vector];
            double scale = _solution.BlockScale(row, first);
            for (int i = 0; i < Math.Min(d, line.Length - first); i++)
                line[first + i] = scale * numbers[place + i];
        }
    }

    private double[] Multiply()
    {
        int columns = _layout.Columns;
        MatrixProduct.Multiply(new ReadOnlyMatrixSpan<double>(_matrix, _layout.Rows, columns), new ReadOnlyMatrixSpan<double>(_problem.Objective!.Gram, columns, columns), new MatrixSpan<double>(_product, _layout.Rows, columns));
        return _product;
    }
}
