using System.Text.Json;
using System.Text.Json.Serialization;
using Vernier.Grids;
using Vernier.Grids.Power;
using Vernier.Levels;
using Vernier.Packing;
using Vernier.Packing.Trits;

namespace Vernier.Quantization.Recipes;

/// <summary>The family of a grid.</summary>
public enum GridKind
{
    /// <summary>Evenly spaced levels.</summary>
    Uniform,

    /// <summary>Levels spaced by a power function.</summary>
    Power,

    /// <summary>The numbers of a float of few bits.</summary>
    Minifloat,

    /// <summary>Quantiles of the normal distribution.</summary>
    NormalFloat,

    /// <summary>The block formats of ggml, which GGUF files have.</summary>
    Ggml,

    /// <summary>Levels found by k-means.</summary>
    Codebook,

    /// <summary>Vectors of 1, 2 or 4 weights that share an index into a codebook.</summary>
    Vector,

    /// <summary>Two planes of trits.</summary>
    Trits,

    /// <summary>Codes of few bits within integers of 8 bits.</summary>
    TwoLevel,
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

    /// <summary>By search, then raised to a power of two: M1 of ZeroQuant-FP.</summary>
    PowerOfTwo,

    /// <summary>By search, then lowered to the largest of the row divided by a power of two: M2 of ZeroQuant-FP.</summary>
    PowerOfTwoRatios,

    /// <summary>By gradient descent from the largest weight's.</summary>
    Gradient,
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

    /// <summary>The bits of exponent of a minifloat to choose from by error, at the number of bits that is asked for; each 1 to 7.</summary>
    public IReadOnlyList<int> ExponentBits { get; init; } = [];

    /// <summary>The minifloats to choose from by error, by name, all of as many bits: the recipe then has these bits. See <see cref="MinifloatFormat.TryParse"/>.</summary>
    public IReadOnlyList<string> Formats { get; init; } = [];

    /// <summary>The numbers that scales can be, and how they are stored.</summary>
    public ScaleFormat ScaleFormat { get; init; }

    /// <summary>The columns that share a scale in linear layers, where the format of the blocks says; at least 1. Null where it is a choice.</summary>
    public int? Block { get; init; }

    /// <summary>How trits are stored.</summary>
    public TritStorage Storage { get; init; }

    /// <summary>The bits of a code in linear layers, where the grid says; null where they are a choice. Of trits it is the nearest whole number.</summary>
    [JsonIgnore]
    public int? FixedBits => Formats.Count > 0 ? FormatsFor(0)[0].Bits
        : Kind == GridKind.Trits ? (Storage == TritStorage.Base3 ? 3 : 4)
        : null;

    /// <summary>The minifloats to choose from, of so many bits; empty for other grids.</summary>
    /// <param name="bits">2 to 8.</param>
    public IReadOnlyList<MinifloatFormat> FormatsFor(int bits) => Formats.Count == 0 ? MinifloatFormat.Splits(bits, ExponentBits)
        : [.. Formats.Select(name => MinifloatFormat.TryParse(name, out MinifloatFormat format) ? format : throw new ArgumentException($"there is no format '{name}'"))];

    /// <summary>What keeps the options of a minifloat from going together, or null.</summary>
    internal string? MinifloatProblem
    {
        get
        {
            if (Kind != GridKind.Minifloat)
                return Formats.Count + ExponentBits.Count > 0 ? "only a minifloat has formats and bits of exponent" : null;
            if ((Formats.Count == 0) == (ExponentBits.Count == 0))
                return "a minifloat has either formats or bits of exponent to choose from";
            if (ExponentBits.Any(bits => bits is < 1 or > 7) || (ExponentBits.Count > 0 && ExponentBits.Min() > 1))
                return "bits of exponent are from 1 to 7, and 1 is among them, for few bits of code";
            if (Formats.FirstOrDefault(name => !MinifloatFormat.TryParse(name, out _)) is string unknown)
                return $"there is no format '{unknown}': e2m1 and the like, ocp-e4m3, ocp-e5m2";
            return Formats.Count > 0 && FormatsFor(0).Select(format => format.Bits).Distinct().Count() > 1 ? "the formats differ in their bits" : null;
        }
    }
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
    /// <summary>The share of the weights, or of the columns; above 0, at most 1/2. At least one of each matrix. Either this or <see cref="Sigma"/>.</summary>
    public double? Share { get; init; }

    /// <summary>
    /// In place of a share: outliers are the weights that differ from the mean of their matrix by so many standard deviations, at least 1, or more. They are kept bit
    /// for bit, and how many there are is counted when a run is planned.
    /// </summary>
    public double? Sigma { get; init; }

    /// <summary>Single weights or whole columns.</summary>
    public OutlierStructure Structure { get; init; }
}

