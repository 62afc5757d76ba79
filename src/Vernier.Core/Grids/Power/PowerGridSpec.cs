using Vernier.Grids.Specs;
using Vernier.Levels;

namespace Vernier.Grids.Power;

/// <summary>
/// Levels spaced by a power function: see <see cref="PowerGrid"/>. The data-free search of PowerQuant and NUPES: exponents are tried from
/// 0.3 to 1.2, on every layout and offset
/// that there is; a = 1, the uniform grid, is among them, so that on the samples the result is never worse than uniform. Any layout but the
/// asymmetric one; the full one by default.
/// </summary>
public sealed record PowerGridSpec : ScalarGridSpec
{
    private const double ExponentStep = 0.1;
    private const double FinestStep = 0.0125;

    private static readonly double[] s_exponents = [1.2, 1.1, 1, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3];
    private static readonly double[] s_offsets = [0, 0.1, 0.2, 0.3, 0.4, 0.5];

    /// <summary>Creates the grid of the full layout.</summary>
    public PowerGridSpec()
        : base(LevelLayout.Full)
    {
    }

    /// <summary>The exponent a where it is given, 0.2 to 1.2; null for a search.</summary>
    public double? Exponent { get; init; }

    /// <summary>
    /// How many level tables each granule may choose from: 1, 2, 4 or 8. Where tables are large, fewer are taken, so that they do not weigh
    /// on
    /// the size: at most 128 levels in all. Default 1.
    /// </summary>
    public int Tables { get; init; } = 1;

    /// <inheritdoc/>
    public override string? Problem =>
        Tables is not (1 or 2 or 4 or 8) ? "the number of tables is not 1, 2, 4 or 8"
        : Exponent is not (null or (>= PowerGrid.MinExponent and <= PowerGrid.MaxExponent))
            ? $"the exponent is not between {PowerGrid.MinExponent} and {PowerGrid.MaxExponent}"
        : Layouts.Contains(LevelLayout.Asymmetric) ? "a power grid is centred on zero: it has no asymmetric layout"
        : base.Problem;

    /// <inheritdoc/>
    public override int TablesFor(int bits) => HasChoice(bits) ? Math.Clamp(128 >> bits, 1, Tables) : 1;

    /// <inheritdoc/>
    public override bool HasChoice(int bits) => Exponent is null || Layouts.Count > 1 || Layouts.Contains(LevelLayout.Offset);

    /// <inheritdoc/>
    public override IReadOnlyList<LevelTable> Candidates(int bits, RoundingRule rounding) =>
        [.. Layouts.SelectMany(layout => Exponents.SelectMany(exponent =>
        OffsetsOf(layout).Select(offset => PowerGrid.Create(bits, layout, exponent, offset, rounding))))];

    /// <inheritdoc/>
    /// <remarks>Of each layout the best exponent without an offset, then the best offset for it, then the exponent once more in halved
    /// steps.</remarks>
    protected override LevelTable ChooseOne(TableSearch search, int bits, RoundingRule rounding)
    {
        ArgumentNullException.ThrowIfNull(search);
        if (!HasChoice(bits))
            return Candidates(bits, rounding)[0];
        (LevelTable? Table, double Error) best = (null, double.PositiveInfinity);
        foreach (LevelLayout layout in Layouts)
        {
            (double exponent, double offset, double least) = (1, 0, double.PositiveInfinity);
            foreach (double candidate in Exponents)
                Try(candidate, offset);
            foreach (double candidate in OffsetsOf(layout).AsSpan(1))
                Try(exponent, candidate);
            for (double step = ExponentStep / 2; step >= FinestStep && Exponent is null; step /= 2)
            {
                double centre = exponent;
                Try(centre - step, offset);
                Try(centre + step, offset);
            }

            void Try(double a, double d)
            {
                if (a is < PowerGrid.MinExponent or > PowerGrid.MaxExponent)
                    return;
                LevelTable table = PowerGrid.Create(bits, layout, Math.Round(a, 4), d, rounding);
                double error = search.Error(table);
                if (error < best.Error)
                    best = (table, error);
                if (error < least)
                    (exponent, offset, least) = (a, d, error);
            }
        }
        return best.Table!;
    }

    /// <inheritdoc/>
    protected override bool HasWideLevels(int bits) => bits > 6;

    private double[] Exponents => Exponent is double given ? [given] : s_exponents;

    private static double[] OffsetsOf(LevelLayout layout) => layout == LevelLayout.Offset ? s_offsets : [0];
}
