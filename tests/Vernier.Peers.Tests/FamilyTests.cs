using System.Globalization;
using Vernier.Bench;
using Vernier.Files.Gguf;
using Vernier.Inference;
using Vernier.Inference.Gguf;
using Vernier.Inference.Models;
using Vernier.Inference.Passes;
using Vernier.Tests.Gguf;

namespace Vernier.Tests;

/// <summary>A small model of each family, exported in single precision, in llama.cpp.</summary>
public sealed class FamilyTests : IDisposable
{
    /// <summary>
    /// The most that logits may differ, as a part of their root mean square. llama.cpp looks the Gaussian error linear unit up in a table
    /// of
    /// half precision, and keeps keys and values in half precision (measured 0.0004 to 0.005).
    /// </summary>
    private const double Tolerance = 8e-3;

    private readonly TempFolder _work = new();

    public static TheoryData<string> Families => [.. GgufFamilies.Names];

    public void Dispose() => _work.Dispose();

    [Theory]
    [MemberData(nameof(Families))]
    public void LogitsAreThoseOfLlamaCpp(string name)
    {
        LlamaCpp llama = Peer.Llama;
        string folder = GgufFamilies.Write(_work["family"], name);
        Assert.True(GgufMix.TryGet("F32", out GgufMix? mix));
        GgufExport.Write(folder, _work["family.gguf"], mix);
        LanguageModel model = LanguageModel.Load(folder);
        int[] tokens = [298, .. Enumerable.Range(0, 23).Select(i => i * 37 % 290)];
        using LlamaSession session = llama.Open(_work["family.gguf"], 64, 1);
        session.Decode(tokens);
        double worst = Distance(model.CreateSession().Forward([new Segment(tokens)], LogitRows.Last),
            session.Logits(GgufFamilies.Vocabulary));
        TestContext.Current.TestOutputHelper?.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{name}: {worst:G3}"));
        Assert.InRange(worst, 0, Tolerance);
    }

    /// <summary>Types of mixtures of eight experts and of others, and of Falcon, for which llama-quantize has rules of its own.</summary>
    [Theory]
    [InlineData("mixtral", """{"num_local_experts": 8, "num_hidden_layers": 9}""")]
    [InlineData("qwen3_moe", """{"num_experts": 3, "num_hidden_layers": 9, "moe_intermediate_size": 256}""")]
    [InlineData("falcon", """{"num_hidden_layers": 16}""")]
    public void MixesAreThoseOfLlamaQuantize(string name, string change)
    {
        LlamaCpp llama = Peer.Llama;
        string folder = GgufFamilies.Write(_work["family"], name, $$"""{"hidden_size": 256, "intermediate_size": 256, {{change[1..]}}""");
        Assert.True(GgufMix.TryGet("F32", out GgufMix? single));
        GgufExport.Write(folder, _work["family.gguf"], single);
        using var model = Model.Open(_work["family.gguf"]);
        foreach (string kind in (string[])["Q2_K", "Q3_K_L", "Q4_K_M", "MXFP4_MOE"])
        {
            Assert.True(GgufMix.TryGet(kind, out GgufMix? mix));
            llama.Quantize(_work["family.gguf"], _work["theirs.gguf"], mix.FileType, 2);
            GgufExport.Write(model, _work["ours.gguf"], mix);
            using GgufFile theirs = GgufFile.Open(_work["theirs.gguf"]), ours = GgufFile.Open(_work["ours.gguf"]);
            Assert.Equal(Types(theirs), Types(ours));
            foreach (GgufTensor tensor in theirs.Tensors)
                Assert.True(theirs.Bytes(tensor.Name).SequenceEqual(ours.Bytes(tensor.Name)), $"{kind}: {tensor.Name}");
        }
    }

    private static IEnumerable<string> Types(GgufFile file) =>
        file.Tensors.Select(tensor => $"{tensor.Name} {tensor.Type}").Order(StringComparer.Ordinal);

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
}
