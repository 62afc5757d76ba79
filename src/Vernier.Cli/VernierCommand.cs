using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using System.Reflection;
using Vernier.Cli.Commands;
using Vernier.Cli.Terminal;

namespace Vernier.Cli;

/// <summary>The command line of vernier.</summary>
internal static class VernierCommand
{
    private static string Version =>
        typeof(VernierCommand).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion.Split('+')[0];

    /// <summary>Runs a command.</summary>
    /// <param name="arguments">The arguments, without the name of the program.</param>
    /// <param name="console">What it reads and writes.</param>
    /// <param name="cancellation">Stops the work; what is half written is removed.</param>
    /// <returns>The exit status: 0, 1 (the work failed) or 2 (the command is wrong).</returns>
    public static int Run(IReadOnlyList<string> arguments, CommandConsole console, CancellationToken cancellation)
    {
        if (arguments.Count == 0)
        {
            Run(["--help"], console, cancellation);
            return ErrorBoundary.Usage;
        }
        ParseResult parsed = Create(console, cancellation).Parse(arguments, new ParserConfiguration { ResponseFileTokenReplacer = null });
        if (parsed.Errors.Count > 0)
        {
            foreach (string message in parsed.Errors.Select(error => error.Message).Distinct(StringComparer.Ordinal))
                console.Fail(message);
            Command command = parsed.CommandResult.Command;
            console.Remark($"'{(command.Name == "vernier" ? "" : "vernier ")}{command.Name} --help' says what there is.");
            return ErrorBoundary.Usage;
        }
        var configuration = new InvocationConfiguration {
            Output = console.Output, Error = console.Error.Profile.Out.Writer, EnableDefaultExceptionHandler = false,
            ProcessTerminationTimeout = null };
        return ErrorBoundary.Run(console, () => parsed.Invoke(configuration));
    }

    private static Command Create(CommandConsole console, CancellationToken cancellation)
    {
        var version = new Option<bool>("--version") { Description = "Show the version.", Action = new Print($"vernier {Version}") };
        var help = new HelpOption("--help", "-h") { Description = "Show what a command does and how." };
        help.Action = new HelpWithExamples((HelpAction)help.Action!);
        var root = new Command("vernier", "Makes trained networks smaller after training, and says how close the result is.")
        {
            QuantizeCommand.Create(console, cancellation),
            EvalCommand.Create(console, cancellation),
            CompareCommand.Create(console, cancellation),
            RunCommand.Create(console, cancellation),
            ExportCommand.Create(console, cancellation),
            BenchCommand.Create(console, cancellation),
            InspectCommand.Create(console, cancellation),
            RecipesCommand.Create(console),
            version,
            help,
        };
        return root;
    }

    private sealed class Print(string line) : SynchronousCommandLineAction
    {
        public override bool ClearsParseErrors => true;

        public override int Invoke(ParseResult parseResult)
        {
            parseResult.InvocationConfiguration.Output.WriteLine(line);
            return ErrorBoundary.Success;
        }
    }

    private sealed class HelpWithExamples(HelpAction help) : SynchronousCommandLineAction
    {
        public override bool ClearsParseErrors => true;

        public override int Invoke(ParseResult parseResult)
        {
            help.MaxWidth = 110;
            help.Invoke(parseResult);
            TextWriter output = parseResult.InvocationConfiguration.Output;
            output.WriteLine("Examples:");
            foreach (string example in Examples.Of(parseResult.CommandResult.Command.Name))
                output.WriteLine("  " + example);
            return ErrorBoundary.Success;
        }
    }
}
