using Vernier.Errors;
using Vernier.Files;

namespace Vernier.Cli.Terminal;

/// <summary>Turns what a command throws into one line on the standard error and an exit status.</summary>
internal static class ErrorBoundary
{
    /// <summary>The work is done.</summary>
    public const int Success = 0;

    /// <summary>The work failed.</summary>
    public const int Failure = 1;

    /// <summary>The command is wrong.</summary>
    public const int Usage = 2;

    /// <summary>Runs a command.</summary>
    public static int Run(CommandConsole console, Func<int> command)
    {
        try
        {
            return command();
        }
#pragma warning disable CA1031 // Nobody is above this who could handle it, and a user gets no stack trace.
        catch (Exception e)
#pragma warning restore CA1031
        {
            (int status, string message) = Describe(e);
            console.Fail(message);
            return status;
        }
    }

    private static (int Status, string Message) Describe(Exception e) => e switch
    {
        AggregateException { InnerExceptions: [Exception inner, ..] } => Describe(inner),
        UsageException => (Usage, e.Message),
        VernierException error => (Failure, Hints.Explain(error)),
        _ when OutputFile.Failure("the output", e) is IOException full => (Failure, full.Message),
        ArgumentException argument => (Failure, WithoutParameter(argument)),
        OperationCanceledException => (Failure, "cancelled"),
        OutOfMemoryException => (Failure, "the memory of this machine is not enough. Close other programs, or take a smaller model."),
        IOException or UnauthorizedAccessException => (Failure, e.Message),
        _ => (Failure, $"{e.GetType().Name}: {e.Message} This is a fault of vernier; please report it with the command."),
    };

    // .NET appends the parameter's name, which means nothing to a user.
    private static string WithoutParameter(ArgumentException e) =>
        e.ParamName is null ? e.Message : e.Message.Replace($" (Parameter '{e.ParamName}')", "", StringComparison.Ordinal);
}
