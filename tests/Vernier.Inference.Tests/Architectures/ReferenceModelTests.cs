using Vernier.Files.Safetensors;
using Vernier.Inference;
using Vernier.Inference.Models;
using Vernier.Inference.Passes;

namespace Vernier.Tests;

/// <summary>
/// Tiny networks of every architecture that the Hugging Face library ran once: the same logits, the same continuations, with a state and
/// without. Each is read as the library writes it and, where the published checkpoints have other names, as those.
/// </summary>
public sealed class ReferenceModelTests
{
    private const float Tolerance = 2e-4f;

    private static readonly string[] s_published = ["", ".hub"];

    /// <summary>The folders; an entry without a folder where they are not on this machine.</summary>
    public static TheoryData<string, string> Models()
    {
        var data = new TheoryData<string, string>();
        foreach (string folder in ReferenceFolders.All.Where(folder => !ReferenceFolders.Exceptions.ContainsKey(folder)))
        {
            foreach (string published in s_published.Where(kind => ReferenceFolders.Has(folder, kind)))
                data.Add(folder, published);
        }
        if (data.Count == 0)
            data.Add("none", "");
        return data;
    }

    [Theory]
    [MemberData(nameof(Models))]
    public void AModelComputesWhatTheLibraryComputed(string folder, string published)
    {
        using var work = new TempFolder();
        ReferenceFolders.Copy(folder, published, work.Path);
        using SafetensorsFile reference = SafetensorsFile.Open(SharedData.Require($"models/tiny/{folder}/reference.safetensors"));
        using var model = Model.Open(work.Path);
        var session = LanguageModel.Load(model).CreateSession();

        foreach (string prompt in (string[])["", "_2"])
        {
            int[] ids = Ints(reference, "input_ids" + prompt);
            AssertClose(Floats(reference, "logits" + prompt), session.Forward([new Segment(ids)], LogitRows.All));
        }
        int[] greedy = Ints(reference, "greedy");
        float[] expected = Floats(reference, "greedy_logits");
        int[] next = Ints(reference, "input_ids");
        SequenceState state = session.CreateState(next.Length + greedy.Length);
        int vocabulary = session.Model.Config.VocabularySize;
        for (int i = 0; i < greedy.Length; i++)
        {
            ReadOnlySpan<float> logits = session.Forward([new Segment(next, state)], LogitRows.Last);
            AssertClose(expected.AsSpan(i * vocabulary, vocabulary), logits);
            next = [greedy[i]];
        }
    }

    private static void AssertClose(ReadOnlySpan<float> expected, ReadOnlySpan<float> actual)
    {
        Assert.Equal(expected.Length, actual.Length);
        float largest = 0, difference = 0;
        for (int i = 0; i < expected.Length; i++)
        {
            largest = Math.Max(largest, Math.Abs(expected[i]));
            difference = float.IsNaN(actual[i]) ? float.PositiveInfinity : Math.Max(difference, Math.Abs(expected[i] - actual[i]));
        }
        Assert.True(difference <= Tolerance * largest, $"logits differ by {difference / largest:g3} of the largest, {largest:g4}");
    }

    private static float[] Floats(SafetensorsFile file, string name)
    {
        var values = new float[file[name].Count];
        file.Read(name, 0, values);
        return values;
    }

    private static int[] Ints(SafetensorsFile file, string name) => Array.ConvertAll(Floats(file, name), value => (int)value);
}
