using System.Text.Json.Nodes;
using Vernier.Errors;
using Vernier.Files;
using Vernier.Files.Gguf;
using Vernier.Inference;
using Vernier.Inference.Gguf;
using Vernier.Inference.Models;
using Vernier.Inference.Passes;
using Vernier.Inference.Weights;

namespace Vernier.Tests.Gguf;

/// <summary>A small model of each family from a folder to a GGUF file and back; in llama.cpp they are held by the tests with
/// peers.</summary>
public sealed class GgufFamilyTests : IDisposable
{
    private static readonly int[] s_tokens = [298, 5, 9, 77, 250, 17, 3, 3, 111, 42, 7];

    private readonly TempFolder _work = new();

    public static TheoryData<string> Families => [.. GgufFamilies.Names];

    public void Dispose() => _work.Dispose();

    [Theory]
    [MemberData(nameof(Families))]
    public void ComesBackFromAFile(string name)
    {
        string folder = GgufFamilies.Write(_work["family"], name), gguf = _work["family.gguf"],
            back = Directory.CreateDirectory(_work["back"]).FullName;
        GgufExport.Write(folder, gguf, Mix("F32"));
        AssertClose(Logits(folder), Logits(gguf), 1e-5);
        WriteFolder(gguf, back);
        AssertSameTensors(folder, back);
        Assert.True(JsonNode.DeepEquals(Json(folder, "config.json"), Json(back, "config.json")));
        Assert.True(JsonNode.DeepEquals(Json(folder, "tokenizer.json"), Json(back, "tokenizer.json")));
        GgufExport.Write(back, _work["again.gguf"], Mix("F32"));
        AssertSameFile(gguf, _work["again.gguf"]);
    }

    [Theory]
    [MemberData(nameof(Families))]
    public void ComesBackFromAFileOfAnotherProgram(string name)
    {
        string folder = GgufFamilies.Write(_work["family"], name), gguf = _work["family.gguf"], stranger = _work["stranger.gguf"],
            back = Directory.CreateDirectory(_work["back"]).FullName;
        GgufExport.Write(folder, gguf, Mix("F32"));
        using (GgufFile file = GgufFile.Open(gguf))
        {
            using var writer = new GgufWriter(stranger,
                file.Metadata.Where(pair => !pair.Key.StartsWith("vernier.", StringComparison.Ordinal)), file.Tensors);
            foreach (GgufTensor tensor in file.Tensors)
                writer.Write(tensor.Name, file.Bytes(tensor.Name));
            writer.Complete();
        }
        AssertClose(Logits(folder), Logits(stranger), 1e-5);
        WriteFolder(stranger, back);
        AssertClose(Logits(folder), Logits(back), 1e-5);
        GgufExport.Write(back, _work["again.gguf"], Mix("F32"));
        AssertSameFile(stranger, _work["again.gguf"]);
    }

    /// <summary>The network runs on the blocks of the file, experts on their part of a tensor: as on what the blocks stand for.</summary>
    [Theory]
    [MemberData(nameof(Families))]
    public void RunsOnBlocks(string name)
    {
        string gguf = _work["family.gguf"], back = Directory.CreateDirectory(_work["back"]).FullName;
        GgufExport.Write(GgufFamilies.Write(_work["family"], name), gguf, Mix("Q8_0"));
        using (var model = Model.Open(gguf))
        {
            (string Type, long Bytes)[] stored = [.. model.Checkpoint.Tensors.Select(model.Stored)];
            Assert.Contains(stored, tensor => tensor.Type == "Q8_0");
            using GgufFile file = GgufFile.Open(gguf);
            Assert.Equal(file.Tensors.Sum(tensor => tensor.Bytes), stored.Sum(tensor => tensor.Bytes));
        }
        WriteFolder(gguf, back);
        AssertClose(Logits(back), Logits(gguf, PackedArithmetic.Float), 1e-4);
    }

    /// <summary>What llama.cpp does not compute is refused before anything is written.</summary>
    [Theory]
    [InlineData("qwen3_moe", """{"norm_topk_prob": false}""", "weights of experts that are not divided by their sum")]
    [InlineData("qwen3_moe", """{"mlp_only_layers": [1]}""", "a layer 1 without experts")]
    [InlineData("gemma2", """{"query_pre_attn_scalar": 20}""", "scores that are multiplied by 0.223607")]
    [InlineData("gemma2", """{"final_logit_softcapping": null}""", "scores or logits that are not bounded")]
    [InlineData("gemma3_text", """{"sliding_window_pattern": 2}""", "this sliding window of layer 1")]
    [InlineData("smollm3", """{"no_rope_layer_interval": 2}""", "layer 1 not rotated")]
    [InlineData("phi", """{"hidden_act": "relu"}""", "the nonlinearity Relu")]
    [InlineData("olmo2", """{"attention_bias": true}""", "biases of query, key and value")]
    [InlineData("cohere", """{"use_qk_norm": true}""", "norms of heads in fewer than 64 layers")]
    [InlineData("falcon", """{"alibi": true}""", "ALiBi")]
    [InlineData("falcon", """{"bias": true}""", "biases of query, key and value")]
    [InlineData("stablelm", """{"rope_scaling": {"rope_type": "dynamic", "factor": 2.0}}""", "the rotary scaling Dynamic")]
    public void WhatLlamaCppDoesNotComputeIsRefused(string name, string change, string problem)
    {
        string folder = GgufFamilies.Write(_work["family"], name, change);
        VernierException error = Assert.ThrowsAny<VernierException>(() => GgufExport.Write(folder, _work["family.gguf"], Mix("F32")));
        Assert.Equal(GgufModelRules.Architecture, error.Rule);
        Assert.Contains(problem, error.Message, StringComparison.Ordinal);
        Assert.False(File.Exists(_work["family.gguf"]));
    }

