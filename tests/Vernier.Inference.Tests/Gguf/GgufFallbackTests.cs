using System.Text.RegularExpressions;
using Vernier.Files.Gguf;
using Vernier.Inference.Gguf;
using Vernier.Inference.Models;

namespace Vernier.Tests.Gguf;

/// <summary>Rows that fill no whole blocks, and what other types cost.</summary>
public sealed class GgufFallbackTests
{
    private static readonly TinySpec s_spec = new()
    {
        Vocabulary = 64, Hidden = 320, Intermediate = 512, Layers = 1, Heads = 5, HeadSize = 64, Rotary = 64, KeyValueHeads = 1,
            Tied = true,
    };

    [Fact]
    public void TheyAreNamedWithWhatTheyCost()
    {
        using var folder = new TempFolder();
        using var model = Model.Open(TinyModel.Write(folder["in"], s_spec));
        Assert.True(GgufMix.TryGet("Q4_K_S", out GgufMix? mix));
        IReadOnlyList<GgufFallback> fallbacks = GgufPlan.FallbacksOf(model, mix);
        // Of 320 columns all but the down projection, whose 512 are two blocks; the embedding is the head as well.
        Assert.Equal(["blk.0.attn_k.weight", "blk.0.attn_output.weight", "blk.0.attn_q.weight", "blk.0.attn_v.weight",
            "blk.0.ffn_gate.weight",
            "blk.0.ffn_up.weight"], fallbacks.Select(one => one.Tensor.Name));
        // 22 bytes for 32 weights in place of 144 for 256.
        GgufFallback gate = fallbacks[4];
        Assert.Equal(("Q4_K", "Q5_0", 512 * 320 / 32 * 22 - 512 * 320 / 256 * 144), (gate.Wanted.Name, gate.Given.Name, gate.ExtraBytes));
        Assert.Equal(("Q5_K", "Q5_1", 64 * 320 / 32 * 24 - 64 * 320 / 256 * 176),
            (fallbacks[3].Wanted.Name, fallbacks[3].Given.Name, fallbacks[3].ExtraBytes));
        Assert.Equal($"rows of 6 tensors fill no whole blocks, and other types cost {fallbacks.Sum(one => one.ExtraBytes):N0} bytes more "
            + "(blk.0.attn_k.weight of 320 columns: Q5_0 in place of Q4_K, blk.0.attn_output.weight of 320 columns: Q5_0 in place of Q4_K, "
            + "blk.0.attn_q.weight of 320 columns: Q5_0 in place of Q4_K, blk.0.attn_v.weight of 320 columns: Q5_1 in place of Q5_K, and 2 "
            + "more)", GgufFallback.Describe(fallbacks));
    }

    [Fact]
    public void WhereBlocksAreWholeThereIsNothingToSay()
    {
        using var folder = new TempFolder();
        using var model = Model.Open(TinyModel.Write(folder["in"], s_spec));
        Assert.True(GgufMix.TryGet("Q8_0", out GgufMix? mix));
        Assert.Empty(GgufPlan.FallbacksOf(model, mix));
        Assert.Null(GgufFallback.Describe([]));
        // What is asked for by name falls back as well.
        Assert.True(GgufTensorType.TryGet("Q6_K", out GgufTensorType? six));
        GgufFallback one = Assert.Single(GgufPlan.FallbacksOf(model, mix,
            [new GgufOverride(new Regex("ffn_(?:gate|down)", RegexOptions.NonBacktracking), six)]));
        Assert.Equal(("blk.0.ffn_gate.weight", "Q6_K", "Q8_0"), (one.Tensor.Name, one.Wanted.Name, one.Given.Name));
    }
}
