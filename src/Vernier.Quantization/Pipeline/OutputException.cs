using Vernier.Errors;

namespace Vernier.Quantization.Pipeline;

/// <summary>An output can't be written because something is in its place: a finished model, an unfinished run, or a run at work. Nothing
/// was changed.</summary>
public sealed class OutputException : VernierException
{
    /// <summary>The rule of an output that exists and may not be replaced.</summary>
    public const string Exists = "output-exists";

    /// <summary>The rule of an output that is to be a folder and is a file, or the reverse.</summary>
    public const string Kind = "output-kind";

    /// <summary>The rule of an output beside which an unfinished run lies that is neither continued nor forgotten.</summary>
    public const string Unfinished = "output-unfinished";

    /// <summary>The rule of an output into which another run is writing.</summary>
    public const string InUse = "output-in-use";

    /// <summary>Creates the error.</summary>
    /// <param name="path">The output, or what lies beside it.</param>
    /// <param name="rule">The rule.</param>
    /// <param name="problem">What is wrong, in one sentence without a full stop.</param>
    /// <param name="remedy">What the user can do, in one sentence without a full stop.</param>
    /// <param name="innerException">The cause, if any.</param>
    public OutputException(string path, string rule, string problem, string remedy, Exception? innerException = null)
        : base(path, rule, problem, remedy, null, innerException)
    {
    }
}
