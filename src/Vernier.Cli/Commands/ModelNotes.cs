using Vernier.Errors;
using Vernier.Inference.Configuration;
using Vernier.Inference.Models;

namespace Vernier.Cli.Commands;

/// <summary>What is said of a model before work: that its files have what nothing is known of.</summary>
internal static class ModelNotes
{
    /// <summary>The notes, each a line; none where all is known.</summary>
    public static IEnumerable<string> Of(Model model)
    {
        if (model.TryGetConfiguration(out ModelConfig? config) && config.NotUnderstood.Count > 0)
            yield return (model.Kind == ModelKind.Gguf ? "the metadata have keys" : "config.json has members")
                + " that nothing is known of: " + string.Join(", ", config.NotUnderstood);
        if (OfTokenizer(model) is { Count: > 0 } members)
            yield return $"tokenizer_config.json has members that nothing is known of: {string.Join(", ", members)}";
    }

    // Whoever needs a tokenizer says what is wrong with it.
    private static IReadOnlyList<string> OfTokenizer(Model model)
    {
        try
        {
            return model.Tokenizer.NotUnderstood;
        }
        catch (VernierException)
        {
            return [];
        }
    }
}
