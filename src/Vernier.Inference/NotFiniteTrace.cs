using Vernier.Errors;
using Vernier.Inference.Parts;
using Vernier.Inference.Passes;
using Vernier.Numerics;

namespace Vernier.Inference;

/// <summary>Where the numbers of a model stop being finite: it runs again on the text, block by block.</summary>
public static class NotFiniteTrace
{
    /// <summary>The error of a model on a text on which its logits are not all finite.</summary>
    /// <param name="model">The model.</param>
    /// <param name="tokens">The text.</param>
    /// <param name="place">Which text it is, such as "in window 3".</param>
    /// <param name="number">Which of several models it is, from 0; -1 for the reference.</param>
    /// <param name="workers">Who computes; null, the default, for <see cref="Workers.Shared"/>.</param>
    public static NotFiniteException Explain(LanguageModel model, int[] tokens, string place, int number = 0, Workers? workers = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(tokens);
        (string stage, int token) = Find(model, tokens, workers) ?? ("behind the output layer", tokens.Length - 1);
        return new NotFiniteException(model.Config.Path,
            $"its predictions are not finite: {place}, token {token} (id {tokens[token]}), the "
            + $"first numbers that are not are those {stage}") { Number = number };
    }

    private static (string Stage, int Token)? Find(LanguageModel model, int[] tokens, Workers? workers)
    {
        int width = model.Config.HiddenSize;
        var hidden = new float[tokens.Length * width];
        for (int i = 0; i < tokens.Length; i++)
            model.Embedding.Lookup(tokens[i], hidden.AsSpan(i * width, width));
        if (Bad(hidden, width) is int embedded)
            return ("of the embedding", embedded);
        var context = new ForwardContext(model.Config, workers);
        context.Begin([new Segment(tokens)]);
        foreach (Block block in model.Blocks)
        {
            block.Forward(hidden, context);
            if (Bad(hidden, width) is int token)
                return ($"behind layer {block.Layer}", token);
        }
        var normed = new float[hidden.Length];
        for (int i = 0; i < tokens.Length; i++)
            model.FinalNorm.Apply(hidden.AsSpan(i * width, width), normed.AsSpan(i * width, width));
        return Bad(normed, width) is int last ? ("behind the last norm", last) : null;
    }

    private static int? Bad(ReadOnlySpan<float> rows, int width) =>
        rows.IndexOfAnyExceptInRange(float.MinValue, float.MaxValue) is int at and >= 0 ? at / width : null;
}
