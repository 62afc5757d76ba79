using Vernier.Inference.Architectures;
using Vernier.Inference.Configuration;
using Vernier.Inference.Decoders;
using Vernier.Inference.Gguf;

namespace Vernier.Tests.Gguf;

/// <summary>The names of tensors on both sides, and the order of rotated rows.</summary>
public class GgufNamesTests
{
    private static readonly GgufNames s_names = new("model.layers.", [("model.embed_tokens", "token_embd"), ("lm_head", "output")],
        [("self_attn.q_proj", "attn_q"), ("mlp.up_proj", "ffn_up"), ("norm", "attn_norm")]);

    [Theory]
    [InlineData("lm_head.weight", "output.weight")]
    [InlineData("model.embed_tokens.weight", "token_embd.weight")]
    [InlineData("model.layers.0.self_attn.q_proj.weight", "blk.0.attn_q.weight")]
    [InlineData("model.layers.0.self_attn.q_proj.bias", "blk.0.attn_q.bias")]
    [InlineData("model.layers.127.mlp.up_proj.weight", "blk.127.ffn_up.weight")]
    [InlineData("model.layers.9.norm.weight", "blk.9.attn_norm.weight")]
    public void ANameLeadsToTheOtherAndBack(string hf, string gguf)
    {
        Assert.Equal(gguf, s_names.ToGguf(hf));
        Assert.Equal(hf, s_names.ToHf(gguf));
    }

    [Theory]
    [InlineData("")]
    [InlineData("lm_head")]
    [InlineData("lm_head.bias")]
    [InlineData("LM_HEAD.weight")]
    [InlineData("model.layers.0")]
    [InlineData("model.layers.0.weight")]
    [InlineData("model.layers..norm.weight")]
    [InlineData("model.layers.x.norm.weight")]
    [InlineData("model.layers.1a.norm.weight")]
    [InlineData("model.layers.-1.norm.weight")]
    [InlineData("model.layers.0.norm.scale")]
    [InlineData("model.layers.0.norm")]
    [InlineData("model.layers.0.norm.weight.weight")]
    [InlineData("model.layers.0.self_attn.k_proj.weight")]
    [InlineData(" model.layers.0.norm.weight")]
    [InlineData("blk.0.attn_q.weight")]
    public void WhatHasNoPlaceHasNoNameInAGgufFile(string name) => Assert.Null(s_names.ToGguf(name));

    [Theory]
    [InlineData("output")]
    [InlineData("output.bias")]
    [InlineData("blk.0.attn_norm")]
    [InlineData("blk..attn_norm.weight")]
    [InlineData("blk.1a.attn_q.weight")]
    [InlineData("blk.a1.attn_q.weight")]
    [InlineData("blk.0.attn_k.weight")]
    [InlineData("blk.0.attn_q.input_scale")]
    [InlineData("model.layers.0.norm.weight")]
    public void WhatHasNoPlaceHasNoNameInACheckpoint(string name) => Assert.Null(s_names.ToHf(name));

    [Theory]
    [InlineData("blk.0.attn_q.weight", 0)]
    [InlineData("blk.12.ffn_up.bias", 12)]
    [InlineData("blk.2147483647.x", int.MaxValue)]
    [InlineData("blk.2147483648.x", null)]
    [InlineData("blk.x.attn_q.weight", null)]
    [InlineData("blk.-1.attn_q.weight", null)]
    [InlineData("blk. 1.attn_q.weight", null)]
    [InlineData("blk..attn_q.weight", null)]
    [InlineData("blk.1", null)]
    [InlineData("xblk.1.y", null)]
    [InlineData("output.weight", null)]
    public void TheBlockIsTheNumberBehindThePrefix(string name, int? layer) => Assert.Equal(layer, GgufNames.LayerOf(name));

    [Fact]
    public void EveryTensorOfEveryFamilyHasANameOfItsOwn()
    {
        foreach (TinySpec spec in TinySpecs.All)
        {
            Assert.True(ArchitectureCatalogue.TryGet(spec.Type, out IArchitecture? architecture));
            GgufNames names = architecture.Gguf!.NamesOf(ConfigOf(spec));
            string[] tensors = [.. spec.Tensors(1).Keys], gguf = [.. tensors.Select(name => names.ToGguf(name)!)];
            Assert.All(gguf, Assert.NotNull);
            Assert.Equal(gguf.Length, gguf.Distinct(StringComparer.Ordinal).Count());
            Assert.Equal(tensors, gguf.Select(name => names.ToHf(name)));
        }
    }

    [Theory]
    [InlineData(2)]
    [InlineData(6)]
    [InlineData(64)]
    [InlineData(128)]
    public void PairsThatTurnTogetherLieSideBySide(int headSize)
    {
        for (int row = 0; row < 3 * headSize; row++)
        {
            long there = RotaryRows.InGguf(row, headSize);
            if (row % headSize < headSize / 2)
            {
                Assert.Equal(row / headSize * headSize + row % headSize * 2L, there);
                Assert.Equal(there + 1, RotaryRows.InGguf(row + headSize / 2, headSize));
            }
        }
    }

    private static ModelConfig ConfigOf(TinySpec spec) =>
        ArchitectureCatalogue.Read(System.Text.Encoding.UTF8.GetBytes(spec.Config()), "config.json");
}
