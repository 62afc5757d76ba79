using System.Text;

namespace Vernier.Errors;

/// <summary>
/// The house's own errors: the message names the file or model, the tensor where there is one, what is wrong and what the user can do about
/// it. Whatever a file
/// contains, the message is short and printable. A command can tell by <see cref="Rule"/> which of its options helps.
/// </summary>
public abstract class VernierException : Exception
{
    private const int LongestName = 200;
    private const int LongestProblem = 600;

    /// <summary>Creates the error.</summary>
    /// <param name="file">The path of the file or model as the user would recognise it.</param>
    /// <param name="rule">A short stable name of the broken rule, such as <c>header-too-large</c>.</param>
    /// <param name="problem">What is wrong, in one sentence without a full stop.</param>
    /// <param name="remedy">What the user can do, in one sentence without a full stop.</param>
    /// <param name="tensor">The tensor concerned, if any.</param>
    /// <param name="innerException">The cause, if any.</param>
    protected VernierException(string file, string rule, string problem, string remedy, string? tensor, Exception? innerException)
        : base($"{file}: {Subject(tensor)}{Printable(problem, LongestProblem)}. {remedy}.", innerException)
    {
        File = file;
        Rule = rule;
        Problem = problem;
        Remedy = remedy;
        Tensor = tensor;
    }

    /// <summary>The path of the file or model.</summary>
    public string File { get; }

    /// <summary>The stable name of the broken rule.</summary>
    public string Rule { get; }

    /// <summary>What is wrong.</summary>
    public string Problem { get; }

    /// <summary>What the user can do.</summary>
    public string Remedy { get; }

    /// <summary>The tensor concerned, or null.</summary>
    public string? Tensor { get; }

    private static string Subject(string? tensor) => tensor is null ? "" : $"tensor '{Printable(tensor, LongestName)}': ";

    /// <summary>
    /// The text with control characters replaced by U+FFFD and cut after <paramref name="longest"/> characters: names from
    /// a file can hold terminal escapes and be as long as the file.
    /// </summary>
    private static string Printable(string text, int longest)
    {
        var result = new StringBuilder(Math.Min(text.Length, longest) + 1);
        foreach (char c in text.AsSpan(0, Math.Min(text.Length, longest)))
            result.Append(char.IsControl(c) ? '\uFFFD' : c);
        return text.Length > longest ? result.Append('…').ToString() : result.ToString();
    }
}
