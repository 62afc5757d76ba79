using System.Text;
using System.Text.Json;
using Vernier.Quantization.Recipes;

namespace Vernier.Tests.Recipes;

/// <summary>What is no recipe is refused, and the message says why.</summary>
public class RefusalTests
{
    private const string Uniform = """{"kind":"uniform"}""", Codebook = """{"kind":"codebook"}""", Vector = """{"kind":"vector"}""",
        Trits = """{"kind":"trits"}""";
    private const string TwoLevel = """{"kind":"two-level"}""", Power = """{"kind":"power"}""", Tables = """{"kind":"power","tables":4}""",
        Asymmetric = """{"kind":"uniform","layouts":["asymmetric"]}""";
    private const string Mxfp4 = """{"kind":"minifloat","formats":["e2m1"],"scale_format":"e8m0"}""";

    public static TheoryData<string, string, string, string> Broken { get; } = new()
    {
        { "first-step", Uniform, """ "solver":[] """, "the solver has no step" },
        { "first-step", Uniform, """ "solver":[{"method":"quantease"}] """,
            "the first step of the solver, and no other, is one that makes codes: nearest or gptq" },
        { "first-step", Uniform, """ "solver":[{"method":"gptq"},{"method":"nearest"}] """,
            "the first step of the solver, and no other, is one that makes codes: nearest or gptq" },
        { "step-grid", Vector, """ "solver":[{"method":"nearest"},{"method":"adaround"}] """,
            "the step 'adaround' can't serve: it chooses the codes of scalars, which a grid of vectors does not have" },
        { "step-grid", Vector, """ "solver":[{"method":"gptq","order":"activation","groups":"static"}] """,
            "the step 'gptq' can't serve: a grid of vectors takes columns in their natural order" },
        { "step-grid", Power, """ "solver":[{"method":"gptq"},{"method":"codebooks"}] """,
            "the step 'codebooks' can't serve: only codebooks can be learned" },
        { "step-grid", Uniform, """ "solver":[{"method":"gptq"},{"method":"jlcm"}] """,
            "the step 'jlcm' can't serve: only codebooks can be learned" },
        { "step-grid", Codebook, """ "solver":[{"method":"gptq"},{"method":"nupes","learn_exponent":true}] """,
            "the step 'nupes' can't serve: only a power grid has an exponent to learn" },
        { "step-grid", Trits, """ "solver":[{"method":"gptq"}] """,
            "the step 'gptq' can't serve: a grid of trits is not solved column by column" },
        { "step-grid", Trits, """ "solver":[{"method":"nearest"},{"method":"quantease"}] """,
            "the step 'quantease' can't serve: there is no coordinate descent on a grid of trits" },
        { "step-grid", Trits, """ "solver":[{"method":"nearest","importance":"sequential"}] """,
            "the step 'nearest' can't serve: a grid of trits does not count columns by the importance 'Sequential'" },
        { "step-grid", TwoLevel, """ "solver":[{"method":"nearest","importance":"diagonal"}] """,
            "the step 'nearest' can't serve: a two-level grid does not count columns by the importance 'Diagonal'" },
        { "step-grid", TwoLevel, """ "solver":[{"method":"gptq"},{"method":"quantease"}] """,
            "the step 'quantease' can't serve: there is no coordinate descent on a two-level grid" },
        { "step-grid", Uniform, """ "solver":[{"method":"gptq","importance":"output"}] """,
            "the step 'gptq' can't serve: a grid of scalars does not count columns by the importance 'Output'" },
        { "own-scales", Trits, """ "scale":"largest" """, "a grid of trits has scales of its own" },
        { "own-scales", TwoLevel, """ "preserve_norm":true """, "a two-level grid has scales of its own" },
        { "byte-scales", Mxfp4, """ "preserve_norm":true """, "scales of one byte are not enlarged" },
        { "constrained-scales", Tables, """ "scale":"power-of-two" """,
            "powers of two are for scales in half precision, one table and no zero point" },
        { "constrained-scales", Mxfp4, """ "scale":"power-of-two" """,
            "powers of two are for scales in half precision, one table and no zero point" },
        { "constrained-scales", Uniform, """ "scale":"power-of-two","solver":[{"method":"gptq"},{"method":"scales"}] """,
            "a step that fits the scales anew would leave the powers of two" },
        { "constrained-scales", Uniform,
            """ "scale":"power-of-two","solver":[{"method":"gptq"},{"method":"quantease","refit_scales":true}] """,
            "a step that fits the scales anew would leave the powers of two" },
        { "constrained-scales", Uniform, """ "scale":"power-of-two-ratios","solver":[{"method":"gptq"}] """,
            "with the scales of a row in given ratios the groups must be static" },
        { "gradient-scales", Asymmetric, """ "scale":"gradient" """,
            "a gradient is for scales in half precision, one table and no zero point" },
        { "gradient-scales", Uniform, """ "scale":"gradient","preserve_norm":true """,
            "a gradient is for scales in half precision, one table and no zero point" },
        { "power-domain", Codebook, """ "rounding":"power-domain" """, "a codebook has no power domain" },
        { "outliers-grid", Vector, """ "outliers":{"share":0.1} """, "a grid of vectors has no outliers" },
        { "outliers-grid", """{"kind":"ggml"}""", """ "outliers":{"share":0.1} """, "a grid of blocks has no outliers" },
        { "exact-outliers", """{"kind":"uniform","layouts":["mid-rise"]}""", """ "outliers":{"sigma":3} """,
            "outliers are kept bit for bit only beside codes that stand for zero" },
        { "exact-outliers", Uniform, """ "outliers":{"sigma":3},"solver":[{"method":"gptq"}] """,
            "outliers are kept bit for bit only where weights are rounded to nearest and nothing else is added" },
        { "exact-outliers", Uniform, """ "outliers":{"sigma":3},"low_rank":{"rank":4} """,
            "outliers are kept bit for bit only where weights are rounded to nearest and nothing else is added" },
        { "outliers-step", Uniform, """ "solver":[{"method":"gptq"},{"method":"outliers"}] """,
            "a step for outliers, and the recipe has none" },
        { "reorder-grid", Vector, """ "reorder":true """, "channels are ordered for rows of scalars that share a codebook" },
        { "target-data", Uniform, """ "target":"network" """, "without calibration there is no target in the network" },
    };

