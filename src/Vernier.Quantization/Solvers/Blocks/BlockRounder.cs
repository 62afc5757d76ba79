using Vernier.Files.Gguf.Blocks;
using Vernier.Quantization.Solvers.Sequential;

namespace Vernier.Quantization.Solvers.Blocks;

/// <summary>Gives columns the codes of their blocks; each block's scales are fitted, when its turn comes, to the weights as they are
/// then.</summary>
/// <param name="grid">The levels of the format.</param>
/// <param name="blocks">The blocks of each row of the matrix.</param>
/// <param name="importance">How much each column counts in the fit.</param>
internal readonly struct BlockRounder(BlockGrid grid, BlockParts[][] blocks, float[] importance) : IRounder
{
    private readonly BlockFit _fit = new(grid);
    private readonly BlockFormat _format = grid.Format;

    /// <inheritdoc/>
    public int Step => 1;

    /// <inheritdoc/>
    public void BeginBlock(ReadOnlySpan<float> weights, int first, int end)
    {
    }

    /// <inheritdoc/>
    public void BeginPiece(int row, int place, ReadOnlySpan<float> line)
    {
        if (place % _format.BlockColumns == 0)
            _fit.Fit(line.Slice(place, _format.BlockColumns), importance.AsSpan(place, _format.BlockColumns),
                blocks[row][place / _format.BlockColumns]);
    }

    /// <inheritdoc/>
    public void Round(int row, int place, ReadOnlySpan<float> line, Span<float> quantized)
    {
        (int block, int at) = Math.DivRem(place, _format.BlockColumns);
        BlockParts parts = blocks[row][block];
        int width = _format.SubBlockColumns, sub = at / width;
        if (at % width == 0 && at > 0)
            _fit.FitIntegers(line.Slice(place, width), importance.AsSpan(place, width), parts, sub);
        float scale = _format.Scale(parts, sub), min = _format.Min(parts, sub);
        byte code = grid.Nearest(line[place], scale == 0 ? 0 : 1 / scale, min);
        parts.Codes[at] = code;
        quantized[0] = scale * grid.LevelOf(code) - min;
    }
}
