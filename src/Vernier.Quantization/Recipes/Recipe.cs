using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Vernier.Grids;
using Vernier.Grids.Specs;
using Vernier.Grids.Uniform;
using Vernier.Levels;
using Vernier.Packing;
using Vernier.Quantization.Solvers;
using Vernier.Quantization.Solvers.Nearest;

namespace Vernier.Quantization.Recipes;

/// <summary>
/// A quantization method as data: which grid, which scales, which solver, from which paper. The files of this folder are the
/// recipes that there are.
/// </summary>
public sealed record Recipe
{
    private static readonly JsonSerializerOptions s_options = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.KebabCaseLower, allowIntegerValues: false), GridSpecs.Types,
            SolverSteps.Types },
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        IgnoreReadOnlyProperties = true,
        RespectNullableAnnotations = true,
        TypeInfoResolver = new DefaultJsonTypeInfoResolver(),
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
    public required GridSpec Grid { get; init; }

    /// <summary>The columns that share a scale where a command does not say; 0 for the whole row. Null for what all recipes have.</summary>
    public int? Group { get; init; }

    /// <summary>Which weights share a scale where a command does not say.</summary>
    public Granularity DefaultGranularity => Group is int columns ? new Granularity(columns) : Grid.DefaultGranularity;

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
    public IReadOnlyList<SolverStep> Solver { get; init; } = [new NearestStep()];

    /// <summary>Whether inner channels are ordered so that rows of similar distribution share a codebook; see
    /// <see cref="Transforms.ChannelOrder"/>.</summary>
    public bool Reorder { get; init; }

    /// <summary>What the outputs of the layers are to be.</summary>
    public LayerTarget Target { get; init; }

    /// <summary>Whether the inputs of the layers have to be observed.</summary>
    public bool NeedsCalibration => Solver.Any(step => step.NeedsData) || LowRank is { Weighted: true };

    /// <summary>The most bits of a weight that it can do.</summary>
    public int MostBits => Grid.MostBits;

    /// <summary>The family of its grid.</summary>
    public SolutionFamily Family => SolutionFamilies.Of(Grid.LayoutType);

    /// <summary>How the scales of a matrix on a scalar grid are chosen.</summary>
    /// <param name="grid">The grid.</param>
    /// <param name="linear">Whether it is that of a linear layer: rules for scales are for these, and others search.</param>
    public IScaleFit FitOf(ScalarGridSpec grid, bool linear)
    {
        ArgumentNullException.ThrowIfNull(grid);
        bool search = Scale != ScaleRule.Largest;
        if (grid.ScaleFormat != ScaleFormat.Half)
            return new FormatScale(grid.ScaleFormat, search);
        if (grid.HasZeroPoints)
            return search ? new AffineScaleSearch() : new AffineScaleSearch(steps: 1);
        if (Scale == ScaleRule.Gradient && linear)
            return new GradientScale(Descent.Iterations, Descent.LearningRate);
        IScaleFit fit = search ? new ScaleSearch(grid.Mirror, PreserveNorm) : new LargestScale(grid.Mirror);
        return linear && Scale is (ScaleRule.PowerOfTwo or ScaleRule.PowerOfTwoRatios)
            ? new PowerOfTwoScale(fit, Scale == ScaleRule.PowerOfTwoRatios) : fit;
    }

    /// <summary>Reads a recipe.</summary>
    /// <exception cref="JsonException">The text is no recipe, or its parts do not go together.</exception>
    public static Recipe Parse(Stream json)
    {
        Recipe recipe = Read(json);
        return recipe.Problem is string problem ? throw new JsonException(problem) : recipe;
    }

    /// <summary>Reads a recipe, whatever rules it breaks.</summary>
    internal static Recipe Read(Stream json) =>
        JsonSerializer.Deserialize<Recipe>(json, s_options) ?? throw new JsonException("the recipe is null");

    /// <summary>What is wrong with a part of the recipe, or keeps parts from going together; null where all is well.</summary>
    public string? Problem =>
        Group < 0 ? "a group has no columns"
        : Grid.Problem ?? Outliers?.Problem ?? Descent.Problem ?? LowRank?.Problem
        ?? Solver.Select(step => step.Problem).FirstOrDefault(problem => problem is not null)
        ?? BrokenRule?.Broken(this);

    /// <summary>The first rule that its parts break together, or null.</summary>
    public CrossRule? BrokenRule => CrossRule.All.FirstOrDefault(rule => rule.Broken(this) is not null);

    /// <summary>The recipe as JSON, every part spelled out.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, s_options);
}
