using System.Text.RegularExpressions;
using Vernier.Files.Gguf;
using Vernier.Inference.Gguf;

namespace Vernier.Tests.Gguf;

/// <summary>Which tensor gets which type, by the published rules of llama-quantize.</summary>
public class GgufMixTests
{
    private static readonly string[] s_parts =
        ["attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down"];

    [Theory]
    [InlineData("q4_k_m", "Q4_K_M")]
    [InlineData("Q3_K", "Q3_K_M")]
    [InlineData("q4_k", "Q4_K_M")]
    [InlineData("Q5_K", "Q5_K_M")]
    [InlineData("mxfp4", "MXFP4_MOE")]
    [InlineData("f16", "F16")]
    [InlineData("Q6_K", "Q6_K")]
    [InlineData("Q2_K_M", null)]
    [InlineData("Q6_K_M", null)]
    [InlineData("", null)]
    [InlineData("Q4_0 ", null)]
    public void MixesAreFoundByName(string name, string? expected)
    {
        Assert.Equal(expected is not null, GgufMix.TryGet(name, out GgufMix? mix));
        Assert.Equal(expected, mix?.Name);
        Assert.Equal(expected, mix?.ToString());
    }

    [Fact]
    public void NamesAndNumbersOfFilesAreDistinct()
    {
        Assert.Equal(GgufMix.All.Count, GgufMix.All.Select(mix => mix.Name).Distinct(StringComparer.OrdinalIgnoreCase).Count());
        Assert.Equal(GgufMix.All.Count, GgufMix.All.Select(mix => mix.FileType).Distinct().Count());
    }

    /// <summary>The layers, of 32, whose tensors get more bits than the rest.</summary>
    [Theory]
    [InlineData("Q4_K_M", "attn_v", "Q6_K", "0 1 2 3 6 9 12 15 18 21 24 27 28 29 30 31")]
    [InlineData("Q4_K_M", "ffn_down", "Q6_K", "0 1 2 3 6 9 12 15 18 21 24 27 28 29 30 31")]
    [InlineData("Q5_K_M", "attn_v", "Q6_K", "0 1 2 3 6 9 12 15 18 21 24 27 28 29 30 31")]
    [InlineData("Q4_K_S", "attn_v", "Q5_K", "0 1 2 3")]
    [InlineData("Q4_K_S", "ffn_down", "Q5_K", "0 1 2 3")]
    [InlineData("Q3_K_M", "attn_v", "Q5_K", "0 1")]
    [InlineData("Q3_K_M", "ffn_down", "Q5_K", "0 1")]
    [InlineData("IQ4_NL", "ffn_down", "Q5_K", "0 1 2 3")]
    [InlineData("Q5_K_S", "ffn_down", "Q6_K", "")]
    [InlineData("Q4_0", "ffn_down", "Q4_1", "")]
    public void SomeLayersGetMoreBits(string mix, string part, string type, string layers)
    {
        IReadOnlyDictionary<string, GgufTensorType> types = Types(mix, 32, sharing: 1);
        Assert.Equal(layers,
            string.Join(' ', Enumerable.Range(0, 32).Where(layer => types[$"blk.{layer}.{part}.weight"].Name == type)));
    }

    [Theory]
    [InlineData("Q2_K", 1, "Q2_K Q2_K Q3_K Q3_K Q2_K Q2_K Q3_K Q6_K Q2_K")]
    [InlineData("Q2_K", 4, "Q2_K Q2_K Q4_K Q3_K Q2_K Q2_K Q3_K Q6_K Q2_K")]
    [InlineData("Q3_K_S", 1, "Q3_K Q3_K Q3_K Q3_K Q3_K Q3_K Q3_K Q6_K Q3_K")]
    [InlineData("Q3_K_M", 1, "Q3_K Q3_K Q4_K Q4_K Q3_K Q3_K Q4_K Q6_K Q3_K")]
    [InlineData("Q3_K_L", 1, "Q3_K Q3_K Q5_K Q5_K Q3_K Q3_K Q5_K Q6_K Q3_K")]
    [InlineData("IQ4_XS", 4, "IQ4_XS IQ4_XS Q5_K IQ4_XS IQ4_XS IQ4_XS IQ4_XS Q6_K IQ4_XS")]
    [InlineData("IQ4_XS", 3, "IQ4_XS IQ4_XS IQ4_XS IQ4_XS IQ4_XS IQ4_XS IQ4_XS Q6_K IQ4_XS")]
    [InlineData("TQ1_0", 1, "TQ1_0 TQ1_0 TQ1_0 TQ1_0 TQ1_0 TQ1_0 TQ1_0 Q6_K Q4_K")]
    [InlineData("Q6_K", 1, "Q6_K Q6_K Q6_K Q6_K Q6_K Q6_K Q6_K Q6_K Q6_K")]
    [InlineData("Q8_0", 1, "Q8_0 Q8_0 Q8_0 Q8_0 Q8_0 Q8_0 Q8_0 Q8_0 Q8_0")]
    [InlineData("MXFP4_MOE", 1, "Q8_0 Q8_0 Q8_0 Q8_0 Q8_0 Q8_0 Q8_0 Q8_0 Q8_0")]
    [InlineData("BF16", 1, "BF16 BF16 BF16 BF16 BF16 BF16 BF16 BF16 BF16")]
    public void ALayerInTheMiddleHasTheTypesOfItsParts(string mix, int sharing, string expected)
    {
        IReadOnlyDictionary<string, GgufTensorType> types = Types(mix, 32, sharing);
        string[] names = [.. s_parts.Select(part => $"blk.13.{part}.weight"), "output.weight", "token_embd.weight"];
        Assert.Equal(expected, string.Join(' ', names.Select(name => types[name].Name)));
        Assert.Equal("F32", types["blk.13.attn_norm.weight"].Name);
        Assert.Equal("F32", types["output_norm.weight"].Name);
    }