/// <summary>The gradient descent of a scale.</summary>
public sealed record ScaleDescentPart
{
    /// <summary>The steps, at least 1.</summary>
    public int Iterations { get; init; } = 100;

    /// <summary>The learning rate, relative to the scale of the largest weight; above 0.</summary>
    public double LearningRate { get; init; } = 0.01;
}

/// <summary>The matrix of low rank that makes up for what the codes have lost: the largest singular vectors of W - Q, in 8 bits.</summary>
public sealed record LowRankPart
{
    /// <summary>The rank, at least 1; of a matrix with fewer rows or columns these.</summary>
    public required int Rank { get; init; }

    /// <summary>Whether columns count by the energy of their input channel, H_jj; otherwise all alike. It needs calibration text.</summary>
    public bool Weighted { get; init; }
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

    /// <summary>The columns that share a scale where a command does not say; 0 for the whole row. Null for what all recipes have.</summary>
    public int? Group { get; init; }

    /// <summary>Which weights share a scale where a command does not say.</summary>
    [JsonIgnore]
    public Granularity DefaultGranularity => new(Group ?? 64);

    /// <summary>The sparse part beside the codes of linear layers; null for none.</summary>
    public OutlierPart? Outliers { get; init; }

    /// <summary>What is added to linear layers at last; null for nothing.</summary>
    public LowRankPart? LowRank { get; init; }

    /// <summary>How scales are chosen.</summary>
    public ScaleRule Scale { get; init; } = ScaleRule.Search;

