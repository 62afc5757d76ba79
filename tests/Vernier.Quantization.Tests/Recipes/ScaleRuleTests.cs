using Vernier.Grids;
using Vernier.Grids.Codebook;
using Vernier.Grids.Minifloat;
using Vernier.Grids.Power;
using Vernier.Grids.Trits;
using Vernier.Grids.Uniform;
using Vernier.Levels;
using Vernier.Packing;
using Vernier.Quantization.Pipeline;
using Vernier.Quantization.Recipes;

namespace Vernier.Tests.Recipes;

/// <summary>What a recipe says where a command does not: scales, groups, bits.</summary>
public class ScaleRuleTests
{
    private static readonly UniformGridSpec s_plain = new(), s_asymmetric = new() { Layouts = [LevelLayout.Asymmetric] };
    private static readonly MinifloatGridSpec s_bytes = new() { Formats = ["e2m1"], ScaleFormat = ScaleFormat.E8M0, Block = 32 };

    /// <summary>Rules of powers of two and of gradients are for linear layers; others search.</summary>
    [Theory]
    [InlineData(ScaleRule.Search, typeof(ScaleSearch), typeof(ScaleSearch))]
    [InlineData(ScaleRule.Largest, typeof(LargestScale), typeof(LargestScale))]
    [InlineData(ScaleRule.PowerOfTwo, typeof(PowerOfTwoScale), typeof(ScaleSearch))]
    [InlineData(ScaleRule.PowerOfTwoRatios, typeof(PowerOfTwoScale), typeof(ScaleSearch))]
    [InlineData(ScaleRule.Gradient, typeof(GradientScale), typeof(ScaleSearch))]
    public void ScalesAreChosenByTheRule(ScaleRule rule, Type linear, Type other)
    {
        Recipe recipe = RecipeCatalogue.Find("rtn") with { Scale = rule };
        Assert.IsType(linear, recipe.FitOf(s_plain, linear: true));
        Assert.IsType(other, recipe.FitOf(s_plain, linear: false));
        // Scales of one byte and zero points have searches of their own.
        foreach (bool layer in (bool[])[true, false])
        {
            Assert.IsType<FormatScale>(recipe.FitOf(s_bytes, layer));
            Assert.IsType<AffineScaleSearch>(recipe.FitOf(s_asymmetric, layer));
        }
    }

    [Theory]
    [InlineData("rtn", 64)]
    [InlineData("dgq", 128)]
    [InlineData("easyquant", 0)]
    [InlineData("zeroquant-fp", 256)]
    public void TheGroupOfARecipeIsTakenWhereNoneIsAskedFor(string name, int group)
    {
        var options = new QuantizationOptions { Recipe = RecipeCatalogue.Find(name) };
        Assert.Equal(new Granularity(group), options.LinearGranularity);
        Assert.Equal(Granularity.Group(32), (options with { Granularity = Granularity.Group(32) }).LinearGranularity);
    }

    [Theory]
    [InlineData("mxfp4", 4, 32)]
    [InlineData("mxfp6", 6, 32)]
    [InlineData("mxfp8", 8, 32)]
    [InlineData("nvfp4", 4, 16)]
    public void BlocksAndBitsOfAFormatAreNoChoice(string name, int bits, int block)
    {
        var options = new QuantizationOptions { Recipe = RecipeCatalogue.Find(name), Bits = 3, Granularity = Granularity.Channel };
        Assert.Equal((bits, Granularity.Group(block)), (options.LinearBits, options.LinearGranularity));
        Assert.Equal(Granularity.Channel, options.AskedGranularity);
    }

    [Fact]
    public void DescentsHaveIterationsAndARate()
    {
        Assert.Null(new ScaleDescentPart().Problem);
        Assert.Null(new ScaleDescentPart { Iterations = 1, LearningRate = double.Epsilon }.Problem);
        foreach (ScaleDescentPart part in new ScaleDescentPart[]
        {
            new() { Iterations = 0 }, new() { LearningRate = 0 }, new() { LearningRate = -1 }, new() { LearningRate = double.NaN },
        })
            Assert.Equal("the descent of scales has no iteration, or no learning rate above 0", part.Problem);
    }

    [Theory]
    [InlineData(double.NaN)]
    [InlineData(0)]
    [InlineData(-0.1)]
    [InlineData(0.5000001)]
    public void AShareOfOutliersIsAboveZeroAndAtMostAHalf(double share)
    {
        Assert.Equal("the share of outliers is not above 0 and at most 1/2", new OutlierPart { Share = share }.Problem);
        Assert.Null(new OutlierPart { Share = 0.5, Structure = OutlierStructure.Columns }.Problem);
        Assert.Equal("outliers beyond so many sigma, at least 1, are single weights", new OutlierPart { Sigma = double.NaN }.Problem);
    }

    /// <summary>Every enum by its name, in both directions.</summary>
    [Fact]
    public void WhatIsSetStaysSetInJson()
    {
        Recipe recipe = RecipeCatalogue.Find("gptq") with
        {
            Name = "mine", Group = 0, Target = LayerTarget.Network, Ours = "all", Scale = ScaleRule.Largest, Reorder = true,
            Outliers = new OutlierPart { Share = 0.25, Structure = OutlierStructure.Columns }, PreserveNorm = true,
            LowRank = new LowRankPart { Rank = 3, Weighted = true }, Descent = new ScaleDescentPart { Iterations = 7, LearningRate = 0.5 },
            Rounding = RoundingRule.PowerDomain, Grid = new PowerGridSpec { Tables = 4, Exponent = 0.5 },
        };
        string json = recipe.ToJson();
        var again = Recipe.Parse(new MemoryStream(System.Text.Encoding.UTF8.GetBytes(json)));
        Assert.Equal(json, again.ToJson());
        Assert.Equal((recipe.Group, recipe.Target, recipe.Scale, recipe.Outliers, recipe.LowRank, recipe.Descent, recipe.Rounding),
            (again.Group, again.Target, again.Scale, again.Outliers, again.LowRank, again.Descent, again.Rounding));
        foreach (string words in (string[])["\"network\"", "\"largest\"", "\"columns\"", "\"power-domain\"", "\"learning_rate\":0.5"])
            Assert.Contains(words, json, StringComparison.Ordinal);
    }

    [Fact]
    public void ARecipeThatDoesNotWorkIsNotRegistered()
    {
        Recipe rtn = RecipeCatalogue.Find("rtn");
        Refused(rtn, "there is a recipe 'rtn'");
        Refused(rtn with { Name = "mine", Solver = [] }, "the recipe 'mine' does not work: the solver has no step");
        Refused(rtn with { Name = "mine", Grid = new TritGridSpec(), PreserveNorm = true },
            "the recipe 'mine' does not work: a grid of trits has scales of its own");
        Refused(rtn with { Name = "mine", Grid = new CodebookGridSpec { Tables = 3 } },
            "the recipe 'mine' does not work: the number of tables is not 1, 2, 4 or 8");
        Assert.DoesNotContain("mine", RecipeCatalogue.All.Select(recipe => recipe.Name));
        Assert.Equal(RecipeCatalogue.All.Select(recipe => recipe.Name).Order(StringComparer.Ordinal),
            RecipeCatalogue.All.Select(recipe => recipe.Name));

        static void Refused(Recipe recipe, string message) => Assert.StartsWith(message,
            Assert.Throws<ArgumentException>(() => RecipeCatalogue.Register(recipe)).Message, StringComparison.Ordinal);
    }
}
