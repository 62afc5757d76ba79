using Vernier.Numerics;
using Vernier.Packing;
using Vernier.Packing.TwoLevel;

namespace Vernier.Quantization.Solvers.TwoLevel;

/// <summary>Codes of a matrix, one byte a code, and its two levels of scales.</summary>
/// <param name="layout">How the result is stored.</param>
/// <param name="workers">Who decodes.</param>
/// <param name="grids">The scales.</param>
internal sealed class TwoLevelSolution(TwoLevelLayout layout, Workers workers, TwoLevelGrids grids)
    : MatrixSolution(layout.Rows, layout.Columns, workers)
{
    /// <summary>The unit of a matrix of normalised weights: the scale of a row is about 1 / 127 of the largest.</summary>
    public const float Unit = 1f / 128;

    /// <summary>The codes, R x C row by row.</summary>
    public byte[] Codes { get; private init; } = new byte[checked(layout.Rows * layout.Columns)];

    /// <summary>The grid of a column of a row.</summary>
    public TwoLevelGrid Grid(int row, int column) => grids.Grid(row, column / layout.Width, Unit);

    /// <inheritdoc/>
    public override TwoLevelSolution Copy() => new(layout, Workers, grids) { Codes = [.. Codes] };

    /// <inheritdoc/>
    public override void DecodeRow(int row, Span<float> weights)
    {
        for (int column = 0; column < weights.Length; column++)
            weights[column] = Grid(row, column).Decode(Codes[row * layout.Columns + column]);
    }

    /// <inheritdoc/>
    public override TwoLevelMatrix Pack(int shift, Packing.Outliers? outliers = null)
    {
        byte[] packed = new byte[checked(layout.Rows * layout.BytesPerRow)],
            zeros = new byte[checked(layout.Rows * layout.ZeroBytesPerRow)];
        for (int row = 0; row < layout.Rows; row++)
        {
            CodePacking.Pack(Codes.AsSpan(row * layout.Columns, layout.Columns), layout.Bits,
                packed.AsSpan(row * layout.BytesPerRow, layout.BytesPerRow));
            CodePacking.Pack(grids.Zeros.AsSpan(row * layout.Groups, layout.Groups), layout.Bits,
                zeros.AsSpan(row * layout.ZeroBytesPerRow, layout.ZeroBytesPerRow));
        }
        return new TwoLevelMatrix(layout, MathF.ScaleB(Unit, shift), grids.Scales, grids.Factors, zeros, packed, outliers);
    }
}
