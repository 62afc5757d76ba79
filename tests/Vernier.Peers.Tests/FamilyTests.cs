using System.Globalization;
using Vernier.Bench;
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
    /// The most that logits may differ, as a part of their root mean square. llama.cpp looks the Gaussian error linear unit up in a table of
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
        double worst = 0;
        foreach (int length in (int[])[7, 24])
        {
            session.Clear();
            session.Decode(tokens[..length]);
            worst = Math.Max(worst, Distance(model.CreateSession().Forward([new Segment(tokens.AsMemory(0, length))], LogitRows.Last),
                session.Logits(GgufFamilies.Vocabulary)));
        }
        TestContext.Current.TestOutputHelper?.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{name}: {worst:G3}"));
        Assert.InRange(worst, 0, Tolerance);
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
}
