using System.Text.Json;
using Vernier.Inference;
using Vernier.Inference.Models;
using Vernier.Inference.Passes;

namespace Vernier.Tests;

/// <summary>Trained networks of four architectures against what PyTorch computed of them: token ids, logits, continuations.</summary>
public class TrainedModelTests
{
    [Theory]
    [InlineData("quill-30m")]
    [InlineData("quill-moe")]
    [InlineData("quill-mamba2")]
    [InlineData("quill-mamba")]
    public void TheReferenceIsMet(string name)
    {
        using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(SharedData.Require($"models/{name}/reference.json")));
        JsonElement reference = document.RootElement;
        using var model = Model.Open(Path.GetDirectoryName(SharedData.Require($"models/{name}/config.json"))!);
        Assert.All(reference.GetProperty("tokenizer").EnumerateArray(), entry => Assert.Equal(
            Ints(entry.GetProperty("ids")), model.Tokenizer.Encode(entry.GetProperty("text").GetString()!, addSpecialTokens: false)));

        InferenceSession session = LanguageModel.Load(model).CreateSession();
        int[] chosen = Ints(reference.GetProperty("fixed_ids"));
        int vocabulary = session.Model.Config.VocabularySize;
        foreach (JsonElement prompt in reference.GetProperty("prompts").EnumerateArray())
        {
            int[] ids = Ints(prompt.GetProperty("input_ids"));
            float[] logits = [.. session.Forward([new Segment(ids)], LogitRows.All)];
            foreach (JsonElement row in prompt.GetProperty("logits").EnumerateArray())
            {
                float[] own = logits[(row.GetProperty("position").GetInt32() * vocabulary)..][..vocabulary];
                AssertNear(row.GetProperty("top_values"), Ints(row.GetProperty("top_ids")), own);
                AssertNear(row.GetProperty("fixed_values"), chosen, own);
            }
            Assert.Equal(Ints(prompt.GetProperty("greedy_continuation_ids")), Continue(session, ids, prompt));
        }
    }

    private static int[] Continue(InferenceSession session, int[] ids, JsonElement prompt)
    {
        var continuation = new List<int>();
        int count = prompt.GetProperty("greedy_continuation_ids").GetArrayLength();
        SequenceState state = session.CreateState(ids.Length + count);
        while (continuation.Count < count)
        {
            ReadOnlySpan<float> logits = session.Forward([new Segment(continuation.Count == 0 ? ids : [continuation[^1]], state)],
                LogitRows.Last);
            continuation.Add(logits.IndexOf(System.Numerics.Tensors.TensorPrimitives.Max(logits)));
        }
        return [.. continuation];
    }

    private static void AssertNear(JsonElement expected, int[] ids, float[] logits)
    {
        for (int i = 0; i < ids.Length; i++)
            Assert.Equal(expected[i].GetDouble(), logits[ids[i]], 2e-3);
    }

    private static int[] Ints(JsonElement list) => [.. list.EnumerateArray().Select(value => value.GetInt32())];
}
