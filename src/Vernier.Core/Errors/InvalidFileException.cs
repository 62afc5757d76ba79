namespace Vernier.Errors;

/// <summary>A file, or a tensor in it, breaks a rule of its format.</summary>
public sealed class InvalidFileException : VernierException
{
    /// <summary>Creates the error.</summary>
    /// <param name="file">The path of the file as the user would recognise it.</param>
    /// <param name="rule">A short stable name of the broken rule, such as <c>header-too-large</c>.</param>
    /// <param name="problem">What is wrong, in one sentence without a full stop.</param>
    /// <param name="remedy">What the user can do, in one sentence without a full stop.</param>
    /// <param name="tensor">The tensor concerned, if any.</param>
    /// <param name="innerException">The cause, if any.</param>
    public InvalidFileException(
        string file, string rule, string problem, string remedy, string? tensor = null, Exception? innerException = null)
        : base(file, rule, problem, remedy, tensor, innerException)
    {
    }
}
