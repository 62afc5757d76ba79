using Vernier.Grids.Specs;
using Vernier.Levels;

namespace Vernier.Grids.Uniform;

/// <summary>Evenly spaced levels: see <see cref="UniformGrid"/>. Any layout but the offset one; the full one by default.</summary>
public sealed record UniformGridSpec : ScalarGridSpec
{
    /// <summary>Creates the grid of the full layout, every code used.</summary>
    public UniformGridSpec()
        : base(LevelLayout.Full)
    {
    }

    /// <inheritdoc/>
    public override string? Problem => base.Problem
        ?? (Layouts.Contains(LevelLayout.Offset) ? "only a power grid has an exponent, an offset and a choice of tables" : null);

    /// <inheritdoc/>
    public override IReadOnlyList<LevelTable> Candidates(int bits, RoundingRule rounding) =>
        [.. Layouts.Select(layout => ForScales(UniformGrid.Create(bits, layout)))];

    /// <inheritdoc/>
    protected override bool HasWideLevels(int bits) =>
        bits == 8 && Layouts.Any(layout => layout is LevelLayout.MidRise or LevelLayout.Asymmetric);
}
