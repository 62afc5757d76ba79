using System.Numerics.Tensors;
using Vernier.Memory;

namespace Vernier.Quantization.Evaluation;

/// <summary>How a model predicts one token.</summary>
/// <param name="NegativeLogLikelihood">-ln p(token).</param>
/// <param name="ReferenceNegativeLogLikelihood">The same of the reference; 0 without one.</param>
/// <param name="KlDivergence">KL(reference || model); 0 without a reference.</param>
/// <param name="SameTop">1 if both find the same token most likely, else 0.</param>
public readonly record struct TokenScore(
    double NegativeLogLikelihood, double ReferenceNegativeLogLikelihood, double KlDivergence, double SameTop)
{
    /// <summary>Whether all of it is a finite number.</summary>
    internal bool IsFinite => double.IsFinite(NegativeLogLikelihood + ReferenceNegativeLogLikelihood + KlDivergence);

    /// <summary>Scores a prediction.</summary>
    /// <param name="logits">The model's logits.</param>
    /// <param name="reference">The reference's logits, or empty.</param>
    /// <param name="target">The token that follows.</param>
    public static TokenScore Of(ReadOnlySpan<float> logits, ReadOnlySpan<float> reference, int target)
    {
        using var buffer = new PooledArray<float>(logits.Length);
        double logSum = LogSumExp(logits, buffer.Span);
        double nll = logSum - logits[target];
        if (reference.IsEmpty)
            return new TokenScore(nll, 0, 0, 0);
        double referenceLogSum = LogSumExp(reference, buffer.Span);
        // The buffer holds exp(r - max r) of the reference. KL = sum p (ln p - ln q), the log-sums taken out of the sum.
        Span<float> weights = buffer.Span;
        double kl = 0, total = 0;
        for (int i = 0; i < weights.Length; i++)
        {
            kl += weights[i] * ((double)reference[i] - logits[i]);
            total += weights[i];
        }
        kl = Math.Max(0, kl / total + logSum - referenceLogSum);
        bool same = TensorPrimitives.IndexOfMax(logits) == TensorPrimitives.IndexOfMax(reference);
        return new TokenScore(nll, referenceLogSum - reference[target], kl, same ? 1 : 0);
    }

    /// <summary>ln sum exp(x), and exp(x - max x) in <paramref name="exponentials"/>.</summary>
    private static double LogSumExp(ReadOnlySpan<float> x, Span<float> exponentials)
    {
        float largest = TensorPrimitives.Max(x);
        TensorPrimitives.Subtract(x, largest, exponentials);
        TensorPrimitives.Exp<float>(exponentials, exponentials);
        double sum = 0;
        foreach (float value in exponentials)
            sum += value;
        return largest + Math.Log(sum);
    }
}
