using Vernier.Errors;
using Vernier.Inference.Configuration;

namespace Vernier.Tests.Configuration;

/// <summary>The rotary embedding, from every member that says something of it.</summary>
public class RopeConfigReaderTests
{
    private const string Factors = "\"short_factor\": [1, 2, 3], \"long_factor\": [4, 5, 6]";

    [Theory]
    [InlineData("""{}""", 10000)]
    [InlineData("""{"rope_theta": null}""", 10000)]
    [InlineData("""{"rope_theta": 500000}""", 500000)]
    [InlineData("""{"rope_parameters": {"rope_theta": 77}}""", 77)]
    [InlineData("""{"rope_theta": 77, "rope_parameters": {"rope_theta": 77, "rope_type": "default"}}""", 77)]
    [InlineData("""{"rope_theta": 3, "rope_parameters": {"rope_type": "default"}}""", 3)]
    [InlineData("""{"rope_theta": 3, "rope_scaling": {"rope_type": "default"}}""", 3)]
    public void TheBaseIsThatOfTheParametersOrOfTheFile(string changes, double theta)
    {
        RopeConfig rope = Read("llama", changes);
        Assert.Equal((theta, 6, RopeScaling.None), (rope.Theta, rope.RotarySize, rope.Scaling));
        Assert.Equal((1.0, 1.0, 0), (rope.Factor, rope.AttentionFactor, rope.OriginalMaxPositions));
        Assert.Empty(rope.ShortFactors);
        Assert.Empty(rope.LongFactors);
    }

    [Theory]
    [InlineData("type")]
    [InlineData("rope_type")]
    public void LinearScalingHasAFactor(string member)
    {
        RopeConfig rope = Read("llama", $$"""{"rope_theta": 500, "rope_scaling": {"{{member}}": "linear", "factor": 2.5} }""");
        Assert.Equal((RopeScaling.Linear, 2.5, 500), (rope.Scaling, rope.Factor, rope.Theta));
        // Both members may be there, as newer versions of the library write them, if they say the same.
        const string Both = """{"rope_scaling": {"rope_type": "linear", "type": "linear", "factor": 2}}""";
        Assert.Equal(RopeScaling.Linear, Read("llama", Both).Scaling);
        // The scaling of the parameters counts where there is no other.
        Assert.Equal(3, Read("llama", """{"rope_scaling": null, "rope_parameters": {"rope_type": "linear", "factor": 3}}""").Factor);
        Assert.Equal(2, Read("llama",
            """{"rope_scaling": {"type": "linear", "factor": 2}, "rope_parameters": {"rope_type": "linear", "factor": 2}}""").Factor);
    }

    [Fact]
    public void Llama3HasFourNumbers()
    {
        RopeConfig rope = Read("llama", Llama3(""));
        Assert.Equal((RopeScaling.Llama3, 8, 1.25, 3.5, 512),
            (rope.Scaling, rope.Factor, rope.LowFrequencyFactor, rope.HighFrequencyFactor, rope.OriginalMaxPositions));
        string[] members = ["factor", "low_freq_factor", "high_freq_factor", "original_max_position_embeddings"];
        foreach (string member in members)
        {
            Assert.Contains($"'{member}' is missing", Problem(ModelRules.ConfigMissing, Llama3(member)), StringComparison.Ordinal);
            string wrong = Llama3("").Replace($"\"{member}\": ", $"\"{member}\": -", StringComparison.Ordinal);
            Assert.Contains($"'{member}' is '-", Problem(ModelRules.ConfigRange, wrong), StringComparison.Ordinal);
        }

        static string Llama3(string without) => "{\"rope_scaling\": {\"rope_type\": \"llama3\"" + string.Concat(
            new (string Name, string Value)[]
            {
                ("factor", "8"), ("low_freq_factor", "1.25"), ("high_freq_factor", "3.5"), ("original_max_position_embeddings", "512"),
            }.Where(member => member.Name != without).Select(member => $", \"{member.Name}\": {member.Value}")) + "} }";
    }

