using Vernier.Levels;
using Vernier.Numerics;
using Vernier.Packing;
using Vernier.Packing.Scalar;

namespace Vernier.Grids.Specs;

/// <summary>A grid of scalars: a code for each weight, which a table of levels and a scale for each granule turn into a number.</summary>
public abstract record ScalarGridSpec : GridSpec
{
    // With it the largest weight of a matrix has a scale in the upper half of what E4M3 holds, 0 to 448.
    private const float RangeOfE4M3 = 256;

    /// <summary>Creates a grid.</summary>
    /// <param name="standard">The layout of levels where none is named.</param>
    protected ScalarGridSpec(LevelLayout standard)
        : base(standard)
    {
    }

    /// <summary>
    /// Whether scales may be negative, which mirrors the table and puts the additional level of the full layout on the heavier side.
    /// Default no.
    /// </summary>
    public bool Mirror { get; init; }

    /// <summary>Which weights share the choice of tables. Default those of a matrix.</summary>
    public GridScope Scope { get; init; } = GridScope.Layer;

    /// <summary>The rows of a group where the scope is rows; at least 1. Default 64.</summary>
    public int Rows { get; init; } = 64;

    /// <summary>The numbers that scales can be, and how they are stored. Default half precision.</summary>
    public ScaleFormat ScaleFormat { get; init; }

    /// <summary>The columns that share a scale in linear layers, where the format of the blocks says; at least 1. Null where it is a
    /// choice.</summary>
    public int? Block { get; init; }

    /// <inheritdoc/>
    public sealed override Type LayoutType => typeof(ScalarLayout);

    /// <summary>Whether the choice of tables counts columns by their importance.</summary>
    public virtual bool CountsColumns => false;

    /// <inheritdoc/>
    public override string? Problem =>
        Layouts.Count == 0 ? "the grid has no layout"
        : Rows < 1 ? "a group of rows has no rows"
        : Block < 1 ? "a group has no columns"
        : ScaleFormat != ScaleFormat.Half && (TablesFor(2) != 1 || Mirror || HasZeroPoints)
            ? "scales of one byte have no sign, one table and no zero point"
        : Layouts.Count > 1 && HasZeroPoints ? "the asymmetric layout can't be chosen among others: it stores zero points"
        : null;

    /// <inheritdoc/>
    public override bool HasZero => !Layouts.Any(layout => layout is LevelLayout.MidRise or LevelLayout.Offset);

    /// <summary>Whether each granule has a zero point.</summary>
    public bool HasZeroPoints => Layouts.Contains(LevelLayout.Asymmetric);

    /// <summary>How many level tables each granule may choose from, with codes of so many bits: 1, 2, 4 or 8.</summary>
    /// <param name="bits">2 to 8.</param>
    public virtual int TablesFor(int bits) => 1;

    /// <summary>The tables to choose from by error; at least one. A table alone is taken without a look at the weights.</summary>
    /// <param name="bits">2 to 8.</param>
    /// <param name="rounding">How weights are rounded.</param>
    public abstract IReadOnlyList<LevelTable> Candidates(int bits, RoundingRule rounding);

    /// <summary>Whether the choice of tables depends on the weights.</summary>
    /// <param name="bits">2 to 8.</param>
    public virtual bool HasChoice(int bits) => Candidates(bits, RoundingRule.Nearest).Count > 1;

    /// <summary>The tables that serve all samples best: as many as a granule may choose from.</summary>
    /// <param name="samples">Samples of the weights; not looked at where there is no choice.</param>
    /// <param name="bits">2 to 8.</param>
    /// <param name="rounding">How weights are rounded.</param>
    /// <param name="workers">Who searches.</param>
    public virtual LevelTable[] Choose(IReadOnlyList<GranuleSample> samples, int bits, RoundingRule rounding, Workers workers)
    {
        var search = new TableSearch(samples, ScaleFormat == ScaleFormat.Half ? new ScaleSearch(Mirror)
            : new FormatScale(ScaleFormat), workers);
        int tables = TablesFor(bits);
        return tables > 1 ? search.Several(Candidates(bits, rounding), tables) : [ChooseOne(search, bits, rounding)];
    }

    /// <inheritdoc/>
    public override Granularity GranularityOf(Granularity asked) => Block is int columns ? Granularity.Group(columns) : asked;

    /// <inheritdoc/>
    public override PackedLayout LayoutOf(int rows, int columns, int bits, Granularity granularity)
    {
        int code = FixedBits ?? bits, rowsPerGrid = Scope == GridScope.Rows ? Math.Min(Rows, rows) : rows;
        return new ScalarLayout(rows, columns, code, GranularityOf(granularity), rowsPerGrid, TablesFor(code), HasWideLevels(code),
            HasZeroPoints)
        {
            FloatLevels = HasFloatLevels(code),
            ScaleFormat = ScaleFormat,
        };
    }

    /// <summary>The one table that serves all samples best.</summary>
    /// <param name="search">The search.</param>
    /// <param name="bits">2 to 8.</param>
    /// <param name="rounding">How weights are rounded.</param>
    protected virtual LevelTable ChooseOne(TableSearch search, int bits, RoundingRule rounding)
    {
        ArgumentNullException.ThrowIfNull(search);
        return search.One(Candidates(bits, rounding));
    }

    /// <summary>Whether levels take 16 bits.</summary>
    /// <param name="bits">2 to 8.</param>
    protected abstract bool HasWideLevels(int bits);

    /// <summary>Whether levels are floats.</summary>
    /// <param name="bits">2 to 8.</param>
    protected virtual bool HasFloatLevels(int bits) => false;

    /// <summary>A table whose unit suits the numbers that scales can be.</summary>
    protected LevelTable ForScales(LevelTable table)
    {
        ArgumentNullException.ThrowIfNull(table);
        return ScaleFormat == ScaleFormat.E4M3 ? table.WithUnit(table.Unit / RangeOfE4M3) : table;
    }
}