    [Theory]
    [InlineData("expert_weights_scale", 2f)]
    [InlineData("expert_gating_func", 2u)]
    public void ExpertsThatAreWeighedOtherwiseAreRefused(string key, object value)
    {
        string gguf = _work["family.gguf"], changed = _work["changed.gguf"];
        GgufExport.Write(GgufFamilies.Write(_work["family"], "qwen3_moe"), gguf, Mix("F32"));
        using (GgufFile file = GgufFile.Open(gguf))
        {
            using var writer = new GgufWriter(changed, [.. file.Metadata, KeyValuePair.Create("qwen3moe." + key, GgufValue.Of(value))],
                file.Tensors);
            foreach (GgufTensor tensor in file.Tensors)
                writer.Write(tensor.Name, file.Bytes(tensor.Name));
            writer.Complete();
        }
        Assert.Equal(GgufModelRules.Metadata, Assert.ThrowsAny<VernierException>(() => Model.Open(changed)).Rule);
    }

    [Fact]
    public void GroupedRowsAreAPermutation()
    {
        foreach ((int groups, int queries, int size) in (ReadOnlySpan<(int, int, int)>)[(4, 1, 8), (2, 3, 4), (1, 71, 2)])
        {
            var rows = GgufRows.Grouped(groups, queries, size);
            Assert.Equal(Enumerable.Range(0, (int)rows.Count).Select(row => (long)row),
                Enumerable.Range(0, (int)rows.Count).Select(row => rows.InGguf(row)).Order());
            for (int row = 0; row < rows.Count; row++)
                Assert.Equal(row, rows.InHf(rows.InGguf(row)));
            // The first key lies behind all queries, the first value behind all keys.
            Assert.Equal(groups * queries * size, rows.InGguf(queries * size));
            Assert.Equal(groups * (queries + 1) * size, rows.InGguf((queries + 1) * size));
        }
    }

    private static void WriteFolder(string gguf, string folder)
    {
        using var model = Model.Open(gguf);
        GgufExport.WriteFolder(model, folder);
    }

    private static GgufMix Mix(string name) =>
        GgufMix.TryGet(name, out GgufMix? mix) ? mix : throw new ArgumentException(name, nameof(name));

    private static float[] Logits(string model, PackedArithmetic arithmetic = PackedArithmetic.Integer) =>
        LanguageModel.Load(model, arithmetic).CreateSession().Forward([new Segment(s_tokens)], LogitRows.All).ToArray();

    private static JsonNode? Json(string folder, string name) => JsonNode.Parse(File.ReadAllBytes(Path.Combine(folder, name)));

    private static void AssertClose(float[] expected, float[] actual, double part)
    {
        double largest = expected.Max(Math.Abs);
        Assert.InRange(expected.Zip(actual, (a, b) => (double)Math.Abs(a - b)).Max(), 0, part * largest);
    }

    // To the bit, but for norms that are stored as the difference from 1, and are whole numbers of 2^-24 in the file.
    private static void AssertSameTensors(string left, string right)
    {
        using Model a = Model.Open(left), b = Model.Open(right);
        Assert.Equal(a.Checkpoint.Tensors.Select(tensor => tensor.Name).Order(StringComparer.Ordinal),
            b.Checkpoint.Tensors.Select(tensor => tensor.Name).Order(StringComparer.Ordinal));
        foreach (TensorInfo tensor in a.Checkpoint.Tensors)
        {
            Assert.Equal(tensor.Shape, b.Checkpoint[tensor.Name].Shape);
            float[] expected = new float[tensor.Count], actual = new float[tensor.Count];
            a.Checkpoint.Read(tensor, 0, expected);
            b.Checkpoint.Read(b.Checkpoint[tensor.Name], 0, actual);
            bool fromOne = tensor.Name.EndsWith("norm.weight", StringComparison.Ordinal)
                && a.Architecture.Contains("emm", StringComparison.Ordinal)
                || a.Architecture == "nemotron";
            Assert.All(expected.Zip(actual), pair => Assert.InRange(Math.Abs(pair.First - pair.Second), 0, fromOne ? 1.2e-7 : 0));
        }
    }

    private static void AssertSameFile(string left, string right)
    {
        using GgufFile a = GgufFile.Open(left), b = GgufFile.Open(right);
        Assert.Equal(a.Metadata.Keys.Order(StringComparer.Ordinal), b.Metadata.Keys.Order(StringComparer.Ordinal));
        foreach ((string key, GgufValue value) in a.Metadata)
            Assert.True(key == "general.name" || value.Equals(b.Metadata[key]), $"{key}: {value} became {b.Metadata[key]}");
        Assert.Equal(a.Tensors.Select(tensor => tensor.ToString()), b.Tensors.Select(tensor => tensor.ToString()));
        foreach (GgufTensor tensor in a.Tensors)
            Assert.True(a.Bytes(tensor.Name).SequenceEqual(b.Bytes(tensor.Name)), tensor.Name);
    }
}
