using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Vernier.Quantization.Recipes;
using Vernier.Quantization.Solvers;
using Vernier.Quantization.Solvers.AdaRound;
using Vernier.Quantization.Solvers.Codebooks;
using Vernier.Quantization.Solvers.Dmmv;
using Vernier.Quantization.Solvers.FlexRound;
using Vernier.Quantization.Solvers.Gptq;
using Vernier.Quantization.Solvers.Jlcm;
using Vernier.Quantization.Solvers.Nearest;
using Vernier.Quantization.Solvers.Nupes;
using Vernier.Quantization.Solvers.Outliers;
using Vernier.Quantization.Solvers.QuantEase;
using Vernier.Quantization.Solvers.Scales;

namespace Vernier.Tests.Solvers;

/// <summary>The options of every step: their names and defaults in JSON, their ranges, and what they say of the step.</summary>
public class StepMemberTests
{
    private static readonly Dictionary<string, string> s_defaults = new(StringComparer.Ordinal)
    {
        ["nearest"] = """{"importance":"none"}""",
        ["gptq"] = """{"order":"natural","groups":"current","importance":"none","damping":0.01}""",
        ["quantease"] = """{"sweeps":30,"refit_scales":false}""",
        ["scales"] = "{}",
        ["codebooks"] = """{"iterations":500}""",
        ["adaround"] = """{"penalty":4,"iterations":500,"learning_rate":0.03}""",
        ["flexround"] = """{"iterations":500,"learning_rate":0.03}""",
        ["outliers"] = """{"sweeps":30}""",
        ["dmmv"] = """{"sweeps":30}""",
        ["jlcm"] = """{"neighbours":3,"gradient":"proximal","freeze_codebook":false,"penalty":4,"iterations":500,"learning_rate":0.03}""",
        ["nupes"] = """{"learn_exponent":false,"penalty":4,"iterations":500,"learning_rate":0.03}""",
    };

    public static TheoryData<string> Methods => [.. SolverSteps.Methods];

