using Vernier.Grids.Specs;
using Vernier.Levels;

namespace Vernier.Grids.NormalFloat;

/// <summary>Quantiles of the normal distribution: see <see cref="NormalFloatGrid"/>. The layout is full.</summary>
public sealed record NormalFloatGridSpec : ScalarGridSpec
{
    /// <summary>Creates the grid.</summary>
    public NormalFloatGridSpec()
        : base(LevelLayout.Full)
    {
    }

    /// <inheritdoc/>
    public override string? Problem => OtherThan(LevelLayout.Full, "a normal-float grid has the full layout") ?? base.Problem;

    /// <inheritdoc/>
    public override IReadOnlyList<LevelTable> Candidates(int bits, RoundingRule rounding) => [ForScales(NormalFloatGrid.Create(bits))];

    /// <inheritdoc/>
    protected override bool HasWideLevels(int bits) => bits > 6;
}
