using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.RegularExpressions;
using Vernier.Bench;
using Vernier.Files;
using Vernier.Files.Gguf;
using Vernier.Files.Gguf.Blocks;
using Vernier.Files.Safetensors;
using Vernier.Files.Tokenizers;
using Vernier.Inference;
using Vernier.Inference.Gguf;
using Vernier.Inference.Models;
using Vernier.Inference.Passes;
using Vernier.Inference.Weights;

namespace Vernier.Tests;

/// <summary>Exported files in llama.cpp.</summary>
public sealed class ModelTests : IDisposable
{
    /// <summary>
    /// The most that logits may differ from Vernier's of the same codes, as a part of their root mean square. llama.cpp rounds activations
    /// to 8 bits for all types in
    /// blocks (measured 0.005 to 0.016, and 0.048 for the ternary types, which leave little of a network that was not trained for them), in
    /// half
    /// precision 0.0002, in BF16 0.002, and not for F32 (0.0001).
    /// </summary>
    private const double Tolerance = 0.025, TernaryTolerance = 0.075;

    private const int Vocabulary = 4096;

    private static readonly string[] s_texts =
    [
        "Once upon a time, there were 12345 dragons.", " \n\n\ttabs  and   spaces\r\n ", "naïve 日本語 😀 don't I'LL we've",
            "x=3*(y+4)/2; // comment", "<|begin_of_text|> is text", "'s 's'S", "0123 456 7",
    ];

    private readonly TempFolder _work = new();

    public static TheoryData<string> Mixes => [.. GgufMix.All.Where(mix => mix.Default.Format is not null).Select(mix => mix.Name)];

    public static TheoryData<string> Types => [.. BlockFormats.All.Select(format => format.Name), "F32", "F16", "BF16"];

    public void Dispose() => _work.Dispose();

    [Theory]
    [MemberData(nameof(Mixes))]
    public void MixesAreThoseOfLlamaQuantize(string name)
    {
        LlamaCpp llama = Peer.Llama;
        Assert.True(GgufMix.TryGet(name, out GgufMix? mix) && GgufMix.TryGet("F32", out _));
        foreach (string model in (string[])[SharedData.Quill, RandomModel(288, 320, 9, 8, 2, tied: false),
            RandomModel(256, 256, 17, 4, 4, tied: false)])
        {
            Assert.True(GgufMix.TryGet("F32", out GgufMix? single));
            GgufExport.Write(model, _work["float.gguf"], single);
            llama.Quantize(_work["float.gguf"], _work["theirs.gguf"], mix.FileType, 2);
            GgufExport.Write(model, _work["ours.gguf"], mix);
            using GgufFile theirs = GgufFile.Open(_work["theirs.gguf"]), ours = GgufFile.Open(_work["ours.gguf"]);
            Assert.Equal(theirs.Metadata["general.file_type"].AsInteger(), ours.Metadata["general.file_type"].AsInteger());
            Assert.Equal(
                theirs.Tensors.OrderBy(tensor => tensor.Name, StringComparer.Ordinal).Select(tensor => $"{tensor.Name} {tensor.Type}"),
                ours.Tensors.OrderBy(tensor => tensor.Name, StringComparer.Ordinal).Select(tensor => $"{tensor.Name} {tensor.Type}"));
            foreach (GgufTensor tensor in theirs.Tensors)
                Assert.True(theirs.Bytes(tensor.Name).SequenceEqual(ours.Bytes(tensor.Name)), tensor.Name);
        }
    }

    [Theory]
    [MemberData(nameof(Types))]
    public void LogitsAreThoseOfTheSameCodes(string name) =>
        CheckLogits(name, PackedArithmetic.Float,
            name switch { "F32" => 3e-4, "F16" => 1e-3, "BF16" => 5e-3, "TQ1_0" or "TQ2_0" => TernaryTolerance, _ => Tolerance });

    // Both sides round activations to 8 bits here, each in its own way.
    [Theory]
    [MemberData(nameof(Types))]
    public void LogitsOfIntegerProductsAreThoseOfTheSameCodes(string name) =>
        CheckLogits(name, PackedArithmetic.Integer, name is "TQ1_0" or "TQ2_0" ? 2 * TernaryTolerance : Tolerance);

    private void CheckLogits(string name, PackedArithmetic arithmetic, double tolerance)
    {
        LlamaCpp llama = Peer.Llama;
        Assert.True(GgufTensorType.TryGet(name, out GgufTensorType? type));
        Assert.True(GgufMix.TryGet("F16", out GgufMix? mix));
        string path = _work[name + ".gguf"];
        GgufExport.Write(SharedData.Quill, path, mix, [new GgufOverride(new Regex("", RegexOptions.None, TimeSpan.FromSeconds(1)), type)]);
        using (GgufFile file = GgufFile.Open(path))
            Assert.All(file.Tensors.Where(tensor => tensor.Shape.Count == 2), tensor => Assert.Same(type, tensor.Type));
        LanguageModel model = LanguageModel.Load(path, arithmetic);
        int[] tokens = Tokenizer.Load(SharedData.Quill)
            .Encode("The old man looked at the sea and said that the king had never come home.", addSpecialTokens: true);
        using LlamaSession session = llama.Open(path, 256, 2);
        double worst = 0;
        for (int length = 1; length <= tokens.Length; length += 4)
        {
            session.Clear();
            session.Decode(tokens[..length]);
            worst = Math.Max(worst, Distance(model.CreateSession().Forward([new Segment(tokens.AsMemory(0, length))], LogitRows.Last),
                session.Logits(Vocabulary)));
        }
        TestContext.Current.TestOutputHelper?.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{name}: {worst:G3}"));
        Assert.InRange(worst, 0, tolerance);
    }

