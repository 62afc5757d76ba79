using Spectre.Console;

namespace Vernier.Cli.Terminal;

/// <summary>What a command reads and writes. It is injected, so that a test sees everything that is printed.</summary>
/// <param name="input">The standard input.</param>
/// <param name="output">The standard output: results.</param>
/// <param name="error">The standard error: progress, remarks and errors.</param>
internal sealed class CommandConsole(TextReader input, TextWriter output, IAnsiConsole error)
{
    /// <summary>The standard input.</summary>
    public TextReader Input => input;

    /// <summary>The standard output.</summary>
    public TextWriter Output => output;

    /// <summary>The standard error.</summary>
    public IAnsiConsole Error => error;

    /// <summary>The clock.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Whether a person watches: the standard error is a terminal that understands escape sequences.</summary>
    public bool IsWatched => error.Profile.Out.IsTerminal && error.Profile.Capabilities.Ansi;

    /// <summary>The streams of this process.</summary>
    public static CommandConsole OfProcess() => new(Console.In, Console.Out, AnsiConsole.Create(new AnsiConsoleSettings
    {
        Out = new AnsiConsoleOutput(Console.Error),
        Ansi = Console.IsErrorRedirected ? AnsiSupport.No : AnsiSupport.Detect,
    }));

    /// <summary>Writes a line to the standard error as it is; Spectre would break it at the width of the terminal.</summary>
    public void Remark(string line) => error.Profile.Out.Writer.WriteLine(line);

    /// <summary>Writes <c>error: message</c> to the standard error.</summary>
    public void Fail(string message)
    {
        error.Write(new Text("error:", new Style(Color.Red)));
        Remark(" " + message);
    }
}
