using Vernier.Grids.Specs;
using Vernier.Packing;
using Vernier.Packing.TwoLevel;

namespace Vernier.Grids.TwoLevel;

/// <summary>Codes of few bits within integers of 8 bits: see <see cref="TwoLevelLayout"/>. The layout is asymmetric.</summary>
public sealed record TwoLevelGridSpec : GridSpec
{
    /// <summary>Creates the grid.</summary>
    public TwoLevelGridSpec()
        : base(LevelLayout.Asymmetric)
    {
    }

    /// <inheritdoc/>
    public override Type LayoutType => typeof(TwoLevelLayout);

    /// <inheritdoc/>
    public override bool HasOwnScales => true;

    /// <inheritdoc/>
    public override string? Problem => OtherThan(LevelLayout.Asymmetric, "a two-level grid has the asymmetric layout");

    /// <inheritdoc/>
    public override PackedLayout LayoutOf(int rows, int columns, int bits, Granularity granularity) =>
        new TwoLevelLayout(rows, columns, bits, Math.Max(0, granularity.GroupColumns));
}
