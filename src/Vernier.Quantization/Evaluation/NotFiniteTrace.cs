using Vernier.Inference;
using Vernier.Inference.Passes;
using Vernier.Numerics;

namespace Vernier.Quantization.Evaluation;

/// <summary>Where a model's numbers stop being finite: it runs again on one window, block by block.</summary>
internal static class NotFiniteTrace
{
    /// <summary>The error of a model on a window on which its logits are not all finite.</summary>
    /// <param name="model">The model.</param>
    /// <param name="number">Its number among those that are evaluated; -1 for the reference.</param>
    /// <param name="window">The window.</param>
    /// <param name="index">The number of the window.</param>
    /// <param name="position">The first position whose prediction is not finite.</param>
    /// <param name="workers">Who computes.</param>
    public static EvaluationException Explain(LanguageModel model, int number, EvaluationWindow window, int index, int position,
        Workers workers)
    {
        (string place, int token) = Find(model, window.Inputs, workers) ?? ("behind the output layer", position);
        return new EvaluationException(model.Config.Path,
            $"its predictions are not finite: in window {index}, token {token} (id {window.Inputs[token]}), the first numbers that are not "
            + $"are those {place}", number);
    }

    private static (string Place, int Token)? Find(LanguageModel model, int[] tokens, Workers workers)
    {
        int width = model.Config.HiddenSize;
        var hidden = new float[tokens.Length * width];
        for (int i = 0; i < tokens.Length; i++)
            model.Embedding.Lookup(tokens[i], hidden.AsSpan(i * width, width));
        if (Bad(hidden, width) is int embedded)
            return ("of the embedding", embedded);
        var context = new ForwardContext(model.Config, workers);
        context.Begin([new Segment(tokens)]);
        foreach (Inference.Parts.Block block in model.Blocks)
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
