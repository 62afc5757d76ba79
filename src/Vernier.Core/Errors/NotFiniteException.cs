namespace Vernier.Errors;

/// <summary>A model predicts what is no finite number, so that it says nothing about a text.</summary>
public sealed class NotFiniteException : VernierException
{
    /// <summary>The rule.</summary>
    public const string Predictions = "predictions-not-finite";

    /// <summary>Creates the error.</summary>
    /// <param name="model">The model as the user would recognise it.</param>
    /// <param name="problem">What is wrong, in one sentence without a full stop.</param>
    public NotFiniteException(string model, string problem)
        : base(model, Predictions, problem, "Check its weights, and the model that it was made from", null, null)
    {
    }

    /// <summary>Which of several models it is, from 0; -1 for the reference.</summary>
    public int Number { get; init; }
}
