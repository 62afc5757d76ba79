using System.Text.Json.Nodes;
using Vernier.Errors;
using Vernier.Files;
using Vernier.Files.Checkpoints;
using Vernier.Files.Gguf;
using Vernier.Files.Tokenizers;
using Vernier.Inference;
using Vernier.Inference.Configuration;
using Vernier.Inference.Gguf;
using Vernier.Inference.Models;
using Vernier.Inference.Passes;

namespace Vernier.Tests.Gguf;

/// <summary>Models from a folder to a GGUF file and back, and the other way round.</summary>
public class GgufRoundTripTests
{
    private static readonly string[] s_texts =
        ["Once upon a time, there were 12345 dragons.", " \n\n\ttabs  and   spaces\r\n", "naïve 日本語 😀 don't I'LL", "",
        "<|begin_of_text|>x"];

    public static TheoryData<string> Specs => [.. TinySpecs.All.Select(spec => spec.Name)];

    [Fact]
    public void TheSampleComesBack()
    {
        using var work = new TempFolder();
        string gguf = work["quill.gguf"], back = Directory.CreateDirectory(work["back"]).FullName, again = work["again.gguf"];
        long bytes = GgufExport.Write(SharedData.Quill, gguf, Mix("BF16"));
        Assert.Equal(bytes, new FileInfo(gguf).Length);
        WriteFolder(gguf, back);
        AssertSameTensors(SharedData.Quill, back);
        foreach (string name in (string[])["config.json", "tokenizer.json", "tokenizer_config.json"])
            Assert.True(JsonNode.DeepEquals(Json(SharedData.Quill, name), Json(back, name)), name);
        GgufExport.Write(back, again, Mix("BF16"));
        AssertSameFile(gguf, again);
        using var model = Model.Open(gguf);
        Tokenizer original = Tokenizer.Load(SharedData.Quill), direct = model.Tokenizer;
        foreach (string text in s_texts)
            Assert.Equal(original.Encode(text, addSpecialTokens: true), direct.Encode(text, addSpecialTokens: true));
    }

    [Fact]
    public void AGgufFileIsAModel()
    {
        using var work = new TempFolder();
        string gguf = work["quill.gguf"];
        GgufExport.Write(SharedData.Quill, gguf, Mix("BF16"));
        int[] tokens = Tokenizer.Load(SharedData.Quill).Encode(s_texts[0]);
        float[] expected = Logits(SharedData.Quill, tokens), actual = Logits(gguf, tokens);
        Assert.Equal(expected, actual);
        GgufExport.Write(gguf, work["q8.gguf"], Mix("Q8_0"));
        float[] rounded = Logits(work["q8.gguf"], tokens);
        double error = expected.Zip(rounded, (a, b) => Math.Abs(a - b)).Max();
        Assert.InRange(error, 1e-6, 0.5);
    }

    [Theory]
    [MemberData(nameof(Specs))]
    public void EveryFamilyComesBack(string name)
    {
        TinySpec spec = TinySpecs.All.Single(one => one.Name == name);
        using var folder = new TinyFolder(spec.Config(), spec.Tensors(7));
        TinyTokenizer.Write(folder.Path, spec.Vocabulary);
        using var work = new TempFolder();
        string gguf = work["tiny.gguf"], back = Directory.CreateDirectory(work["back"]).FullName, again = work["again.gguf"];
        GgufExport.Write(folder.Path, gguf, Mix("F32"));
        int[] tokens = [1, 5, 9, 2, 33, 17];
        Assert.Equal(Logits(folder.Path, tokens), Logits(gguf, tokens));
        WriteFolder(gguf, back);
        AssertSameTensors(folder.Path, back);
        Assert.True(JsonNode.DeepEquals(Json(folder.Path, "config.json"), Json(back, "config.json")));
        Assert.True(JsonNode.DeepEquals(Json(folder.Path, "tokenizer.json"), Json(back, "tokenizer.json")));
        GgufExport.Write(back, again, Mix("F32"));
        AssertSameFile(gguf, again);
    }