    [Theory]
    [MemberData(nameof(Broken))]
    public void PartsThatDoNotGoTogetherBreakARule(string rule, string grid, string parts, string message)
    {
        Assert.Equal(message, Assert.Throws<JsonException>(() => Parse(grid, parts)).Message);
        Assert.Equal(message, CrossRule.All.Single(one => one.Name == rule).Broken(Whole(grid, parts)));
        // No rule before it is broken: each is shown by recipes of its own.
        Assert.Equal(rule, Whole(grid, parts).BrokenRule!.Name);
    }

    [Fact]
    public void EveryRuleIsShown()
    {
        string[] shown = [.. Broken.Select(row => row.Data.Item1).Distinct()];
        Assert.Equal(CrossRule.All.Select(rule => rule.Name).Order(), shown.Order());
    }

    [Theory]
    [InlineData("""{"kind":"power","layouts":[]}""", "the grid has no layout")]
    [InlineData("""{"kind":"power","tables":3}""", "the number of tables is not 1, 2, 4 or 8")]
    [InlineData("""{"kind":"codebook","tables":3}""", "the number of tables is not 1, 2, 4 or 8")]
    [InlineData("""{"kind":"power","rows":0}""", "a group of rows has no rows")]
    [InlineData("""{"kind":"power","exponent":3}""", "the exponent is not between 0.2 and 1.2")]
    [InlineData("""{"kind":"power","layouts":["asymmetric"]}""", "a power grid is centred on zero: it has no asymmetric layout")]
    [InlineData("""{"kind":"uniform","layouts":["offset"]}""", "only a power grid has an exponent, an offset and a choice of tables")]
    [InlineData("""{"kind":"uniform","layouts":["asymmetric","full"]}""",
        "the asymmetric layout can't be chosen among others: it stores zero points")]
    [InlineData("""{"kind":"uniform","block":0}""", "a group has no columns")]
    [InlineData("""{"kind":"uniform","scale_format":"e8m0","mirror":true}""",
        "scales of one byte have no sign, one table and no zero point")]
    [InlineData("""{"kind":"power","scale_format":"e4m3","tables":2}""", "scales of one byte have no sign, one table and no zero point")]
    [InlineData("""{"kind":"uniform","scale_format":"e4m3","layouts":["asymmetric"]}""",
        "scales of one byte have no sign, one table and no zero point")]
    [InlineData("""{"kind":"vector","dimension":3}""", "the dimension of vectors is not 1, 2 or 4")]
    [InlineData("""{"kind":"vector","dimension":2,"rank":0.5}""", "only codebooks of one dimension are stored as a product")]
    [InlineData("""{"kind":"vector","rank":0}""", "the rank is not above 0 and at most 1")]
    [InlineData("""{"kind":"vector","block_columns":8}""", "the columns of a block are no multiple of 16 from 0 to 256")]
    [InlineData("""{"kind":"vector","layouts":["symmetric"]}""", "the layout of codebooks is full")]
    [InlineData("""{"kind":"codebook","layouts":["offset"]}""", "the layout of codebooks is full")]
    [InlineData("""{"kind":"trits","layouts":["full"]}""", "planes of trits have the symmetric layout")]
    [InlineData("""{"kind":"two-level","layouts":["full"]}""", "a two-level grid has the asymmetric layout")]
    [InlineData("""{"kind":"ggml","layouts":["full"]}""", "block formats of ggml have the symmetric layout")]
    [InlineData("""{"kind":"normal-float","layouts":["symmetric"]}""", "a normal-float grid has the full layout")]
    [InlineData("""{"kind":"minifloat"}""", "a minifloat has either formats or bits of exponent to choose from")]
    [InlineData("""{"kind":"minifloat","formats":["e2m1"],"exponent_bits":[1]}""",
        "a minifloat has either formats or bits of exponent to choose from")]
    [InlineData("""{"kind":"minifloat","layouts":["full"],"exponent_bits":[1]}""", "a minifloat has the symmetric layout")]
    [InlineData("""{"kind":"minifloat","exponent_bits":[0,1]}""",
        "bits of exponent are from 1 to 7, and 1 is among them, for few bits of code")]
    [InlineData("""{"kind":"minifloat","exponent_bits":[2]}""",
        "bits of exponent are from 1 to 7, and 1 is among them, for few bits of code")]
    [InlineData("""{"kind":"minifloat","formats":["e2m1","e3m2"]}""", "the formats differ in their bits")]
    [InlineData("""{"kind":"minifloat","formats":["e2m9"]}""", "there is no format 'e2m9': e2m1 and the like, ocp-e4m3, ocp-e5m2")]
    public void AGridSaysWhatIsWrongWithIt(string grid, string message) =>
        Assert.Equal(message, Assert.Throws<JsonException>(() => Parse(grid, """ "ours":"" """)).Message);

