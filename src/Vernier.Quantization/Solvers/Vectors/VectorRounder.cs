using Vernier.Quantization.Solvers.Sequential;

namespace Vernier.Quantization.Solvers.Vectors;

/// <summary>Gives vectors of columns their indices; where codebooks are not there yet, each is fitted when its turn comes.</summary>
/// <param name="solution">Receives indices and codebooks.</param>
/// <param name="metric">What an error of a vector counts.</param>
/// <param name="firstRow">The first row of the band of codebooks.</param>
/// <param name="rows">The rows of the band.</param>
/// <param name="fits">Whether codebooks are fitted.</param>
internal struct VectorRounder(VectorSolution solution, VectorMetric metric, int firstRow, int rows, bool fits) : IRounder
{
    private readonly int _dimension = solution.Layout.Dimension, _vectors = solution.Layout.Vectors;
    private readonly float[] _book = new float[solution.BookLength], _image = new float[solution.Layout.Dimension];
    private readonly NearestVector _nearest = new(solution.Layout.Entries, solution.Layout.Dimension,
        (Math.Min(solution.Columns, solution.Layout.BookColumns) + solution.Layout.Dimension - 1) / solution.Layout.Dimension);

    private int _first;

    /// <inheritdoc/>
    public readonly int Step => _dimension;

    /// <inheritdoc/>
    public void BeginBlock(ReadOnlySpan<float> weights, int first, int end)
    {
        _first = first / _dimension;
        if (fits)
            BookFit.Run(solution, metric, weights, (firstRow, rows), (first, end));
        solution.Read(solution.Layout.BookOf(firstRow, first), _book);
        CodebookFit.Take(_nearest, _book, metric, _first, (end - first + _dimension - 1) / _dimension);
    }

    /// <inheritdoc/>
    public readonly void BeginPiece(int row, int place, ReadOnlySpan<float> line)
    {
    }

    /// <inheritdoc/>
    public readonly void Round(int row, int place, ReadOnlySpan<float> line, Span<float> quantized)
    {
        int d = _dimension, vector = place / d;
        float scale = solution.BlockScale(row, place), inverse = 1 / scale;
        ReadOnlySpan<float> m = metric.Of(vector);
        for (int i = 0; i < d; i++)
        {
            float sum = 0;
            for (int j = 0; j < quantized.Length; j++)
                sum += m[i * d + j] * line[place + j];
            _image[i] = sum * inverse;
        }
        int code = _nearest.Find(_image, vector - _first, out _);
        solution.Codes[row * _vectors + vector] = (byte)code;
        for (int i = 0; i < quantized.Length; i++)
            quantized[i] = scale * _book[code * d + i];
    }
}
