using Vernier.Grids.Specs;
using Vernier.Packing;
using Vernier.Packing.Trits;

namespace Vernier.Grids.Trits;

/// <summary>Two planes of trits, each with a scale for a group: see <see cref="TritLayout"/>. The layout is symmetric.</summary>
public sealed record TritGridSpec : GridSpec
{
    /// <summary>Creates the grid.</summary>
    public TritGridSpec()
        : base(LevelLayout.Symmetric)
    {
    }

    /// <summary>How trits are stored.</summary>
    public TritStorage Storage { get; init; }

    /// <inheritdoc/>
    public override Type LayoutType => typeof(TritLayout);

    /// <inheritdoc/>
    public override int? FixedBits => Storage == TritStorage.Base3 ? 3 : 4;

    /// <inheritdoc/>
    public override bool HasOwnScales => true;

    /// <inheritdoc/>
    public override bool HasZero => false;

    /// <inheritdoc/>
    public override string? Problem => OtherThan(LevelLayout.Symmetric, "planes of trits have the symmetric layout");

    /// <inheritdoc/>
    public override PackedLayout LayoutOf(int rows, int columns, int bits, Granularity granularity) =>
        new TritLayout(rows, columns, Math.Max(0, granularity.GroupColumns), Storage);
}