    [Fact]
    public void AnEmbeddingThatIsTheHeadHasTheTypeOfAHead()
    {
        Assert.Equal("Q6_K", Types("Q4_K_M", 8, 1, tied: true)["token_embd.weight"].Name);
        Assert.Equal("Q8_0", Types("Q8_0", 8, 1, tied: true)["token_embd.weight"].Name);
        Assert.Equal("Q4_K", Types("Q4_K_M", 8, 1)["token_embd.weight"].Name);
        // 70 billion parameters share values among so many heads that these get more.
        GgufMixTensor[] tensors = [.. Tensors(80, 256, tied: false)];
        Assert.True(GgufMix.TryGet("Q3_K_S", out GgufMix? small));
        Assert.Equal("Q5_K", small.Types(tensors, new GgufMixModel(80, 8, Large: true))["blk.40.attn_v.weight"].Name);
        Assert.True(GgufMix.TryGet("Q4_0", out GgufMix? plain));
        Assert.Equal("Q4_1", plain.Types(tensors, new GgufMixModel(80, 8, false), importance: true)["blk.9.ffn_down.weight"].Name);
        Assert.Equal("Q4_0", plain.Types(tensors, new GgufMixModel(80, 8, false), importance: true)["blk.10.ffn_down.weight"].Name);
    }

    [Theory]
    [InlineData("Q4_K_M", 96, "Q5_0")]
    [InlineData("Q5_K_M", 96, "Q5_1")]
    [InlineData("Q6_K", 160, "Q8_0")]
    [InlineData("Q2_K", 32, "Q4_0")]
    [InlineData("Q3_K_S", 32, "Q4_0")]
    [InlineData("IQ4_XS", 128, "IQ4_NL")]
    [InlineData("TQ2_0", 64, "Q4_0")]
    [InlineData("Q4_K_M", 24, "F16")]
    [InlineData("Q4_0", 1000, "F16")]
    [InlineData("Q4_0", 1408, "Q4_0")]
    [InlineData("F16", 7, "F16")]
    [InlineData("F32", 1, "F32")]
    public void RowsThatAreNoWholeBlocksGetAnotherType(string name, int columns, string expected)
    {
        Assert.True(GgufMix.TryGet(name, out GgufMix? mix));
        GgufMixTensor tensor = new("blk.3.attn_q.weight", [64, columns]);
        Assert.Equal(expected, mix.Types([tensor, new("output.weight", [8, 256])], new GgufMixModel(32, 1, false))[tensor.Name].Name);
    }

    [Fact]
    public void TheFirstPatternThatMatchesCountsAndGivesWayWhereRowsDoNotFit()
    {
        Assert.True(GgufTensorType.TryGet("Q8_0", out GgufTensorType? eight));
        Assert.True(GgufTensorType.TryGet("Q6_K", out GgufTensorType? six));
        GgufOverride[] overrides = [new(new Regex("attn_v", RegexOptions.None, TimeSpan.FromSeconds(1)), eight),
            new(new Regex("attn_|norm", RegexOptions.None, TimeSpan.FromSeconds(1)), six)];
        Assert.True(GgufMix.TryGet("Q4_0", out GgufMix? mix));
        IReadOnlyDictionary<string, GgufTensorType> types = mix.Types(
            [.. Tensors(2, 256, tied: true), new("blk.1.attn_k2.weight", [4, 96])], new GgufMixModel(2, 1, false), overrides);
        Assert.Equal(["Q8_0", "Q6_K", "F32", "Q4_0", "Q8_0"], ((string[])["blk.0.attn_v.weight", "blk.0.attn_q.weight",
            "blk.0.attn_norm.weight", "blk.0.ffn_up.weight", "blk.1.attn_k2.weight"]).Select(name => types[name].Name));
    }

    private static IReadOnlyDictionary<string, GgufTensorType> Types(string name, int layers, int sharing, bool tied = false)
    {
        Assert.True(GgufMix.TryGet(name, out GgufMix? mix));
        // The order in which tensors are given does not count.
        return mix.Types(
            Tensors(layers, 256, tied).OrderByDescending(tensor => tensor.Name.Length), new GgufMixModel(layers, sharing, false));
    }

    private static IEnumerable<GgufMixTensor> Tensors(int layers, int columns, bool tied)
    {
        yield return new GgufMixTensor("token_embd.weight", [512, columns]);
        yield return new GgufMixTensor("output_norm.weight", [columns]);
        if (!tied)
            yield return new GgufMixTensor("output.weight", [512, columns]);
        for (int layer = 0; layer < layers; layer++)
        {
            yield return new GgufMixTensor($"blk.{layer}.attn_norm.weight", [columns]);
            foreach (string part in s_parts)
                yield return new GgufMixTensor($"blk.{layer}.{part}.weight", [columns, columns]);
        }
    }
}
