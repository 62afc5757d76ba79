using Vernier.Quantization.Solvers.Sequential;

namespace Vernier.Quantization.Solvers.TwoLevel;

/// <summary>Gives columns the codes of two-level grids that are there.</summary>
/// <param name="solution">Receives the codes.</param>
/// <param name="order">The column at each place.</param>
internal readonly struct TwoLevelRounder(TwoLevelSolution solution, int[] order) : IRounder
{
    /// <inheritdoc/>
    public static bool IsFused => false;

    /// <inheritdoc/>
    public int Step => 1;

    /// <inheritdoc/>
    public void BeginBlock(ReadOnlySpan<float> weights, int first, int end)
    {
    }

    /// <inheritdoc/>
    public void BeginPiece(int row, int place, ReadOnlySpan<float> line)
    {
    }

    /// <inheritdoc/>
    public void Round(int row, int place, ReadOnlySpan<float> line, Span<float> quantized)
    {
        int column = order[place];
        TwoLevelGrid grid = solution.Grid(row, column);
        int code = grid.Encode(line[place]);
        solution.Codes[row * solution.Columns + column] = (byte)code;
        quantized[0] = grid.Decode(code);
    }
}
