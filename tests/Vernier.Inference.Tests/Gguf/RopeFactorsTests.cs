using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using Vernier.Errors;
using Vernier.Files.Gguf;
using Vernier.Inference.Configuration;
using Vernier.Inference.Gguf;
using Vernier.Inference.Parts.Attention;

namespace Vernier.Tests.Gguf;

/// <summary>The scaling of rotary embeddings as tensors and metadata, and back.</summary>
public sealed class RopeFactorsTests : IDisposable
{
    private readonly TempFolder _work = new();

    public void Dispose() => _work.Dispose();

    [Theory]
    [InlineData(8, 8192, 128, 500000)]
    [InlineData(32, 8192, 64, 500000)]
    [InlineData(8, 64, 16, 300)]
    [InlineData(1, 8192, 2, 10000)]
    public void FactorsDivideTheFrequenciesAsTheEmbeddingDoes(double factor, int original, int rotary, double theta)
    {
        RopeConfig rope = Llama3(factor, original, rotary, theta), plain = new() { RotarySize = rotary, Theta = theta };
        (string name, float[] factors) = Assert.Single(RopeFactors.Tensors(rope, isFixed: false));
        Assert.Equal((GgufNames.RopeFactors, rotary / 2), (name, factors.Length));
        double[] scaled = RotaryAngles.Frequencies(rope, longContext: false), whole = RotaryAngles.Frequencies(plain, false);
        for (int i = 0; i < factors.Length; i++)
            Assert.Equal(scaled[i], whole[i] / factors[i], 1e-6 * whole[i]);
        Assert.All(factors, value => Assert.InRange(value, 1, (float)factor));
    }

    [Fact]
    public void TheNumberOfTensorsIsThatOfTheScaling()
    {
        RopeConfig scaled = new() { RotarySize = 4, Scaling = RopeScaling.LongRope, ShortFactors = [1, 1.5], LongFactors = [2, 9] };
        Assert.Empty(RopeFactors.Tensors(new RopeConfig { RotarySize = 4 }, false));
        Assert.Empty(RopeFactors.Tensors(new RopeConfig { RotarySize = 4, Scaling = RopeScaling.Linear, Factor = 3 }, false));
        (string, float[])[] both = [.. RopeFactors.Tensors(scaled, isFixed: false)];
        Assert.Equal([GgufNames.LongFactors, GgufNames.ShortFactors], both.Select(tensor => tensor.Item1));
        Assert.Equal([2, 9, 1, 1.5f], both.SelectMany(tensor => tensor.Item2));
        (string name, float[] factors) = Assert.Single(RopeFactors.Tensors(scaled, isFixed: true));
        Assert.Equal(GgufNames.RopeFactors, name);
        Assert.Equal([1, 1.5f], factors);
    }

    [Theory]
    [InlineData(8)]
    [InlineData(32)]
    public void ThePublishedFactorsOfLlama3AreKnownAgain(double factor)
    {
        float[] factors = Assert.Single(RopeFactors.Tensors(Llama3(factor, 8192, 64, 500000), false)).Factors;
        JsonObject scaling = Read(64, 500000, [], (GgufNames.RopeFactors, factors))!;
        Assert.Equal($$"""{"rope_type":"llama3","factor":{{factor}},"low_freq_factor":1,"high_freq_factor":4,"""
            + "\"original_max_position_embeddings\":8192}", scaling.ToJsonString());
        factors[^1] *= 1.001f;
        // Any other factors are those of short and long contexts alike.
        JsonObject other = Read(64, 500000, [], (GgufNames.RopeFactors, factors))!;
        Assert.Equal(("longrope", 4096L, 1.0), ((string)other["rope_type"]!, (long)other["original_max_position_embeddings"]!,
            (double)other["attention_factor"]!));
        Assert.True(JsonNode.DeepEquals(other["short_factor"], other["long_factor"]));
        Assert.Equal(factors, other["short_factor"]!.AsArray().Select(value => (float)(double)value!));
    }

    [Theory]
    [InlineData("none", null, null)]
    [InlineData("none", 4f, null)]
    [InlineData(null, 4f, """{"rope_type":"linear","factor":4}""")]
    [InlineData(null, null, null)]
    [InlineData("linear", 4f, """{"rope_type":"linear","factor":4}""")]
    [InlineData("linear", 0.1f, """{"rope_type":"linear","factor":0.1}""")]
    [InlineData("yarn", 4f, """{"rope_type":"yarn","factor":4,"original_max_position_embeddings":4096,"beta_fast":32,"beta_slow":1}""")]
    public void WithoutFactorsTheMetadataCount(string? type, float? factor, string? expected)
    {
        List<(string, object)> pairs = type is null ? [] : [("llama.rope.scaling.type", type)];
        if (factor is float given)
            pairs.Add(("llama.rope.scaling.factor", given));
        Assert.Equal(expected, Read(8, 10000, [.. pairs])?.ToJsonString());
    }

