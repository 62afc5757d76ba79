using Vernier.Grids.Specs;
using Vernier.Grids.Uniform;
using Vernier.Levels;
using Vernier.Numerics;

namespace Vernier.Grids.Codebook;

/// <summary>Levels found by k-means: see <see cref="CodebookGrid"/> and <see cref="CodebookSearch"/>. The layout is full.</summary>
public sealed record CodebookGridSpec : ScalarGridSpec
{
    /// <summary>Creates the grid.</summary>
    public CodebookGridSpec()
        : base(LevelLayout.Full)
    {
    }

    /// <summary>How many codebooks each granule may choose from: 1, 2, 4 or 8; at most 128 levels in all. Default 1.</summary>
    public int Tables { get; init; } = 1;

    /// <inheritdoc/>
    public override string? Problem =>
        OtherThan(LevelLayout.Full, "the layout of codebooks is full")
            ?? (Tables is not (1 or 2 or 4 or 8) ? "the number of tables is not 1, 2, 4 or 8" : base.Problem);

    /// <inheritdoc/>
    public override bool CountsColumns => true;

    /// <inheritdoc/>
    public override int TablesFor(int bits) => Math.Clamp(128 >> bits, 1, Tables);

    /// <inheritdoc/>
    public override bool HasChoice(int bits) => true;

    /// <inheritdoc/>
    /// <remarks>The codebooks where the search begins, evenly spaced.</remarks>
    public override IReadOnlyList<LevelTable> Candidates(int bits, RoundingRule rounding) => [UniformGrid.Create(bits, LevelLayout.Full)];

    /// <inheritdoc/>
    public override LevelTable[] Choose(IReadOnlyList<GranuleSample> samples, int bits, RoundingRule rounding, Workers workers) =>
        new CodebookSearch(bits, TablesFor(bits), Mirror, workers).Choose(samples);

    /// <inheritdoc/>
    protected override bool HasWideLevels(int bits) => bits > 6;
}
