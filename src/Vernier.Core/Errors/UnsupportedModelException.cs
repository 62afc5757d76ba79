namespace Vernier.Errors;

/// <summary>A sound model that can't be run, quantized or exported here: its architecture, or something that it uses, is not
/// known.</summary>
public sealed class UnsupportedModelException : VernierException
{
    /// <summary>Creates the error.</summary>
    /// <param name="model">The path of the model or of its config.json.</param>
    /// <param name="rule">A short stable name of what is not supported, such as <c>architecture</c>.</param>
    /// <param name="problem">What is not supported, in one sentence without a full stop.</param>
    /// <param name="remedy">What the user can do, in one sentence without a full stop.</param>
    /// <param name="tensor">The tensor concerned, if any.</param>
    public UnsupportedModelException(string model, string rule, string problem, string remedy, string? tensor = null)
        : base(model, rule, problem, remedy, tensor, null)
    {
    }
}
