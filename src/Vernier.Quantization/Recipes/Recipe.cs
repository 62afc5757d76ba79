using System.Text.Json;
using System.Text.Json.Serialization;
using Vernier.Grids;
using Vernier.Grids.Power;

namespace Vernier.Quantization.Recipes;

/// <summary>The family of a grid.</summary>
public enum GridKind
{
    /// <summary>Evenly spaced levels.</summary>
    Uniform,

    /// <summary>Levels spaced by a power function.</summary>
    Power,

    /// <summary>Levels found by k-means.</summary>
    Codebook,

    /// <summary>Vectors of 1, 2 or 4 weights that share an index into a codebook.</summary>
    Vector,
}

/// <summary>Which weights share the parameters of a grid, its exponent above all.</summary>
public enum GridScope
{
    /// <summary>One grid for the network.</summary>
    Network,

    /// <summary>One grid for each matrix.</summary>
    Layer,

    /// <summary>One grid for each group of consecutive rows.</summary>
    Rows,
}

/// <summary>How scales are chosen.</summary>
public enum ScaleRule
{
    /// <summary>By search for the least squared error.</summary>
    Search,

    /// <summary>The largest weight gets the largest level.</summary>
    Largest,
}

/// <summary>The grid of a recipe.</summary>
public sealed record GridPart
{
    /// <summary>The family.</summary>
    public required GridKind Kind { get; init; }

    /// <summary>The layouts to choose from, by the error that they leave; at least one.</summary>
    public required IReadOnlyList<LevelLayout> Layouts { get; init; }

    /// <summary>
    /// Whether scales may be negative, which mirrors the table and puts the additional level of the full layout on the heavier side.
    /// </summary>
    public bool Mirror { get; init; }

    /// <summary>Which weights share the choice of layout and exponent.</summary>
    public GridScope Scope { get; init; } = GridScope.Layer;

    /// <summary>The rows of a group where the scope is rows; at least 1.</summary>
    public int Rows { get; init; } = 64;

    /// <summary>
    /// How many level tables each granule may choose from: 1, 2, 4 or 8. Where tables are large, fewer are taken, so that they do not weigh on
    /// the size: at most 128 levels in all.
    /// </summary>
    public int Tables { get; init; } = 1;

    /// <summary>The tables for codes of so many bits.</summary>
    public int TablesFor(int bits) => Math.Clamp(128 >> bits, 1, Tables);

    /// <summary>The weights of a vector, where the grid is one of vectors: 1, 2 or 4.</summary>
    public int Dimension { get; init; } = 1;

    /// <summary>The consecutive weights of a row that share a block scale of 4 bits, on a grid of vectors: a multiple of 16, at most 256; 0 for none.</summary>
    public int BlockColumns { get; init; }

    /// <summary>
    /// On a grid of vectors of one dimension, the rank of the product as which codebooks are stored, relative to their entries; above 0, and 1 to store them as they are.
    /// </summary>
    public double Rank { get; init; } = 1;

    /// <summary>The exponent of a power grid where it is given; otherwise it is searched.</summary>
    public double? Exponent { get; init; }
}

/// <summary>Which weights have outliers.</summary>
public enum OutlierStructure
{
    /// <summary>Single weights, wherever they are.</summary>
    Weights,

    /// <summary>All weights of some columns.</summary>
    Columns,
}

/// <summary>The split of a matrix into codes and a sparse part in half precision, which starts as the largest weights.</summary>
public sealed record OutlierPart
{
    /// <summary>The share of the weights, or of the columns; above 0, at most 1/2. At least one of each matrix.</summary>
    public required double Share { get; init; }

    /// <summary>Single weights or whole columns.</summary>
    public OutlierStructure Structure { get; init; }
}