    /// <summary>How scales descend where they are chosen by gradient.</summary>
    public ScaleDescentPart Descent { get; init; } = new();

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
    public bool NeedsCalibration => Solver.Any(step => step.Method != SolverMethod.Nearest || step.Importance != ColumnImportance.None) || LowRank is { Weighted: true };

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
        : Group < 0 || Grid.Block < 1 ? "a group has no columns"
        : Grid.Kind != GridKind.Power && (Grid.Exponent is not null || (Grid.Tables != 1 && Grid.Kind != GridKind.Codebook) || Grid.Layouts.Contains(LevelLayout.Offset)) ? "only a power grid has an exponent, an offset and a choice of tables"
        : Grid.Kind == GridKind.Minifloat && Grid.Layouts is not [LevelLayout.Symmetric] ? "a minifloat has the symmetric layout"
        : Grid.Kind == GridKind.NormalFloat && Grid.Layouts is not [LevelLayout.Full] ? "a normal-float grid has the full layout"
        : Grid.Kind == GridKind.TwoLevel && (Grid.Layouts is not [LevelLayout.Asymmetric] || Scale != ScaleRule.Search || PreserveNorm || Grid.ScaleFormat != ScaleFormat.Half) ? "a two-level grid has the asymmetric layout, and scales of its own"
        : Grid.Kind == GridKind.TwoLevel && Solver is not [{ Method: SolverMethod.Nearest or SolverMethod.Gptq, Importance: ColumnImportance.None or ColumnImportance.Output }] ? "a two-level grid has one step, nearest or gptq, and searches its scales by the weights or by the output"
        : Grid.Kind != GridKind.TwoLevel && Solver.Any(step => step.Importance == ColumnImportance.Output) ? "only a two-level grid searches its scales by the output"
        : Grid.Kind == GridKind.Trits && (Grid.Layouts is not [LevelLayout.Symmetric] || Scale != ScaleRule.Search || PreserveNorm || Grid.ScaleFormat != ScaleFormat.Half) ? "planes of trits have the symmetric layout, and scales of their own"
        : Grid.Kind == GridKind.Trits && Solver is not [{ Method: SolverMethod.Nearest, Importance: not ColumnImportance.Sequential }] ? "trits have one step, nearest"
        : Grid.MinifloatProblem is string minifloat ? minifloat
        : Grid.ScaleFormat != ScaleFormat.Half && (Grid.Tables != 1 || Grid.Mirror || PreserveNorm || Grid.Layouts.Contains(LevelLayout.Asymmetric)) ? "scales of one byte have no sign, one table, no zero point, and are not enlarged"
        : Scale is ScaleRule.PowerOfTwo or ScaleRule.PowerOfTwoRatios && ConstraintProblem is string constraint ? constraint
        : Grid.Kind == GridKind.Power && Grid.Layouts.Contains(LevelLayout.Asymmetric) ? "a power grid is centred on zero: it has no asymmetric layout"
        : Grid.Layouts.Count > 1 && Grid.Layouts.Contains(LevelLayout.Asymmetric) ? "the asymmetric layout can't be chosen among others: it stores zero points"
        : Grid.Kind == GridKind.Codebook && (Grid.Exponent is not null || Rounding != RoundingRule.Nearest) ? "a codebook has no exponent and no power domain"
        : Grid.Kind is GridKind.Codebook or GridKind.Vector && Grid.Layouts is not [LevelLayout.Full] ? "the layout of codebooks is full"
        : Grid.Dimension is not (1 or 2 or 4) || Grid.BlockColumns % 16 != 0 || Grid.BlockColumns is < 0 or > 256 || !(Grid.Rank is > 0 and <= 1) ? "the dimension of vectors is not 1, 2 or 4, the columns of a block are no multiple of 16 from 0 to 256, or the rank is not above 0 and at most 1"
        : Grid.Kind != GridKind.Vector && (Grid.Dimension != 1 || Grid.BlockColumns != 0 || Grid.Rank != 1) ? "only a grid of vectors has a dimension, block scales and a rank"
        : Grid.Kind == GridKind.Vector && Grid.Rank != 1 && Grid.Dimension != 1 ? "only codebooks of one dimension are stored as a product"
        : Grid.Kind == GridKind.Vector && (Grid.Exponent is not null || Grid.Tables != 1 || Outliers is not null) ? "a grid of vectors has no exponent, no tables and no outliers"
        : Grid.Kind == GridKind.Vector && Solver.Any(step => !step.ServesVectors) ? "a grid of vectors is solved by nearest, gptq, codebooks and quantease, in their natural order"
        : Grid.Kind is not (GridKind.Vector or GridKind.Codebook) && Solver.Any(step => step.Method is SolverMethod.Codebooks or SolverMethod.Jlcm) ? "only codebooks can be learned"
        : Grid.Kind != GridKind.Power && Solver.Any(step => step.LearnExponent) ? "only a power grid has an exponent to learn"
        : Descent.Iterations < 1 || !(Descent.LearningRate > 0) ? "the descent of scales has no iteration, or no learning rate above 0"
        : Scale == ScaleRule.Gradient && (Grid.Tables != 1 || Grid.ScaleFormat != ScaleFormat.Half || PreserveNorm || Grid.Layouts.Contains(LevelLayout.Asymmetric)) ? "a gradient is for scales in half precision, one table and no zero point"
        : Outliers is not null && (Outliers.Share is null) == (Outliers.Sigma is null) ? "outliers are either a share or beyond so many sigma"
        : Outliers is { Share: double share } && !(share is > 0 and <= 0.5) ? "the share of outliers is not above 0 and at most 1/2"
        : Outliers is { Sigma: not null } && ExactOutlierProblem is string exact ? exact
        : Outliers is null && Solver.Any(step => step.Method == SolverMethod.Outliers) ? "a step for outliers, and the recipe has none"
        : LowRank?.Rank < 1 ? "a matrix of low rank has a rank of 1 or more"
        : Target == LayerTarget.Network && !NeedsCalibration ? "without calibration there is no target in the network"
        : Solver.Count == 0 ? "the solver has no step"
        : Solver.Select((step, i) => (step.Method is SolverMethod.Nearest or SolverMethod.Gptq) == (i == 0)).Contains(false) ? "the first step of the solver, and no other, is one that makes codes: nearest or gptq"
        : Solver.Select(step => step.Problem).FirstOrDefault(problem => problem is not null) is string problem ? problem
        : null;

    private string? ExactOutlierProblem =>
        !(Outliers!.Sigma >= 1) || Outliers.Structure != OutlierStructure.Weights ? "outliers beyond so many sigma, at least 1, are single weights"
        : Grid.Kind == GridKind.Trits || Grid.Layouts.Any(layout => layout is LevelLayout.MidRise or LevelLayout.Offset) ? "outliers are kept bit for bit only beside codes that stand for zero"
        : Solver.Any(step => step.Method != SolverMethod.Nearest) || Target != LayerTarget.Layer || LowRank is not null ? "outliers are kept bit for bit only where weights are rounded to nearest and nothing else is added"
        : null;

    private string? ConstraintProblem =>
        Grid.ScaleFormat != ScaleFormat.Half || Grid.Tables != 1 || Grid.Layouts.Contains(LevelLayout.Asymmetric) ? "powers of two are for scales in half precision, one table and no zero point"
        : Solver.Any(step => step.Method is SolverMethod.Scales or SolverMethod.Nupes || step.RefitScales) ? "a step that fits the scales anew would leave the powers of two"
        : Scale == ScaleRule.PowerOfTwoRatios && Solver.Any(step => step.Method == SolverMethod.Gptq && step.Groups == GroupFit.Current) ? "with the scales of a row in given ratios the groups must be static"
        : null;

    /// <summary>The recipe as JSON, every part spelled out.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, s_options);
}
