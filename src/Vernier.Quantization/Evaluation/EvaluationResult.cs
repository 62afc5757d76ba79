namespace Vernier.Quantization.Evaluation;

/// <summary>A mean with its standard error.</summary>
/// <param name="Mean">The mean.</param>
/// <param name="StandardError">
/// Its standard error, from the spread of the windows' means: tokens of a window depend on each other, windows hardly do. NaN with fewer
/// than two windows.
/// </param>
public readonly record struct Estimate(double Mean, double StandardError);

/// <summary>What a model predicts on a text, and how close that is to a reference model.</summary>
/// <param name="Windows">The number of windows.</param>
/// <param name="Tokens">The number of predicted tokens.</param>
/// <param name="NegativeLogLikelihood">The mean of -ln p(token), in nats.</param>
/// <param name="ReferenceNegativeLogLikelihood">The same of the reference model, if there is one.</param>
/// <param name="KlDivergence">The mean of KL(reference || model), in nats, if there is a reference.</param>
/// <param name="Top1Agreement">The part of positions at which both models find the same token most likely, if there is a reference.</param>
public sealed record EvaluationResult(
    int Windows, long Tokens, Estimate NegativeLogLikelihood, Estimate? ReferenceNegativeLogLikelihood, Estimate? KlDivergence,
        Estimate? Top1Agreement)
{
    /// <summary>exp of the mean negative log-likelihood; its error by the delta method.</summary>
    public Estimate Perplexity => PerplexityOf(NegativeLogLikelihood);

    /// <summary>The reference model's perplexity, if there is one.</summary>
    public Estimate? ReferencePerplexity => ReferenceNegativeLogLikelihood is Estimate nll ? PerplexityOf(nll) : null;

    private static Estimate PerplexityOf(Estimate nll) => new(Math.Exp(nll.Mean), Math.Exp(nll.Mean) * nll.StandardError);
}