    [Theory]
    [MemberData(nameof(Specs))]
    public void WhatAnotherProgramWroteComesBack(string name)
    {
        // Without the keys in which an export keeps what the format has no place for, and with keys that a folder has no place for.
        TinySpec spec = TinySpecs.All.Single(one => one.Name == name);
        using var folder = new TinyFolder(spec.Config(), spec.Tensors(8));
        TinyTokenizer.Write(folder.Path, spec.Vocabulary);
        using var work = new TempFolder();
        string gguf = work["tiny.gguf"], stranger = work["stranger.gguf"], back = Directory.CreateDirectory(work["back"]).FullName,
            again = work["again.gguf"];
        GgufExport.Write(folder.Path, gguf, Mix("F32"));
        using (GgufFile file = GgufFile.Open(gguf))
        {
            var metadata = new OrderedDictionary<string, GgufValue>(StringComparer.Ordinal);
            foreach ((string key, GgufValue value) in file.Metadata)
            {
                if (!key.StartsWith("vernier.", StringComparison.Ordinal) && key != "general.type")
                    metadata[key] = value;
            }
            metadata["general.license"] = GgufValue.Of("mit");
            metadata["general.tags"] = GgufValue.Of(new[] { "a", "b" });
            metadata["general.odd"] =
                GgufValue.Of(new[] { GgufValue.Of(new[] { 1.5f, float.NaN }), GgufValue.Of(new[] { true }),
                GgufValue.Of(Array.Empty<ulong>()) });
            metadata["tokenizer.ggml.padding_token_id"] = GgufValue.Of(3u);
            metadata["general.count"] = GgufValue.Of((ushort)0);
            using var writer = new GgufWriter(stranger, metadata, file.Tensors);
            foreach (GgufTensor tensor in file.Tensors)
                writer.Write(tensor.Name, file.Bytes(tensor.Name));
            writer.Complete();
        }
        WriteFolder(stranger, back);
        GgufExport.Write(back, again, Mix("F32"));
        AssertSameFile(stranger, again);
        if (spec.Type is "mistral" or "qwen2" || spec.Gelu)
            return; // A window, or the other nonlinearity, has no place in a GGUF file of these architectures.
        int[] tokens = [1, 5, 9, 2, 33, 17];
        foreach ((float expected, float actual) in Logits(folder.Path, tokens).Zip(Logits(stranger, tokens)))
            Assert.Equal(expected, actual, 1e-4);
    }

    /// <summary>A file without the scaling would be another model to those who read it.</summary>
    [Theory]
    [InlineData("""{"rope_type": "yarn", "factor": 2.0, "original_max_position_embeddings": 64, "truncate": false}""")]
    [InlineData("""{"rope_type": "dynamic", "factor": 2.0}""")]
    [InlineData("""
        {"rope_type": "longrope", "short_factor": [1, 2, 3], "long_factor": [2, 3, 4], "original_max_position_embeddings": 64,
        "short_mscale": 1.0, "long_mscale": 1.25}
        """)]
    public void AScalingThatHasNoPlaceIsRefused(string scaling)
    {
        JsonObject config = JsonNode.Parse(TinySpecs.Llama.Config())!.AsObject();
        config["rope_scaling"] = JsonNode.Parse(scaling);
        using var folder = new TinyFolder(config.ToJsonString(), TinySpecs.Llama.Tensors(7));
        using var work = new TempFolder();
        TinyTokenizer.Write(folder.Path, TinySpecs.Llama.Vocabulary);
        UnsupportedModelException error = Assert.Throws<UnsupportedModelException>(
            () => GgufExport.Write(folder.Path, work["tiny.gguf"], Mix("F32")));
        Assert.Equal((ModelRules.ConfigRopeScaling, Path.Combine(folder.Path, "config.json")), (error.Rule, error.File));
        Assert.False(File.Exists(work["tiny.gguf"]));
    }

