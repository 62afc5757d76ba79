using System.Text.Json;
using Spectre.Console;
using Vernier.Cli;
using Vernier.Cli.Terminal;

namespace Vernier.Tests;

/// <summary>A command run in this process, and all that it printed.</summary>
internal sealed record CommandRun(int Status, string Output, string Error)
{
    /// <summary>Runs a command.</summary>
    public static CommandRun Of(params string[] arguments) => Run("", arguments, default);

    /// <summary>Runs a command with a standard input.</summary>
    public static CommandRun Reading(string input, params string[] arguments) => Run(input, arguments, default);

    /// <summary>Runs a command that is interrupted as soon as it begins its work.</summary>
    public static CommandRun Interrupted(params string[] arguments) => Run("", arguments, new CancellationToken(canceled: true));

    /// <summary>Runs a command that is interrupted once something is so.</summary>
    public static CommandRun InterruptedOnce(Func<bool> condition, params string[] arguments)
    {
        using var cancellation = new CancellationTokenSource();
        using var ended = new ManualResetEventSlim();
        // A thread of its own: those of the pool are at work.
        var watch = new Thread(() =>
        {
            while (!ended.Wait(1) && !condition())
            {
            }
            cancellation.Cancel();
        });
        watch.Start();
        try
        {
            return Run("", arguments, cancellation.Token);
        }
        finally
        {
            ended.Set();
            watch.Join();
        }
    }

    /// <summary>Runs a command that has to succeed.</summary>
    public static CommandRun Succeeding(params string[] arguments)
    {
        CommandRun run = Of(arguments);
        Assert.True(run.Status == 0, run.Error);
        return run;
    }

    /// <summary>Runs a command with --json that has to succeed, and parses what it printed.</summary>
    public static JsonElement Json(params string[] arguments)
    {
        CommandRun run = Succeeding([.. arguments, "--json"]);
        Assert.Empty(run.Error);
        using JsonDocument document = JsonDocument.Parse(run.Output);
        return document.RootElement.Clone();
    }

    private static CommandRun Run(string input, string[] arguments, CancellationToken cancellation)
    {
        using var output = new StringWriter { NewLine = "\n" };
        using var error = new StringWriter { NewLine = "\n" };
        IAnsiConsole console = AnsiConsole.Create(
            new AnsiConsoleSettings { Ansi = AnsiSupport.No, ColorSystem = ColorSystemSupport.NoColors, Interactive = InteractionSupport.No,
            Out = new AnsiConsoleOutput(error) });
        int status = VernierCommand.Run(arguments, new CommandConsole(new StringReader(input), output, console), cancellation);
        return new CommandRun(status, output.ToString(), error.ToString());
    }
}
