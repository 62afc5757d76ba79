using Vernier.Errors;

namespace Vernier.Quantization.Evaluation;

/// <summary>A model predicts what is no finite number, so that there is no perplexity.</summary>
public sealed class EvaluationException : VernierException
{
    /// <summary>The rule.</summary>
    public const string NotFinite = "evaluation-not-finite";

    /// <summary>Creates the error.</summary>
    /// <param name="file">The model as the user would recognise it.</param>
    /// <param name="problem">What is wrong, in one sentence without a full stop.</param>
    /// <param name="model">Its number among those that were evaluated together; -1 for the reference.</param>
    public EvaluationException(string file, string problem, int model = 0)
        : base(file, NotFinite, problem, "Check its weights, and the model that it was made from", null, null) => Model = model;

    /// <summary>The number of the model among those that were evaluated together; -1 for the reference.</summary>
    public int Model { get; }
}