    [Fact]
    public void RotaryRowsAreAPermutation()
    {
        foreach (int size in (int[])[2, 6, 64])
        {
            for (long row = 0; row < 5 * size; row++)
            {
                Assert.Equal(row, RotaryRows.InHf(RotaryRows.InGguf(row, size), size));
                Assert.Equal(row / size, RotaryRows.InGguf(row, size) / size);
            }
        }
    }

    [Fact]
    public void BytesOfAnyRangeAreThoseOfTheWhole()
    {
        using var work = new TempFolder();
        string gguf = work["quill.gguf"];
        GgufExport.Write(SharedData.Quill, gguf, Mix("BF16"));
        using var model = Model.Open(gguf);
        using Checkpoint original = Checkpoint.Open(SharedData.Quill);
        Checkpoint checkpoint = model.Checkpoint;
        var random = new Random(1);
        foreach (string name in (string[])["model.layers.0.self_attn.q_proj.weight", "model.layers.1.self_attn.k_proj.weight",
            "model.norm.weight", "model.layers.0.mlp.up_proj.weight"])
        {
            byte[] whole = original.Bytes(original[name]).ToArray();
            Assert.Equal(whole, checkpoint.Bytes(checkpoint[name]).ToArray());
            for (int trial = 0; trial < 20; trial++)
            {
                int first = random.Next(whole.Length), count = random.Next(whole.Length - first + 1);
                var part = new byte[count];
                checkpoint.ReadBytes(checkpoint[name], first, part);
                Assert.Equal(whole[first..(first + count)], part);
            }
        }
    }

    private static void WriteFolder(string gguf, string folder)
    {
        using var model = Model.Open(gguf);
        GgufExport.WriteFolder(model, folder);
    }

    private static GgufMix Mix(string name) =>
        GgufMix.TryGet(name, out GgufMix? mix) ? mix : throw new ArgumentException(name, nameof(name));

    private static float[] Logits(string model, int[] tokens) =>
        LanguageModel.Load(model).CreateSession().Forward([new Segment(tokens)], LogitRows.All).ToArray();

    private static JsonNode? Json(string folder, string name) => JsonNode.Parse(File.ReadAllBytes(Path.Combine(folder, name)));

    private static void AssertSameTensors(string left, string right)
    {
        using Checkpoint a = Checkpoint.Open(left), b = Checkpoint.Open(right);
        Assert.Equal(a.Tensors.Select(tensor => tensor.Name).Order(StringComparer.Ordinal),
            b.Tensors.Select(tensor => tensor.Name).Order(StringComparer.Ordinal));
        foreach (TensorInfo tensor in a.Tensors)
        {
            Assert.Equal(tensor.Type, b[tensor.Name].Type);
            Assert.Equal(tensor.Shape, b[tensor.Name].Shape);
            Assert.True(a.Bytes(tensor).SequenceEqual(b.Bytes(b[tensor.Name])), tensor.Name);
        }
    }

    private static void AssertSameFile(string left, string right)
    {
        using GgufFile a = GgufFile.Open(left), b = GgufFile.Open(right);
        Assert.Equal(a.Metadata.Keys.Order(StringComparer.Ordinal), b.Metadata.Keys.Order(StringComparer.Ordinal));
        foreach ((string key, GgufValue value) in a.Metadata)
            Assert.True(key == "general.name" || value.Equals(b.Metadata[key]), $"{key}: {value} became {b.Metadata[key]}");
        Assert.Equal(a.Tensors.Count, b.Tensors.Count);
        foreach (GgufTensor tensor in a.Tensors)
        {
            Assert.Equal(tensor.Type, b[tensor.Name].Type);
            Assert.Equal(tensor.Shape, b[tensor.Name].Shape);
            Assert.True(a.Bytes(tensor.Name).SequenceEqual(b.Bytes(tensor.Name)), tensor.Name);
        }
    }
}