    [Theory]
    [InlineData("longrope")]
    [InlineData("su")]
    [InlineData("yarn")]
    public void LongRopeHasNamesOfItsOwnInPhi3(string name)
    {
        RopeConfig rope = Read("phi3",
            $$"""{"original_max_position_embeddings": 32, "rope_scaling": {"type": "{{name}}", {{Factors}} } }""");
        Assert.Equal((RopeScaling.LongRope, 32), (rope.Scaling, rope.OriginalMaxPositions));
        Assert.Equal([1, 2, 3], rope.ShortFactors);
        Assert.Equal([4, 5, 6], rope.LongFactors);
        // 128 positions over 32.
        Assert.Equal(Math.Sqrt(1 + Math.Log(4) / Math.Log(32)), rope.AttentionFactor, 1e-15);
        // Elsewhere one name is of another scaling and one of none.
        if (name == "su")
        {
            UnsupportedModelException error = Assert.Throws<UnsupportedModelException>(
                () => Read("llama", $$"""{"rope_scaling": {"type": "{{name}}", {{Factors}} } }"""));
            Assert.Equal(ModelRules.ConfigRopeScaling, error.Rule);
            Assert.Contains("linear, dynamic, yarn, llama3 or longrope", error.Remedy, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("""{"rope_scaling": {"type": "longrope", FACTORS, "factor": 4}}""", 128, 4)]
    [InlineData("""{"rope_scaling": {"type": "longrope", FACTORS, "factor": 0.5}}""", 128, 1)]
    [InlineData("""{"rope_scaling": {"type": "longrope", FACTORS, "original_max_position_embeddings": 16, "factor": 8}}""", 16, 8)]
    [InlineData("""{"original_max_position_embeddings": 64, "rope_scaling": {"type": "longrope", FACTORS, "factor": 2.0}}""", 64, 2)]
    [InlineData("""{"original_max_position_embeddings": 256, "rope_scaling": {"type": "longrope", FACTORS}}""", 256, 1)]
    public void TheOriginalContextAndItsFactor(string changes, int original, double factor)
    {
        RopeConfig rope = Read("llama", changes.Replace("FACTORS", Factors, StringComparison.Ordinal));
        Assert.Equal(original, rope.OriginalMaxPositions);
        Assert.Equal(Math.Sqrt(1 + Math.Log(factor) / Math.Log(original)), rope.AttentionFactor, 1e-15);
    }

    /// <summary>Two places that say different things, and a factor that is not that of the contexts, are no embedding.</summary>
    [Theory]
    [InlineData("llama", """{"rope_scaling": {"rope_type": "linear", "type": "yarn", "factor": 2}}""", "'type' and 'rope_type'")]
    [InlineData("llama", """{"rope_theta": 500, "rope_scaling": {"type": "linear", "factor": 2, "rope_theta": 77}}""",
        "'rope_theta' of 'rope_scaling' is not that of the file")]
    [InlineData("llama", """
        {"rope_scaling": {"type": "linear", "factor": 2}, "rope_parameters": {"type": "linear", "factor": 2, "attention_factor": 3}}
        """, "'rope_scaling' and 'rope_parameters' differ")]
    [InlineData("llama", """
        {"original_max_position_embeddings": 64, "rope_scaling": {"rope_type": "llama3", "factor": 8, "low_freq_factor": 1,
        "high_freq_factor": 4, "original_max_position_embeddings": 32}}
        """, "'original_max_position_embeddings' of 'rope_scaling' is not that of the file")]
    [InlineData("llama", """{"rope_scaling": {"type": "longrope", FACTORS, "original_max_position_embeddings": 16, "factor": 99}}""",
        "'factor' is not 'max_position_embeddings' / 'original_max_position_embeddings', 8")]
    [InlineData("phi3", """{"rope_scaling": {"type": "longrope", FACTORS, "original_max_position_embeddings": 16}}""", "it is 4096")]
    public void WhatIsSaidTwiceIsTheSame(string type, string changes, string problem) => Assert.Contains(problem,
        Assert.Throws<InvalidFileException>(() => Read(type, changes.Replace("FACTORS", Factors, StringComparison.Ordinal))).Message,
        StringComparison.Ordinal);

    /// <summary>A place alone counts, whichever it is; the context of the first training has a default in Phi-3.</summary>
    [Fact]
    public void OnePlaceIsEnough()
    {
        Assert.Equal((77, 2), Read("llama", """{"rope_scaling": {"type": "linear", "factor": 2, "rope_theta": 77}}""") is var rope
            ? (rope.Theta, rope.Factor) : default);
        Assert.Equal(64, Read("llama", """
            {"original_max_position_embeddings": 64, "rope_scaling": {"rope_type": "llama3", "factor": 8, "low_freq_factor": 1,
            "high_freq_factor": 4}}
            """).OriginalMaxPositions);
        Assert.Equal(4096, Read("phi3", "{\"rope_scaling\": {\"type\": \"longrope\", " + Factors + "}}").OriginalMaxPositions);
    }

    /// <summary>What a family has as a default contradicts nothing that the file says, and holds where it says nothing.</summary>
    [Theory]
    [InlineData("{}", 2000000)]
    [InlineData("""{"rope_theta": 77}""", 77)]
    [InlineData("""{"rope_parameters": {"rope_type": "default", "rope_theta": 77}}""", 77)]
    [InlineData("""{"rope_scaling": {"rope_type": "yarn", "factor": 2, "rope_theta": 77}}""", 77)]
    [InlineData("""{"rope_scaling": {"rope_type": "yarn", "factor": 2}}""", 2000000)]
    public void ADefaultOfAFamilyIsNoContradiction(string changes, double theta) =>
        Assert.Equal(theta, Read("smollm3", changes).Theta);

    [Fact]
    public void AnAttentionFactorThatIsGivenCounts()
    {
        const string Scaling = "{\"rope_scaling\": {\"type\": \"longrope\", \"factor\": 4, \"attention_factor\": 1.75, " + Factors + "} }";
        Assert.Equal(1.75, Read("llama", Scaling).AttentionFactor);
        Problem(ModelRules.ConfigRange, Scaling.Replace("1.75", "0", StringComparison.Ordinal));
        Problem(ModelRules.ConfigType, Scaling.Replace("1.75", "\"1\"", StringComparison.Ordinal));
        Problem(ModelRules.ConfigMissing, Scaling.Replace(", \"long_factor\": [4, 5, 6]", "", StringComparison.Ordinal));
        Problem(ModelRules.ConfigMissing, "{\"rope_scaling\": {\"type\": \"longrope\", " + Factors + "} }");
    }

    [Theory]
    [InlineData("phi3", """{"head_dim": 8, "partial_rotary_factor": 0.75}""", 6)]
    [InlineData("phi3", """{"head_dim": 96, "partial_rotary_factor": 0.4}""", 38)]
    [InlineData("phi3", """{"head_dim": 8, "rope_parameters": {"partial_rotary_factor": 0.5}}""", 4)]
    [InlineData("llama", """{"head_dim": 8, "partial_rotary_factor": 1.0}""", 8)]
    public void PartOfAHeadIsRotated(string type, string changes, int rotary) => Assert.Equal(rotary, Read(type, changes).RotarySize);

    private static RopeConfig Read(string type, string changes) => ConfigText.Read(type, changes).Rope;

    private static string Problem(string rule, string changes)
    {
        InvalidFileException error = Assert.Throws<InvalidFileException>(() => Read("llama", changes));
        Assert.Equal(rule, error.Rule);
        return error.Problem;
    }
}
