using Vernier.Errors;
using Vernier.Inference;
using Vernier.Inference.Models;
using Vernier.Inference.Passes;
using Vernier.Numerics;
using Vernier.Tests.References;

namespace Vernier.Tests.Edits;

/// <summary>Edits models by numbers, each the seed of all that is chosen, and says what became of them.</summary>
/// <param name="models">What is edited.</param>
internal sealed class EditRun(IReadOnlyList<EditedModel> models) : IDisposable
{
    private const int Length = 40;
    private const double Tolerance = 2e-4;

    private readonly TempFolder _folder = new();
    private readonly Workers _workers = new(1);

    /// <summary>Edits a model and holds what the product makes of it against the reference.</summary>
    /// <param name="seed">Chooses the model and the edits.</param>
    /// <returns>What became of it; or what is wrong.</returns>
    public (EditOutcome Outcome, string? Fault) Try(int seed)
    {
        var random = new Random(seed);
        EditedModel model = models[random.Next(models.Count)].Copy();
        string what = model.Name;
        for (int edits = 1 + random.Next(8) / 5 + random.Next(8) / 6; edits > 0; edits--)
            what += "; " + model.Change(random);
        string path = model.Write(_folder.Path);
        try
        {
            (EditOutcome outcome, string? fault) = Judge(path, [.. model.Unknown], model.Tokens);
            return (outcome, fault is null ? null : $"seed {seed}, {what}: {fault}");
        }
        catch (VernierException e)
        {
            string? fault = e.Rule.Length == 0 || e.File.Length == 0 || e.Remedy.Length == 0 ? $"seed {seed}, {what}: {e.Message}" : null;
            return (ReferenceModel.TryRead(path, out _, out _) ? EditOutcome.RefusedAlone : EditOutcome.Refused, fault);
        }
        catch (Exception e) when (e is not ReferenceRefusal)
        {
            return (EditOutcome.Refused, $"seed {seed}, {what}: {e}");
        }
    }

    /// <summary>Holds a model as it is against the reference.</summary>
    public (EditOutcome Outcome, string? Fault) TryPlain(EditedModel model) => Judge(model.Write(_folder.Path), [], null);

    public void Dispose()
    {
        _workers.Dispose();
        _folder.Dispose();
    }

    private (EditOutcome Outcome, string? Fault) Judge(string path, string[] unknown, int? tokens)
    {
        using var model = Model.Open(path);
        model.Check();
        LanguageModel network = LanguageModel.Load(model, workers: _workers);
        IReadOnlyList<string> named = network.Config.NotUnderstood;
        if (unknown.Except(named).FirstOrDefault() is string silent)
            return (default, $"{silent} was not named");
        if (!ReferenceModel.TryRead(path, out ReferenceModel? reference, out string? reason))
            return (default, $"it runs, and the reference says: {reason}");
        EditOutcome outcome = named.Count > 0 ? EditOutcome.NamedAndEqual : EditOutcome.Equal;
        if (reference.Spec.Vocabulary != network.Config.VocabularySize)
            return (outcome, "another vocabulary");
        if (tokens > reference.Spec.Vocabulary && HasTokenizer(model))
            return (outcome, $"its tokenizer has {tokens} ids");
        int[] text = [.. Enumerable.Range(0, Length).Select(i => (i * i + 3 * i + 1) % reference.Spec.Vocabulary)];
        double[] expected = [.. reference.Logits(text).SelectMany(row => row)];
        ReadOnlySpan<float> actual = network.CreateSession(_workers).Forward([new Segment(text)], LogitRows.All);
        HasTokenizer(model);
        double largest = expected.Max(Math.Abs), error = 0;
        for (int i = 0; i < expected.Length; i++)
            error = Math.Max(error, double.IsNaN(actual[i]) ? double.PositiveInfinity : Math.Abs(expected[i] - actual[i]));
        return (outcome, error <= Tolerance * largest ? null : $"its logits, up to {largest:G3}, are off by {error:G3}");
    }

    // One that can't be read is refused to whoever needs it.
    private static bool HasTokenizer(Model model)
    {
        try
        {
            return model.Tokenizer.VocabularySize > 0;
        }
        catch (VernierException)
        {
            return false;
        }
    }
}
