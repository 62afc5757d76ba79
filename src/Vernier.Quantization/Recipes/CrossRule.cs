using Vernier.Grids;
using Vernier.Grids.Codebook;
using Vernier.Grids.Specs;
using Vernier.Levels;
using Vernier.Quantization.Solvers.Gptq;
using Vernier.Quantization.Solvers.Nearest;
using Vernier.Quantization.Solvers.Outliers;

namespace Vernier.Quantization.Recipes;

/// <summary>Something that parts of a recipe have to keep to together. What concerns one part alone, that part says.</summary>
/// <param name="Name">The name of the rule.</param>
/// <param name="Broken">What breaks the rule in a recipe, or null.</param>
public sealed record CrossRule(string Name, Func<Recipe, string?> Broken)
{
    /// <summary>All rules.</summary>
    public static IReadOnlyList<CrossRule> All { get; } =
    [
        new("first-step", recipe =>
            recipe.Solver.Count == 0 ? "the solver has no step"
            : recipe.Solver.Select((step, i) => step.MakesCodes == (i == 0)).Contains(false)
                ? "the first step of the solver, and no other, is one that makes codes: nearest or gptq"
            : null),
        new("step-grid", recipe => recipe.Solver.Select(
            step => step.ProblemWith(recipe.Grid, recipe.Family) is string problem
            ? $"the step '{SolverSteps.MethodOf(step)}' can't serve: {problem}" : null)
            .FirstOrDefault(problem => problem is not null)),
        new("own-scales", recipe => recipe.Grid.HasOwnScales && (recipe.Scale != ScaleRule.Search || recipe.PreserveNorm)
            ? $"{recipe.Family.Name} has scales of its own" : null),
        new("byte-scales", recipe => recipe.PreserveNorm && recipe.Grid is ScalarGridSpec { ScaleFormat: not ScaleFormat.Half }
            ? "scales of one byte are not enlarged" : null),
        new("constrained-scales", recipe => recipe.Scale is not (ScaleRule.PowerOfTwo or ScaleRule.PowerOfTwoRatios) ? null
            : !HasPlainScales(recipe.Grid) ? "powers of two are for scales in half precision, one table and no zero point"
            : recipe.Solver.Any(step => step.RefitsScales) ? "a step that fits the scales anew would leave the powers of two"
            : recipe.Scale == ScaleRule.PowerOfTwoRatios && recipe.Solver.Any(step => step is GptqStep { Groups: GroupFit.Current })
                ? "with the scales of a row in given ratios the groups must be static"
            : null),
        new("gradient-scales", recipe => recipe.Scale == ScaleRule.Gradient && (!HasPlainScales(recipe.Grid) || recipe.PreserveNorm)
            ? "a gradient is for scales in half precision, one table and no zero point" : null),
        new("power-domain", recipe => recipe.Rounding != RoundingRule.Nearest && recipe.Grid is CodebookGridSpec
            ? "a codebook has no power domain" : null),
        new("outliers-grid", recipe => recipe.Outliers is not null && !recipe.Grid.TakesOutliers ? $"{recipe.Family.Name} has no outliers"
            : null),
        new("exact-outliers", recipe => recipe.Outliers?.Sigma is null ? null
            : !recipe.Grid.HasZero ? "outliers are kept bit for bit only beside codes that stand for zero"
            : recipe.Solver.Any(step => step is not NearestStep) || recipe.Target != LayerTarget.Layer || recipe.LowRank is not null
                ? "outliers are kept bit for bit only where weights are rounded to nearest and nothing else is added"
            : null),
        new("outliers-step", recipe => recipe.Outliers is null && recipe.Solver.Any(step => step is OutliersStep)
            ? "a step for outliers, and the recipe has none" : null),
        new("reorder-grid", recipe => recipe.Reorder && recipe.Grid is not ScalarGridSpec
            ? "channels are ordered for rows of scalars that share a codebook" : null),
        new("target-data", recipe => recipe.Target == LayerTarget.Network && !recipe.NeedsCalibration
            ? "without calibration there is no target in the network" : null),
    ];

    private static bool HasPlainScales(GridSpec grid) =>
        grid is not ScalarGridSpec scalar || (scalar.ScaleFormat == ScaleFormat.Half && scalar.TablesFor(2) == 1 && !scalar.HasZeroPoints);
}
