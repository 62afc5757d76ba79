using System.Text.RegularExpressions;
using Vernier.Files;
using Vernier.Files.Checkpoints;
using Vernier.Grids.Codebook;
using Vernier.Grids.Specs;
using Vernier.Inference;
using Vernier.Inference.Architectures;
using Vernier.Inference.Configuration;
using Vernier.Inference.Decoders;
using Vernier.Inference.Models;
using Vernier.Inference.Parts;
using Vernier.Inference.Passes;
using Vernier.Inference.Weights;
using Vernier.Numerics;
using Vernier.Packing;
using Vernier.Quantization.Pipeline;
using Vernier.Quantization.Recipes;
using Vernier.Quantization.Transforms;
using Vernier.Quantization.Weights;

namespace Vernier.Tests.Transforms;

public class ChannelOrderTests
{
    private const string Sizes = """
        "vocab_size": 48, "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2, "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "hidden_act": "silu", "rms_norm_eps": 1e-05, "rope_theta": 10000.0, "max_position_embeddings": 64, "tie_word_embeddings": true,
        "bos_token_id": 0, "eos_token_id": 1
        """;

    private static readonly int[] s_tokens = [3, 17, 5, 0, 41, 22, 9, 13];

    [Fact]
    public void TheReorderedSampleComputesTheSame() => CheckFunction(SharedData.Quill, 16, 1e-5);

    /// <summary>Grouped queries; biases on queries, keys and values; and everything fused.</summary>
    [Theory]
    [InlineData("llama", "LlamaForCausalLM")]
    [InlineData("qwen2", "Qwen2ForCausalLM")]
    [InlineData("phi3", "Phi3ForCausalLM")]
    public void EveryFamilyComputesTheSame(string type, string architecture)
    {
        using var folder = new TempFolder();
        WriteTiny(folder["in"], type, architecture);
        CheckFunction(folder["in"], 8, 1e-4);
    }

    [Fact]
    public void SimilarRowsLieTogether()
    {
        // Two kinds of rows in turn: normal ones, and ones of a few large weights.
        float[] normal = TinyModel.Gaussian(64 * 128, 1, 0.1), weights = new float[128 * 128];
        for (int row = 0; row < 128; row++)
        {
            for (int i = 0; i < 128; i++)
                weights[row * 128 + i] = row % 2 == 0 ? normal[row / 2 * 128 + i] : (i + row) % 32 == 0 ? 1
                    : 0.001f * normal[row / 2 * 128 + i];
        }
        var descriptors = new ChannelDescriptors(128, Workers.Shared);
        descriptors.AddRows(weights, 128);
        int[] order = descriptors.Order(2);
        Assert.Equal(Enumerable.Range(0, 128), order.Order());
        Assert.Single(order.Take(64).Select(row => row % 2).Distinct());
        Assert.Single(order.Skip(64).Select(row => row % 2).Distinct());
    }

    [Fact]
    public void RowsOfZerosHaveAPlace()
    {
        var descriptors = new ChannelDescriptors(16, Workers.Shared);
        descriptors.AddRows(new float[16 * 8], 8);
        descriptors.AddColumns(new float[4 * 16], 16);
        Assert.Equal(Enumerable.Range(0, 16), descriptors.Order(3).Order());
    }

    [Fact]
    public void OrderAndBackIsNothing()
    {
        int[] rows = [2, 0, 1], columns = [1, 3, 0, 2];
        var order = new TensorOrder(rows, columns);
        float[] values = [.. Enumerable.Range(0, 12).Select(i => (float)i)], moved = order.Apply<float>(values, 4), back = new float[12];
        Assert.Equal([9, 11, 8, 10, 1, 3, 0, 2, 5, 7, 4, 6], moved);
        for (int row = 0; row < 3; row++)
            order.Scatter<float>(moved.AsSpan(row * 4, 4), back.AsSpan(order.Row(row) * 4, 4));
        Assert.Equal(values, back);
    }

    [Fact]
    public void AMatrixIsReadInItsOrderFromAnyPlace()
    {
        using var folder = new TempFolder();
        float[] values = TinyModel.Gaussian(6 * 10, 1);
        TinyModel.Write(folder["m"], ("a.weight", [6, 10], values));
        using Checkpoint checkpoint = Checkpoint.Open(folder["m"]);
        var order = new TensorOrder([5, 0, 4, 1, 3, 2], [.. Enumerable.Range(0, 10).Select(i => i * 3 % 10)]);
        var matrix = new WeightMatrix(checkpoint, checkpoint["a.weight"], order);
        float[] expected = order.Apply<float>(values, 10);
        for (int first = 0; first < 60; first++)
        {
            var part = new float[Math.Min(23, 60 - first)];
            matrix.Read(first / 10, first % 10, part);
            Assert.Equal(expected[first..(first + part.Length)], part);
        }
    }

    /// <summary>A run that keeps some matrices and biases as they are: these are reordered too.</summary>
    [Theory]
    [InlineData("qwen2", "Qwen2ForCausalLM", "gate_proj|v_proj")]
    [InlineData("phi3", "Phi3ForCausalLM", "qkv_proj")]
    public void WhatIsKeptIsReorderedWithTheRest(string type, string architecture, string keep)
    {
        using var folder = new TempFolder();
        WriteTiny(folder["in"], type, architecture);
        using var opened = Model.Open(folder["in"]);
        Recipe recipe = RecipeCatalogue.Find("kmeans") with { Reorder = true };
        var plan = QuantizationPlan.Create(opened,
            new QuantizationOptions { Recipe = recipe
            with { Grid = (CodebookGridSpec)recipe.Grid with { Scope = GridScope.Rows, Rows = 16 } }, Bits = 8,
            Granularity = Granularity.Group(16), Keep = new Regex(keep, RegexOptions.NonBacktracking) });
        Assert.False(plan.Order.IsEmpty);
        new Quantizer(plan).Run(folder["out"]);
        float[] expected = Logits(folder["in"]), actual = Logits(folder["out"]);
        double error = expected.Zip(actual, (a, b) => Math.Pow(a - b, 2)).Sum(), norm = expected.Sum(a => (double)a * a);
        Assert.True(error < 1e-3 * norm, $"{error / norm}");
    }

