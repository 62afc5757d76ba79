using Vernier.Numerics;
using Vernier.Packing.Trits;

namespace Vernier.Quantization.Solvers.Trits;

/// <summary>Planes of trits, one byte a trit, and the scales of their groups.</summary>
/// <param name="layout">How the result is stored.</param>
/// <param name="workers">Who decodes.</param>
internal sealed class TritSolution(TritLayout layout, Workers workers) : MatrixSolution(layout.Rows, layout.Columns, workers)
{
    // Of normalised weights, so that scales lie well within half precision.
    private const float Unit = 1;

    private readonly sbyte[] _trits = new sbyte[checked(TritLayout.Planes * layout.Rows * layout.Columns)];

    /// <summary>a_1 and a_2 of each group, row by row.</summary>
    public Half[] Scales { get; private init; } = new Half[checked(layout.Rows * layout.Groups * TritLayout.Planes)];

    /// <summary>A row of a plane.</summary>
    public Span<sbyte> Plane(int plane, int row) => _trits.AsSpan((plane * layout.Rows + row) * layout.Columns, layout.Columns);

    /// <inheritdoc/>
    public override TritSolution Copy()
    {
        var copy = new TritSolution(layout, Workers) { Scales = [.. Scales] };
        _trits.CopyTo(copy._trits, 0);
        return copy;
    }

    /// <inheritdoc/>
    public override void DecodeRow(int row, Span<float> weights)
    {
        Span<sbyte> first = Plane(0, row), second = Plane(1, row);
        for (int i = 0; i < weights.Length; i++)
        {
            int at = (row * layout.Groups + i / layout.Width) * TritLayout.Planes;
            float a1 = Unit * (float)Scales[at], a2 = Unit * (float)Scales[at + 1];
            weights[i] = a1 * first[i] + a2 * second[i];
        }
    }

    /// <inheritdoc/>
    public override TritMatrix Pack(int shift, Packing.Outliers? outliers = null)
    {
        var trits = new byte[checked(TritLayout.Planes * layout.Rows * layout.BytesPerRow)];
        for (int row = 0; row < TritLayout.Planes * layout.Rows; row++)
            TritPacking.Pack(_trits.AsSpan(row * layout.Columns, layout.Columns), layout.Storage,
                trits.AsSpan(row * layout.BytesPerRow, layout.BytesPerRow));
        return new TritMatrix(layout, MathF.ScaleB(Unit, shift), [.. Scales], trits, outliers);
    }
}
