using Vernier.Files.Checkpoints;
using Vernier.Grids.Minifloat;
using Vernier.Grids.Trits;
using Vernier.Grids.Uniform;
using Vernier.Inference;
using Vernier.Inference.Models;
using Vernier.Inference.Passes;
using Vernier.Packing;
using Vernier.Packing.Trits;
using Vernier.Quantization.Allocation;
using Vernier.Quantization.Pipeline;
using Vernier.Quantization.Recipes;
using Vernier.Quantization.Weights;

namespace Vernier.Tests.Allocation;

/// <summary>A run in which tensors have formats of their own.</summary>
public sealed class AllocatorTests : IDisposable
{
    private const string Up = "model.layers.0.mlp.up_proj.weight", Down = "model.layers.0.mlp.down_proj.weight",
        Query = "model.layers.1.self_attn.q_proj.weight";

    private readonly TempFolder _folder = new();

    public AllocatorTests() => TinyLlama.Write(_folder["in"]);

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("rtn")]
    [InlineData("gptq")]
    public void TwoTensorsHaveOtherBitsAndTheRunPacksReportsAndLoadsThem(string recipe)
    {
        using var opened = Model.Open(_folder["in"]);
        var options = new QuantizationOptions
        {
            Recipe = RecipeCatalogue.Find(recipe),
            Allocator = new Each(candidate => candidate.Tensor.Name switch
            {
                Up => candidate.Format! with { Bits = 2 },
                Down => candidate.Format! with { Bits = 8, Granularity = Granularity.Channel },
                Query => null,
                _ => candidate.Format,
            }),
        };
        var plan = QuantizationPlan.Create(opened, options);
        IReadOnlyList<QuantizedTensorReport> reports = new Quantizer(plan).Run(_folder["out"]);
        Assert.Equal((2.0, 64), Of(Up));
        Assert.Equal((8.0, 0), Of(Down));
        Assert.Equal((4.0, 64), Of("model.layers.1.mlp.up_proj.weight"));
        Assert.Equal((8.0, 64), Of("model.embed_tokens.weight"));
        Assert.DoesNotContain(Query, reports.Select(report => report.Name));
        Assert.True(reports.Single(report => report.Name == Up).Error.Relative > 20
            * reports.Single(report => report.Name == Down).Error.Relative);
        Assert.Equal(plan.Bytes, new FileInfo(_folder["out/model.safetensors"]).Length + new FileInfo(_folder["out/config.json"]).Length);
        Assert.All(Loaded(), value => Assert.True(float.IsFinite(value)));

        (double Bits, int Group) Of(string name)
        {
            PackedLayout layout = reports.Single(report => report.Name == name).Layout;
            return (layout.CodeBits, layout.GroupColumns);
        }
    }

    [Fact]
    public void TensorsMayBeOnOtherGridsThanTheRecipe()
    {
        using var opened = Model.Open(_folder["in"]);
        var options = new QuantizationOptions
        {
            Recipe = RecipeCatalogue.Find("rtn"),
            Allocator = new Each(candidate => candidate.Tensor.Name switch
            {
                Up => candidate.Format! with { Grid = new TritGridSpec() },
                Down => candidate.Format! with { Grid = new MinifloatGridSpec { Formats = ["e2m1"] } },
                _ => candidate.Format,
            }),
        };
        var plan = QuantizationPlan.Create(opened, options);
        IReadOnlyList<QuantizedTensorReport> reports = new Quantizer(plan).Run(_folder["out"]);
        Assert.IsType<TritLayout>(reports.Single(report => report.Name == Up).Layout);
        Assert.All(reports, report => Assert.InRange(report.Error.Relative, 0, 0.05));
        Assert.All(Loaded(), value => Assert.True(float.IsFinite(value)));
    }

    [Fact]
    public void WhatATensorCanNotHaveIsRefusedByName()
    {
        using var opened = Model.Open(_folder["in"]);
        Refused("gptq", Up, format => format! with { Grid = new TritGridSpec() }, "a grid of trits is not solved column by column");
        Refused("rtn", Up, format => format! with { Bits = 9 }, "its grid can't do 9 bits");
        Refused("rtn", Up, format => format! with { Grid = new UniformGridSpec { Layouts = [] } }, "the grid has no layout");
        Refused("rtn", Up, format => format! with { Activation = new ActivationSpec(8, IsDynamic: false) },
            "there are only activations of 8 bits that are found while the model runs");
        Refused("rtn", "model.norm.weight", _ => new TensorFormat(new UniformGridSpec(), 4, Granularity.Channel), "it is to stay as it is");
        Assert.Contains("0 formats for", Assert.Throws<ArgumentException>(
            () => QuantizationPlan.Create(opened,
            new QuantizationOptions { Recipe = RecipeCatalogue.Find("rtn"), Allocator = new None() })).Message, StringComparison.Ordinal);

        void Refused(string recipe, string tensor, Func<TensorFormat?, TensorFormat> change, string message)
        {
            var allocator = new Each(candidate => candidate.Tensor.Name == tensor ? change(candidate.Format) : candidate.Format);
            string text = Assert.Throws<ArgumentException>(
                () => QuantizationPlan.Create(opened,
                new QuantizationOptions { Recipe = RecipeCatalogue.Find(recipe), Allocator = allocator })).Message;
            Assert.Equal($"the allocator gives the tensor '{tensor}' a format that it can't have: {message}", text);
        }
    }

    [Fact]
    public void WithoutOneAllHaveTheFormatOfTheRecipe()
    {
        using var opened = Model.Open(_folder["in"]);
        foreach ((string recipe, int group) in ((string, int)[])[("rtn", 64), ("dgq", 128), ("easyquant", 0), ("nvfp4", 16)])
        {
            Recipe found = RecipeCatalogue.Find(recipe);
            var plan = QuantizationPlan.Create(opened, new QuantizationOptions { Recipe = found });
            Assert.All(plan.Tensors.Where(tensor => tensor.Role == TensorRole.Linear), tensor =>
            {
                Assert.Equal(new TensorFormat(found.Grid, 4, new Granularity(group)), tensor.Format);
                Assert.Equal(group, tensor.Layout!.GroupColumns);
            });
            Assert.All(plan.Tensors.Where(tensor => tensor.Role == TensorRole.Embedding), tensor => Assert.Equal(8, tensor.Format!.Bits));
            Assert.All(plan.Tensors.Where(tensor => tensor.Role == TensorRole.Other), tensor => Assert.False(tensor.IsQuantized));
        }
    }

    private float[] Loaded()
    {
        InferenceSession session = LanguageModel.Load(_folder["out"]).CreateSession();
        return session.Forward([new Segment(new[] { 1, 2, 3 })], LogitRows.Last).ToArray();
    }

    private sealed class Each(Func<TensorCandidate, TensorFormat?> choose) : IAllocator
    {
        public IReadOnlyList<TensorFormat?> Allocate(IReadOnlyList<TensorCandidate> tensors) => [.. tensors.Select(choose)];
    }

    private sealed class None : IAllocator
    {
        public IReadOnlyList<TensorFormat?> Allocate(IReadOnlyList<TensorCandidate> tensors) => [];
    }
}