    private static void CheckFunction(string model, int rows, double tolerance)
    {
        using var folder = new TempFolder();
        using var opened = Model.Open(model);
        Checkpoint checkpoint = opened.Checkpoint;
        ModelConfig config = opened.Configuration;
        var order = ChannelOrder.Find(checkpoint, config, rows);
        Directory.CreateDirectory(folder["out"]);
        File.Copy(Path.Combine(model, "config.json"), folder["out/config.json"]);
        var draft = new CheckpointDraft(folder["out"], [.. checkpoint.Tensors]);
        foreach (TensorInfo tensor in checkpoint.Tensors)
        {
            // In pieces that begin and end within rows.
            var bytes = new byte[tensor.Bytes];
            for (int first = 0; first < bytes.Length; first += 1000)
                TensorBytes.Read(checkpoint, tensor, order.Of(tensor.Name), first,
                    bytes.AsSpan(first, Math.Min(1000, bytes.Length - first)));
            draft.Write(tensor.Name, 0, bytes);
        }
        using Checkpoint written = Checkpoint.Open(folder["out"]);
        int moved = checkpoint.Tensors.Count(tensor => !TensorBytes.AreSame(checkpoint, tensor, written, written[tensor.Name]));
        Assert.True(moved >= (((TransformerConfig)config).Names.FeedForwardInputs.Count == 1 ? 4 : 5) * config.LayerCount,
            $"{moved} tensors moved");
        foreach (TensorInfo tensor in checkpoint.Tensors)
            Assert.True(TensorBytes.AreSame(checkpoint, tensor, written, written[tensor.Name], order.Of(tensor.Name)));
        float[] expected = Logits(model), actual = Logits(folder["out"]);
        float largest = expected.Max(Math.Abs);
        Assert.All(expected.Zip(actual), pair => Assert.Equal(pair.First, pair.Second, tolerance * largest));

        // The same weights, reordered in memory.
        IWeightSource reordered = new ReorderedWeights(new FloatWeightSource(checkpoint), order), direct = new FloatWeightSource(written);
        for (int layer = 0; layer < config.LayerCount; layer++)
        {
            DecoderAssembly assembly = ArchitectureCatalogue.Assemble(config);
            Block left = assembly.Block(reordered, layer), right = assembly.Block(direct, layer);
            foreach (LinearSlot slot in left.Linears)
            {
                FloatLinear linear = (FloatLinear)slot.Layer, other = (FloatLinear)right[slot.Name].Layer;
                Assert.Equal(other.Weight.ToArray(), linear.Weight.ToArray());
                Assert.Equal(other.Bias.ToArray(), linear.Bias.ToArray());
            }
        }
    }

    private static float[] Logits(string folder) =>
        LanguageModel.Load(folder).CreateSession().Forward([new Segment(s_tokens)], LogitRows.Last).ToArray();

    private static void WriteTiny(string folder, string type, string architecture)
    {
        var tensors = new List<(string, long[], float[])>();
        int seed = 0;
        Add("model.embed_tokens.weight", 0.15, 48, 64);
        Add("model.norm.weight", 0, 64);
        for (int layer = 0; layer < 2; layer++)
        {
            string prefix = $"model.layers.{layer}.";
            Add(prefix + "input_layernorm.weight", 0, 64);
            Add(prefix + "post_attention_layernorm.weight", 0, 64);
            foreach ((string name, int outputs, int inputs) in type == "phi3"
                ? ((string, int, int)[])[("self_attn.qkv_proj", 128, 64), ("self_attn.o_proj", 64, 64), ("mlp.gate_up_proj", 192, 64),
                    ("mlp.down_proj", 64, 96)]
                : [("self_attn.q_proj", 64, 64), ("self_attn.k_proj", 32, 64), ("self_attn.v_proj", 32, 64), ("self_attn.o_proj", 64, 64),
                    ("mlp.gate_proj", 96, 64), ("mlp.up_proj", 96, 64), ("mlp.down_proj", 64, 96)])
            {
                Add(prefix + name + ".weight", 0.15, outputs, inputs);
                if (type == "qwen2" && name is ("self_attn.q_proj" or "self_attn.k_proj" or "self_attn.v_proj"))
                    Add(prefix + name + ".bias", 0.3, outputs);
            }
        }
        string more = type == "phi3" ? ", \"original_max_position_embeddings\": 64" : "";
        string config = $$"""{ "architectures": ["{{architecture}}"], "model_type": "{{type}}", {{Sizes}}{{more}} }""";
        TinyModel.Write(folder, config, [.. tensors]);

        void Add(string name, double deviation, params long[] shape)
        {
            int count = (int)shape.Aggregate(1L, (a, b) => a * b);
            tensors.Add((name, shape, deviation == 0 ? [.. Enumerable.Repeat(1f, count)] : TinyModel.Gaussian(count, ++seed, deviation)));
        }
    }
}