    [Fact]
    public void LongRopeTakesItsBorderFromTheMetadataOrFromTheContext()
    {
        (string, float[])[] tensors = [(GgufNames.LongFactors, [2, 0.1f]), (GgufNames.ShortFactors, [1, 1.25f])];
        Assert.Equal("""{"rope_type":"longrope","short_factor":[1,1.25],"long_factor":[2,0.1],"attention_factor":1,"""
            + "\"original_max_position_embeddings\":4096}",
            Read(4, 10000, [], tensors)!.ToJsonString());
        JsonObject full = Read(4, 10000, [("llama.rope.scaling.attn_factor", 1.19f),
            ("llama.rope.scaling.original_context_length", 32u)], tensors)!;
        Assert.Equal((1.19, 32L), ((double)full["attention_factor"]!, (long)full["original_max_position_embeddings"]!));
    }

    [Fact]
    public void FactorsOfAnotherNumberAndAMissingFactorAreRefused()
    {
        var shape = Assert.Throws<InvalidFileException>(() => Read(8, 10000, [], (GgufNames.RopeFactors, [1, 2, 3])));
        Assert.Equal((GgufModelRules.TensorShape, GgufNames.RopeFactors), (shape.Rule, shape.Tensor));
        Assert.Contains("3 factors, and 8 coordinates", shape.Problem, StringComparison.Ordinal);
        (string, float[])[] two = [(GgufNames.RopeFactors, [1, 2, 3, 4]), (GgufNames.LongFactors, [1, 2, 3, 4]),
            (GgufNames.ShortFactors, [1, 2, 3, 4])];
        (string, (string, object)[], (string, float[])[])[] rows =
            [(GgufModelRules.Metadata, [], two), (ModelRules.TensorMissing, [], two[1..2]), (ModelRules.TensorMissing, [], two[2..]),
            (GgufModelRules.MetadataMissing, [("llama.rope.scaling.type", "longrope")], []),
            (GgufModelRules.Metadata, [("llama.rope.scaling.type", "dynamic"), ("llama.rope.scaling.factor", 4f)], []),
            (GgufModelRules.Metadata, [("llama.rope.scaling.factor", 2f)], two[..1]),
            (GgufModelRules.Metadata, [("llama.rope.scale_linear", 2f)], two[1..])];
        foreach ((string rule, (string, object)[] pairs, (string, float[])[] tensors) in rows)
            Assert.Equal(rule, Assert.ThrowsAny<VernierException>(() => Read(8, 10000, pairs, tensors)).Rule);
        var missing = Assert.Throws<InvalidFileException>(() => Read(8, 10000, [("llama.rope.scaling.type", "linear")]));
        Assert.Equal((GgufModelRules.MetadataMissing, "'llama.rope.scaling.factor' is missing"), (missing.Rule, missing.Problem));
    }

    private static RopeConfig Llama3(double factor, int original, int rotary, double theta) => new()
    {
        RotarySize = rotary, Theta = theta, Scaling = RopeScaling.Llama3, Factor = factor, LowFrequencyFactor = 1, HighFrequencyFactor = 4,
        OriginalMaxPositions = original,
    };

    /// <summary>The scaling of a file with these metadata and tensors, of a context of 4096.</summary>
    private JsonObject? Read(int rotary, double theta, (string Key, object Value)[] pairs, params (string Name, float[] Values)[] tensors)
    {
        Dictionary<string, GgufValue> metadata =
            pairs.ToDictionary(pair => pair.Key, pair => GgufValue.Of(pair.Value), StringComparer.Ordinal);
        metadata["general.architecture"] = GgufValue.Of("llama");
        string path = _work["x.gguf"];
        using (var writer = new GgufWriter(path, metadata,
            [.. tensors.Select(tensor => new GgufTensor(tensor.Name, GgufTensorType.F32, [tensor.Values.Length]))]))
        {
            foreach ((string name, float[] values) in tensors)
                writer.Write(name, MemoryMarshal.AsBytes(values.AsSpan()));
            writer.Complete();
        }
        using GgufFile file = GgufFile.Open(path);
        return RopeFactors.ToScaling(new GgufMetadata(file.Metadata, path), file, rotary, 4096, theta);
    }
}