    [Theory]
    [InlineData(""" "group":-1 """, "a group has no columns")]
    [InlineData(""" "outliers":{} """, "outliers are either a share or beyond so many sigma")]
    [InlineData(""" "outliers":{"share":0.1,"sigma":3} """, "outliers are either a share or beyond so many sigma")]
    [InlineData(""" "outliers":{"share":0.6} """, "the share of outliers is not above 0 and at most 1/2")]
    [InlineData(""" "outliers":{"sigma":0.5} """, "outliers beyond so many sigma, at least 1, are single weights")]
    [InlineData(""" "outliers":{"sigma":3,"structure":"columns"} """, "outliers beyond so many sigma, at least 1, are single weights")]
    [InlineData(""" "low_rank":{"rank":0} """, "a matrix of low rank has a rank of 1 or more")]
    [InlineData(""" "descent":{"iterations":0} """, "the descent of scales has no iteration, or no learning rate above 0")]
    [InlineData(""" "solver":[{"method":"gptq","damping":2}] """, "the damping is not between 0 and 1")]
    [InlineData(""" "solver":[{"method":"gptq","order":"activation"}] """, "in the order of activation the groups must be static")]
    [InlineData(""" "solver":[{"method":"gptq"},{"method":"quantease","sweeps":0}] """, "there is no sweep")]
    [InlineData(""" "solver":[{"method":"gptq"},{"method":"dmmv","sweeps":0}] """, "there is no sweep")]
    [InlineData(""" "solver":[{"method":"gptq"},{"method":"outliers","sweeps":0}],"outliers":{"share":0.1} """, "there is no sweep")]
    [InlineData(""" "solver":[{"method":"gptq"},{"method":"flexround","iterations":0}] """, "there is no iteration")]
    [InlineData(""" "solver":[{"method":"gptq"},{"method":"flexround","learning_rate":0}] """, "the learning rate is not above 0")]
    [InlineData(""" "solver":[{"method":"gptq"},{"method":"adaround","penalty":-1}] """, "the penalty is negative")]
    [InlineData(""" "solver":[{"method":"gptq"},{"method":"jlcm","neighbours":1}] """, "the neighbours are not 2 to 8")]
    [InlineData(""" "solver":[{"method":"gptq"},{"method":"codebooks","iterations":0}] """, "there is no iteration")]
    public void APartSaysWhatIsWrongWithIt(string parts, string message) =>
        Assert.Equal(message, Assert.Throws<JsonException>(() => Parse(Uniform, parts)).Message);

