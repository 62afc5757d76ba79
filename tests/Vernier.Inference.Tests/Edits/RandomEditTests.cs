using System.Collections.Concurrent;
using System.Globalization;
using Vernier.Inference.Gguf;
using Vernier.Inference.Models;

namespace Vernier.Tests.Edits;

/// <summary>
/// Random edits of valid models: each is refused by a rule, or computes exactly what an independent reference computes of the same files,
/// with everything named that is not understood.
/// </summary>
public class RandomEditTests(ITestOutputHelper output)
{
    private const int Usual = 1200, Lanes = 2;

    private static readonly Lazy<EditedModel[]> s_models = new(Models);

    /// <summary>VERNIER_EDITS chooses how many there are, VERNIER_EDITS_FROM the first.</summary>
    [Fact]
    public void Nothing_is_computed_otherwise_than_the_files_say()
    {
        int count = Setting("VERNIER_EDITS", Usual), first = Setting("VERNIER_EDITS_FROM", 0);
        var outcomes = new ConcurrentDictionary<EditOutcome, int>();
        var faults = new ConcurrentQueue<string>();
        Parallel.For(0, Lanes, new ParallelOptions { MaxDegreeOfParallelism = Lanes }, lane =>
        {
            using var run = new EditRun(s_models.Value);
            for (int seed = first + lane; seed < first + count; seed += Lanes)
            {
                (EditOutcome outcome, string? fault) = run.Try(seed);
                outcomes.AddOrUpdate(outcome, 1, (_, before) => before + 1);
                if (fault is not null)
                    faults.Enqueue(fault);
            }
        });
        string summary = string.Join(", ", outcomes.OrderBy(pair => pair.Key).Select(pair => $"{pair.Key} {pair.Value}"));
        output.WriteLine($"{count} edits: {summary}");
        Assert.True(faults.IsEmpty, $"{faults.Count} of {count} ({summary}):\n" + string.Join("\n", faults.Take(60)));
        if (count >= Usual)
            Assert.All(Enum.GetValues<EditOutcome>(), outcome => Assert.True(outcomes.GetValueOrDefault(outcome) > count / 200, summary));
    }

    /// <summary>What was not edited is computed as the reference does.</summary>
    [Fact]
    public void The_models_themselves_are_computed()
    {
        using var folder = new TempFolder();
        using var run = new EditRun(s_models.Value);
        foreach (EditedModel model in s_models.Value)
            Assert.Equal((EditOutcome.Equal, null), run.TryPlain(model));
    }

    private static EditedModel[] Models()
    {
        // A window that the text of the edits does not reach says nothing.
        TinySpec[] specs = [.. TinySpecs.All.Where(spec => spec.Name != "mistral window over chunks")];
        using var work = new TempFolder();
        List<EditedModel> models = [.. specs.Select(spec => EditedFolder.Of(spec)), EditedFolder.Of(TinySpecs.Llama, split: true),
            EditedFolder.InEightBits(TinySpecs.Llama)];
        foreach ((TinySpec spec, int number) in specs.Select((spec, number) => (spec, number)))
        {
            string folder = TinyModel.Write(work[$"{number}"], spec, seed: 6);
            TinyTokenizer.Write(folder, spec.Vocabulary);
            if (number == 0)
                models.Add(EditedFolder.Of(spec, File.ReadAllText(Path.Combine(folder, "tokenizer.json"))));
            GgufExport.Write(folder, work["model.gguf"], GgufMix.All.Single(mix => mix.Name == (number % 2 == 0 ? "F32" : "F16")));
            var model = EditedGguf.Of(spec.Name + " as GGUF", File.ReadAllBytes(work["model.gguf"]));
            models.Add(model);
            // Others have no place for a window or another nonlinearity.
            if (spec.Type is not ("mistral" or "qwen2") && !spec.Gelu)
                models.Add(model.Foreign());
        }
        return [.. models];
    }

    private static int Setting(string name, int usual) =>
        int.TryParse(Environment.GetEnvironmentVariable(name), NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number
            : usual;
}