    [Fact]
    public void TokensAreThoseOfTheSample()
    {
        Assert.True(GgufMix.TryGet("BF16", out GgufMix? mix));
        LlamaCpp llama = Peer.Llama;
        GgufExport.Write(SharedData.Quill, _work["quill.gguf"], mix);
        Tokenizer tokenizer = Tokenizer.Load(SharedData.Quill);
        using LlamaSession session = llama.Open(_work["quill.gguf"], 256, 2);
        foreach (string text in s_texts)
        {
            Assert.Equal(session.Tokenize(text, addSpecial: false), tokenizer.Encode(text));
            Assert.Equal(session.Tokenize(text, addSpecial: true), tokenizer.Encode(text, addSpecialTokens: true));
        }
    }

    /// <summary>The ways to cut a text that an export knows, on the sample's vocabulary.</summary>
    [Theory]
    [InlineData("gpt-2")]
    [InlineData("llama-bpe")]
    [InlineData("qwen2")]
    [InlineData("smollm")]
    [InlineData("default")]
    public void TokensAreTheSameHoweverTextsAreCut(string pre)
    {
        Assert.True(GgufMix.TryGet("BF16", out GgufMix? mix));
        LlamaCpp llama = Peer.Llama;
        GgufExport.Write(SharedData.Quill, _work["quill.gguf"], mix);
        using (GgufFile file = GgufFile.Open(_work["quill.gguf"]))
        {
            IEnumerable<KeyValuePair<string, GgufValue>> metadata =
                file.Metadata.Where(pair => !pair.Key.StartsWith("vernier.", StringComparison.Ordinal))
                .Select(pair => pair.Key == "tokenizer.ggml.pre" ? KeyValuePair.Create(pair.Key, GgufValue.Of(pre)) : pair);
            using var writer = new GgufWriter(_work["cut.gguf"], metadata, file.Tensors);
            foreach (GgufTensor tensor in file.Tensors)
                writer.Write(tensor.Name, file.Bytes(tensor.Name));
            writer.Complete();
        }
        using var cut = Model.Open(_work["cut.gguf"]);
        Tokenizer tokenizer = cut.Tokenizer;
        using LlamaSession session = llama.Open(_work["cut.gguf"], 256, 2);
        foreach (string text in s_texts)
            Assert.Equal(session.Tokenize(text, addSpecial: false), tokenizer.Encode(text));
    }

    private static double Distance(ReadOnlySpan<float> ours, float[] theirs)
    {
        double square = 0, difference = 0;
        for (int i = 0; i < theirs.Length; i++)
        {
            square += (double)theirs[i] * theirs[i];
            difference += (double)(ours[i] - theirs[i]) * (ours[i] - theirs[i]);
        }
        return Math.Sqrt(difference / square);
    }

    /// <summary>A random Llama with the sample's tokenizer.</summary>
    private string RandomModel(int hidden, int intermediate, int layers, int heads, int keyValueHeads, bool tied)
    {
        string folder = Directory.CreateDirectory(_work[$"random-{hidden}"]).FullName;
        File.WriteAllText(Path.Combine(folder, "config.json"), JsonSerializer.Serialize(new
        {
            model_type = "llama", vocab_size = Vocabulary, hidden_size = hidden, intermediate_size = intermediate,
                num_hidden_layers = layers, num_attention_heads = heads,
            num_key_value_heads = keyValueHeads, max_position_embeddings = 512, rms_norm_eps = 1e-5, tie_word_embeddings = tied,
                bos_token_id = 4094, eos_token_id = 4095,
        }));
        foreach (string name in (string[])["tokenizer.json", "tokenizer_config.json"])
            File.Copy(Path.Combine(SharedData.Quill, name), Path.Combine(folder, name), overwrite: true);
        int size = hidden / heads;
        List<TensorInfo> tensors = [Tensor("model.embed_tokens.weight", Vocabulary, hidden), Tensor("lm_head.weight", Vocabulary, hidden),
            Tensor("model.norm.weight", hidden)];
        for (int layer = 0; layer < layers; layer++)
        {
            string prefix = $"model.layers.{layer}.";
            tensors.AddRange(
            [
                Tensor(prefix + "input_layernorm.weight", hidden), Tensor(prefix + "post_attention_layernorm.weight", hidden),
                Tensor(prefix + "self_attn.q_proj.weight", hidden, hidden),
                    Tensor(prefix + "self_attn.k_proj.weight", keyValueHeads * size, hidden),
                Tensor(prefix + "self_attn.v_proj.weight", keyValueHeads * size, hidden),
                    Tensor(prefix + "self_attn.o_proj.weight", hidden, hidden),
                Tensor(prefix + "mlp.gate_proj.weight", intermediate, hidden), Tensor(prefix + "mlp.up_proj.weight", intermediate, hidden),
                    Tensor(prefix + "mlp.down_proj.weight", hidden, intermediate),
            ]);
        }
        var random = new Random(hidden);
        using var writer = new SafetensorsWriter(Path.Combine(folder, "model.safetensors"), tensors);
        foreach (TensorInfo tensor in tensors)
        {
            var numbers = new float[tensor.Count];
            for (int i = 0; i < numbers.Length; i++)
                numbers[i] = tensor.Shape.Count == 1 ? 1 : 0.05f * (random.NextSingle() + random.NextSingle() + random.NextSingle() - 1.5f);
            writer.Write(MemoryMarshal.AsBytes(numbers.AsSpan()));
        }
        writer.Complete();
        return folder;

        static TensorInfo Tensor(string name, params long[] shape) => new(name, ElementType.F32, shape);
    }
}
