namespace Vernier.Errors;

/// <summary>A strict run has met a layer that can't be solved as its recipe says, where another run would round it to nearest and report
/// it.</summary>
public sealed class StrictRunException : VernierException
{
    /// <summary>Creates the error.</summary>
    /// <param name="file">The file that holds the layer.</param>
    /// <param name="reason">Why the layer can't be solved, in one sentence without a full stop.</param>
    /// <param name="tensor">The layer's weight.</param>
    public StrictRunException(string file, string reason, string tensor)
        : base(file, "strict-fallback", reason, "Go on without strictness, which rounds it to nearest, or leave the tensor as it is",
            tensor, null)
    {
    }
}
