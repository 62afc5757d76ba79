using Vernier.Inference;
using Vernier.Inference.Sampling;
using Vernier.Numerics;

namespace Vernier.Quantization.Evaluation;

/// <summary>A piece of text to evaluate on: after each input token the model is asked for the target token.</summary>
/// <param name="Inputs">The tokens fed to the model, from position 0.</param>
/// <param name="Targets">The token that follows each input.</param>
/// <param name="FirstScored">The first position whose prediction counts; the ones before are context alone.</param>
public sealed record EvaluationWindow(int[] Inputs, int[] Targets, int FirstScored)
{
    /// <summary>The number of predictions that count.</summary>
    public int Scored => Targets.Length - FirstScored;
}

/// <summary>Cuts text into windows.</summary>
public static class EvaluationWindows
{
    /// <summary>
    /// Windows of <paramref name="length"/> tokens, each <paramref name="stride"/> tokens after the one before; an incomplete last one is
    /// dropped. Where the model has a begin-of-text token, a window is fed as that token followed by all its tokens but the last, and all
    /// of
    /// them are predicted; otherwise its first token is context. Of overlapping windows each token counts once, in the first window that
    /// holds it.
    /// </summary>
    /// <param name="tokens">The text.</param>
    /// <param name="length">At least 2.</param>
    /// <param name="stride">1 to <paramref name="length"/>; equal to it, the windows are consecutive.</param>
    /// <param name="begin">The model's begin-of-text token, if it has one.</param>
    /// <param name="limit">The largest number of windows.</param>
    public static IReadOnlyList<EvaluationWindow> Cut(ReadOnlySpan<int> tokens, int length, int stride, int? begin, int limit = int.MaxValue)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(length, 2);
        ArgumentOutOfRangeException.ThrowIfLessThan(stride, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(stride, length);
        var windows = new List<EvaluationWindow>();
        for (int first = 0; first + length <= tokens.Length && windows.Count < limit; first += stride)
        {
            int[] targets = tokens.Slice(first, length).ToArray();
            int[] inputs = begin is int token ? [token, .. targets[..^1]] : targets[..^1];
            if (begin is null)
                targets = targets[1..];
            windows.Add(new EvaluationWindow(inputs, targets, first == 0 ? 0 : targets.Length - stride + (begin is null && stride == length ? 1 : 0)));
        }
        return windows;
    }

    /// <summary>Windows of a text that the model wrote itself: of each sequence the first token is context.</summary>
    /// <param name="model">The model.</param>
    /// <param name="count">The number of sequences.</param>
    /// <param name="length">The tokens of a sequence, at least 2.</param>
    /// <param name="seed">The seed.</param>
    /// <param name="workers">Who computes; null, the default, for all processors.</param>
    /// <param name="cancellation">Stops between two tokens.</param>
    /// <exception cref="OperationCanceledException">The writing was cancelled.</exception>
    public static IReadOnlyList<EvaluationWindow> WrittenBy(
        LanguageModel model, int count, int length, ulong seed, Workers? workers = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentOutOfRangeException.ThrowIfLessThan(length, 2);
        int first = model.Config.BeginToken ?? (model.Config.EndTokens is [int end, ..] ? end : 0);
        int[][] texts = new Generator(model.CreateSession(workers)).Sample(count, length, new SamplingOptions { Temperature = 1, Seed = seed }, firstToken: first, cancellation: cancellation);
        return [.. texts.Select(text => new EvaluationWindow(text[..^1], text[1..], 0))];
    }
}
