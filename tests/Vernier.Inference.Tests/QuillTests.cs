using System.Numerics.Tensors;
using System.Text.Json;
using Vernier.Inference;
using Vernier.Inference.Passes;

namespace Vernier.Tests;

/// <summary>The sample model against figures of an independent implementation.</summary>
public class QuillTests
{
    private static readonly LanguageModel Model = LanguageModel.Load(SharedData.Quill);
    private static readonly JsonElement Reference = ReadReference();

    [Fact]
    public void LogitsAgreeWithTheReference()
    {
        int[] prompt = Ids(Reference.GetProperty("logits").GetProperty("input_ids"));
        float[] expected = [.. Reference.GetProperty("logits").GetProperty("last_position").EnumerateArray().Select(x => x.GetSingle())];
        InferenceSession session = Model.CreateSession();
        ReadOnlySpan<float> logits = session.Forward([new Segment(prompt)], LogitRows.Last);
        Assert.Equal(expected.Length, logits.Length);
        for (int i = 0; i < expected.Length; i++)
            Assert.Equal(expected[i], logits[i], 2e-3);
    }

    [Fact]
    public void GreedyDecodingContinuesAsTheReferenceDoes()
    {
        int[] expected = Ids(Reference.GetProperty("greedy_continuation_ids"));
        InferenceSession session = Model.CreateSession();
        SequenceState state = session.CreateState();
        int[] tokens = Ids(Reference.GetProperty("logits").GetProperty("input_ids"));
        foreach (int next in expected)
        {
            int best = TensorPrimitives.IndexOfMax(session.Forward([new Segment(tokens, state)], LogitRows.Last));
            Assert.Equal(next, best);
            tokens = [best];
        }
    }

    private static int[] Ids(JsonElement array) => [.. array.EnumerateArray().Select(x => x.GetInt32())];

    private static JsonElement ReadReference()
    {
        using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(SharedData.Quill, "reference.json")));
        return document.RootElement.Clone();
    }
}