    [Theory]
    [InlineData("""{"kind":"cubic"}""",
        "there is no grid 'cubic'. There are: uniform, power, minifloat, normal-float, ggml, codebook, vector, trits, two-level")]
    [InlineData("""{"layouts":["full"]}""", "a grid has no 'kind'")]
    [InlineData("[]", "a grid is an object")]
    [InlineData("""{"kind":"uniform","exponent":0.5}""", "the grid 'uniform' has no member 'exponent'")]
    [InlineData("""{"kind":"power","dimension":2}""", "the grid 'power' has no member 'dimension'")]
    [InlineData("""{"kind":"vector","tables":2}""", "the grid 'vector' has no member 'tables'")]
    [InlineData("""{"kind":"minifloat","formats":["e2m1"],"tables":2}""", "the grid 'minifloat' has no member 'tables'")]
    [InlineData("""{"kind":"uniform","most_bits":2}""", "the grid 'uniform' has no member 'most_bits'")]
    [InlineData("""{"kind":"ggml","format":"Q4_0"}""", "the grid 'ggml' has no member 'format'")]
    [InlineData("""{"kind":"uniform","kind":"power"}""", "a grid has a member twice")]
    public void WhatAGridDoesNotKnowIsNamed(string grid, string message) =>
        Assert.StartsWith(message, Assert.Throws<JsonException>(() => Parse(grid, """ "ours":"" """)).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData(""" "solver":[{"method":"guess"}] """, "there is no step 'guess'. There are: nearest, gptq, ")]
    [InlineData(""" "solver":[{}] """, "a step has no 'method'")]
    [InlineData(""" "solver":[{"method":"nearest","sweeps":3}] """, "the step 'nearest' has no member 'sweeps'. It has: importance")]
    [InlineData(""" "solver":[{"method":"gptq"},{"method":"scales","sweeps":3}] """, "the step 'scales' has no member 'sweeps'")]
    [InlineData(""" "solver":[{"method":"gptq","block_columns":64}] """, "the step 'gptq' has no member 'block_columns'")]
    public void WhatAStepDoesNotKnowIsNamed(string parts, string message) =>
        Assert.StartsWith(message, Assert.Throws<JsonException>(() => Parse(Uniform, parts)).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("{}", "name")]
    [InlineData("null", "the recipe is null")]
    [InlineData("""{"summary":"","paper":"","needs":"","grid":{"kind":"power"}}""", "name")]
    [InlineData("""{"name":"x","summary":"","paper":"","needs":""}""", "grid")]
    [InlineData("""{"name":"x","summary":"","paper":"","needs":"","grid":{"kind":"power"},"typo":1}""", "typo")]
    [InlineData("""{"name":"x","summary":"","paper":null,"needs":"","grid":{"kind":"power"}}""", "paper")]
    [InlineData("""{"name":"x","summary":"","paper":"","needs":"","grid":{"kind":"power","layouts":[3]}}""", "layouts")]
    [InlineData("""{"name":"x","summary":"","paper":"","needs":"","grid":{"kind":"power","layouts":null}}""", "layouts")]
    [InlineData("""{"name":"x","summary":"","paper":"","needs":"","grid":{"kind":"minifloat","formats":["e2m1"],"scale_format":"e5m2"}}""",
        "scale_format")]
    [InlineData("""{"name":"x","summary":"","paper":"","needs":"","grid":{"kind":"power"},"scale":2}""", "scale")]
    [InlineData("""{"name":"x","summary":"","paper":"","needs":"","grid":{"kind":"power"}""", "depth")]
    public void WhatIsNoRecipeIsRefused(string json, string words) => Assert.Contains(words,
        Assert.Throws<JsonException>(() => Recipe.Parse(new MemoryStream(Encoding.UTF8.GetBytes(json)))).Message, StringComparison.Ordinal);

    private static Recipe Parse(string grid, string parts) => Recipe.Parse(new MemoryStream(Encoding.UTF8.GetBytes(Json(grid, parts))));

    private static string Json(string grid, string parts) =>
        $$"""{"name":"x","summary":"","paper":"","needs":"","grid":{{grid}},{{parts}}}""";

    // As it stands in the text, whatever rules it breaks.
    private static Recipe Whole(string grid, string parts) => Recipe.Read(new MemoryStream(Encoding.UTF8.GetBytes(Json(grid, parts))));
}