/// <summary>
/// A quantization method as data: which grid, which scales, which solver, from which paper. The files of this folder are the
/// recipes that there are.
/// </summary>
public sealed record Recipe
{
    private static readonly JsonSerializerOptions s_options = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.KebabCaseLower, allowIntegerValues: false) },
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    };

    /// <summary>The name on the command line.</summary>
    public required string Name { get; init; }

    /// <summary>What it does, in one line.</summary>
    public required string Summary { get; init; }

    /// <summary>The paper, or what is known of its origin.</summary>
    public required string Paper { get; init; }

    /// <summary>What it needs beyond the weights: "nothing" or "calibration text".</summary>
    public required string Needs { get; init; }

    /// <summary>What of it is our reconstruction or our addition; empty where it follows the paper throughout.</summary>
    public string Ours { get; init; } = "";

    /// <summary>The grid.</summary>
    public required GridPart Grid { get; init; }

    /// <summary>The sparse part beside the codes of linear layers; null for none.</summary>
    public OutlierPart? Outliers { get; init; }

    /// <summary>How scales are chosen.</summary>
    public ScaleRule Scale { get; init; } = ScaleRule.Search;

    /// <summary>Whether a searched scale is at last enlarged, so that each granule keeps its norm; see <see cref="ScaleSearch"/>.</summary>
    public bool PreserveNorm { get; init; }

    /// <summary>How weights are rounded.</summary>
    public RoundingRule Rounding { get; init; } = RoundingRule.Nearest;

    /// <summary>The steps to the codes, in order; the first is one that makes codes. Rounding to nearest by default.</summary>
    public IReadOnlyList<SolverStep> Solver { get; init; } = [new() { Method = SolverMethod.Nearest }];

    /// <summary>Whether inner channels are ordered so that rows of similar distribution share a codebook; see <see cref="Transforms.ChannelOrder"/>.</summary>
    public bool Reorder { get; init; }

    /// <summary>What the outputs of the layers are to be.</summary>
    public LayerTarget Target { get; init; }

    /// <summary>Whether the inputs of the layers have to be observed.</summary>
    [JsonIgnore]
    public bool NeedsCalibration => Solver.Any(step => step.Method != SolverMethod.Nearest || step.Importance != ColumnImportance.None);

    /// <summary>The most bits of a weight that it can do.</summary>
    [JsonIgnore]
    public int MostBits => Grid.Kind == GridKind.Vector ? 8 / Grid.Dimension : 8;

    /// <summary>Reads a recipe.</summary>
    /// <exception cref="JsonException">The text is no recipe, or its parts do not go together.</exception>
    public static Recipe Parse(Stream json)
    {
        Recipe recipe = JsonSerializer.Deserialize<Recipe>(json, s_options) ?? throw new JsonException("the recipe is null");
        return recipe.Problem is string problem ? throw new JsonException(problem) : recipe;
    }

    /// <summary>What keeps the parts of the recipe from going together, or null.</summary>
    [JsonIgnore]
    public string? Problem =>
        Grid.Layouts.Count == 0 ? "the grid has no layout"
        : Grid.Tables is not (1 or 2 or 4 or 8) ? "the number of tables is not 1, 2, 4 or 8"
        : Grid.Rows < 1 ? "a group of rows has no rows"
        : Grid.Exponent is < PowerGrid.MinExponent or > PowerGrid.MaxExponent ? $"the exponent is not between {PowerGrid.MinExponent} and {PowerGrid.MaxExponent}"
        : Grid.Kind == GridKind.Uniform && (Grid.Exponent is not null || Grid.Tables != 1 || Grid.Layouts.Contains(LevelLayout.Offset)) ? "a uniform grid has no exponent, no offset and one table"
        : Grid.Kind == GridKind.Codebook && (Grid.Exponent is not null || Rounding != RoundingRule.Nearest) ? "a codebook has no exponent and no power domain"
        : Grid.Kind is GridKind.Codebook or GridKind.Vector && Grid.Layouts is not [LevelLayout.Full] ? "the layout of codebooks is full"
        : Grid.Kind == GridKind.Power && Grid.Layouts.Contains(LevelLayout.Asymmetric) ? "a power grid is centred on zero: it has no asymmetric layout"
        : Grid.Layouts.Count > 1 && Grid.Layouts.Contains(LevelLayout.Asymmetric) ? "the asymmetric layout can't be chosen among others: it stores zero points"
        : Grid.Dimension is not (1 or 2 or 4) || Grid.BlockColumns % 16 != 0 || Grid.BlockColumns is < 0 or > 256 || !(Grid.Rank is > 0 and <= 1) ? "the dimension of vectors is not 1, 2 or 4, the columns of a block are no multiple of 16 from 0 to 256, or the rank is not above 0 and at most 1"
        : Grid.Kind != GridKind.Vector && (Grid.Dimension != 1 || Grid.BlockColumns != 0 || Grid.Rank != 1) ? "only a grid of vectors has a dimension, block scales and a rank"
        : Grid.Kind == GridKind.Vector && Grid.Rank != 1 && Grid.Dimension != 1 ? "only codebooks of one dimension are stored as a product"
        : Grid.Kind == GridKind.Vector && (Grid.Exponent is not null || Grid.Tables != 1 || Outliers is not null) ? "a grid of vectors has no exponent, no tables and no outliers"
        : Grid.Kind == GridKind.Vector && Solver.Any(step => !step.ServesVectors) ? "a grid of vectors is solved by nearest, gptq, codebooks and quantease, in their natural order"
        : Grid.Kind is not (GridKind.Vector or GridKind.Codebook) && Solver.Any(step => step.Method is SolverMethod.Codebooks or SolverMethod.Jlcm) ? "only codebooks can be learned"
        : Grid.Kind != GridKind.Power && Solver.Any(step => step.LearnExponent) ? "only a power grid has an exponent to learn"
        : Outliers is not null && !(Outliers.Share is > 0 and <= 0.5) ? "the share of outliers is not above 0 and at most 1/2"
        : Outliers is null && Solver.Any(step => step.Method == SolverMethod.Outliers) ? "a step for outliers, and the recipe has none"
        : Target == LayerTarget.Network && !NeedsCalibration ? "without calibration there is no target in the network"
        : Solver.Count == 0 ? "the solver has no step"
        : Solver.Select((step, i) => (step.Method is SolverMethod.Nearest or SolverMethod.Gptq) == (i == 0)).Contains(false) ? "the first step of the solver, and no other, is one that makes codes: nearest or gptq"
        : Solver.Select(step => step.Problem).FirstOrDefault(problem => problem is not null) is string problem ? problem
        : null;

    /// <summary>The recipe as JSON, every part spelled out.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, s_options);
}