    [Theory]
    [MemberData(nameof(Methods))]
    public void EveryMemberHasANameAndADefault(string method)
    {
        JsonObject step = Write(Read(method, "{}"));
        Assert.Equal(method, step["method"]!.GetValue<string>());
        step.Remove("method");
        Assert.True(JsonNode.DeepEquals(JsonNode.Parse(s_defaults[method]), step), step.ToJsonString());
        string message = Assert.Throws<JsonException>(() => Read(method, """{"surprise":1}""")).Message;
        string[] known = [.. step.Select(member => member.Key)];
        Assert.StartsWith($"the step '{method}' has no member 'surprise'", message, StringComparison.Ordinal);
        Assert.All(known, member => Assert.Contains(member, message, StringComparison.Ordinal));
        // Names are taken to the letter.
        Assert.All(known, member => Assert.Contains($"has no member '{member.ToUpperInvariant()}'", Assert.Throws<JsonException>(
            () => Read(method, $$"""{"{{member.ToUpperInvariant()}}":1}""")).Message, StringComparison.Ordinal));
        Assert.All(known, member => Assert.EndsWith($".{member}", Assert.Throws<JsonException>(
            () => Read(method, $$"""{"{{member}}":null}""")).Path!, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("nearest", "importance", "\"diagonal\"")]
    [InlineData("nearest", "importance", "\"inverse\"")]
    [InlineData("gptq", "order", "\"activation\"")]
    [InlineData("gptq", "groups", "\"static\"")]
    [InlineData("gptq", "importance", "\"sequential\"")]
    [InlineData("gptq", "damping", "0.5")]
    [InlineData("quantease", "sweeps", "7")]
    [InlineData("quantease", "refit_scales", "true")]
    [InlineData("codebooks", "iterations", "1")]
    [InlineData("adaround", "penalty", "0.25")]
    [InlineData("adaround", "learning_rate", "0.5")]
    [InlineData("flexround", "iterations", "3")]
    [InlineData("outliers", "sweeps", "2")]
    [InlineData("dmmv", "sweeps", "1")]
    [InlineData("jlcm", "neighbours", "8")]
    [InlineData("jlcm", "gradient", "\"exact\"")]
    [InlineData("jlcm", "freeze_codebook", "true")]
    [InlineData("nupes", "learn_exponent", "true")]
    public void AMemberThatIsSetStaysSet(string method, string member, string value)
    {
        JsonObject expected = JsonNode.Parse(s_defaults[method])!.AsObject(), step = Write(Read(method, $$"""{"{{member}}":{{value}}}"""));
        expected[member] = JsonNode.Parse(value);
        expected["method"] = method;
        Assert.True(JsonNode.DeepEquals(expected, step), step.ToJsonString());
        string wrong = value[0] == '"' ? "3" : "\"x\"";
        foreach (string other in (string[])[wrong, "\"surprise\"", "[]", "{}"])
            Assert.EndsWith($".{member}", Assert.Throws<JsonException>(
                () => Read(method, $$"""{"{{member}}":{{other}}}""")).Path!, StringComparison.Ordinal);
    }

    [Fact]
    public void ANumberOutsideItsRangeIsToldAndItsBoundIsNot()
    {
        Told("the damping is not between 0 and 1", damping => new GptqStep { Damping = damping }, [-1e-9, 1.0001, double.NaN], [0, 1]);
        Told("there is no sweep", sweeps => new QuantEaseStep { Sweeps = (int)sweeps }, [0, -1], [1, int.MaxValue]);
        Told("there is no sweep", sweeps => new DmmvStep { Sweeps = (int)sweeps }, [0, -1], [1]);
        Told("there is no sweep", sweeps => new OutliersStep { Sweeps = (int)sweeps }, [0, -1], [1]);
        Told("there is no iteration", number => new CodebooksStep { Iterations = (int)number }, [0, -1], [1]);
        Told("there is no iteration", number => new AdaRoundStep { Iterations = (int)number }, [0, -1], [1]);
        Told("there is no iteration", number => new NupesStep { Iterations = (int)number }, [0], [1]);
        Told("the learning rate is not above 0", rate => new FlexRoundStep { LearningRate = rate }, [0, -1, double.NaN], [1e-9, 5]);
        Told("the learning rate is not above 0", rate => new JlcmStep { LearningRate = rate }, [0, double.NaN], [1e-9]);
        Told("the penalty is negative", penalty => new AdaRoundStep { Penalty = penalty }, [-1e-9, double.NaN], [0, 100]);
        Told("the penalty is negative", penalty => new NupesStep { Penalty = penalty }, [-1], [0]);
        Told("the neighbours are not 2 to 8", count => new JlcmStep { Neighbours = (int)count }, [1, 9, -3], [2, 8]);
        Assert.Equal("in the order of activation the groups must be static", (Read("gptq", """{"order":"activation"}""")).Problem);
        Assert.Null(Read("gptq", """{"order":"activation","groups":"static"}""").Problem);

        static void Told(string problem, Func<double, SolverStep> make, double[] wrong, double[] right)
        {
            Assert.All(wrong, value => Assert.Equal(problem, make(value).Problem));
            Assert.All(right, value => Assert.Null(make(value).Problem));
        }
    }

    [Theory]
    [MemberData(nameof(Methods))]
    public void AStepSaysWhatItNeedsAndDoes(string method)
    {
        SolverStep step = Read(method, "{}");
        Assert.Equal(method is "nearest" or "gptq", step.MakesCodes);
        Assert.Equal(method != "nearest", step.NeedsData);
        Assert.Equal(method == "dmmv" ? 1024 : 0, step.Samples);
        Assert.Equal(method is "scales" or "nupes", step.RefitsScales);
        Assert.Null(step.Problem);
        Assert.Equal(Read(method, "{}"), step);
    }

    [Fact]
    public void OptionsChangeWhatAStepNeeds()
    {
        Assert.True(new NearestStep { Importance = ColumnImportance.Diagonal }.NeedsData);
        Assert.True(new QuantEaseStep { RefitScales = true }.RefitsScales);
        Assert.True(new ScalesStep().RefitsScales);
        Assert.NotEqual(new GptqStep(), new GptqStep { Damping = 0.02 });
    }

    // Whatever rules of the whole recipe the step breaks.
    private static SolverStep Read(string method, string members)
    {
        JsonObject step = JsonNode.Parse(members)!.AsObject();
        step["method"] = method;
        string json = $$"""{"name":"x","summary":"","paper":"","needs":"","grid":{"kind":"codebook"},"solver":[{{step.ToJsonString()}}]}""";
        return Recipe.Read(new MemoryStream(Encoding.UTF8.GetBytes(json))).Solver.Single();
    }

    private static JsonObject Write(SolverStep step)
    {
        string json = (RecipeCatalogue.Find("rtn") with { Solver = [step] }).ToJson();
        return JsonNode.Parse(json)!["solver"]!.AsArray().Single()!.AsObject();
    }
}
