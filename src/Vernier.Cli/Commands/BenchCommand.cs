using System.CommandLine;
using Vernier.Cli.Reports;
using Vernier.Cli.Terminal;
using Vernier.Inference;
using Vernier.Inference.Models;
using Vernier.Inference.Passes;
using Vernier.Numerics;

namespace Vernier.Cli.Commands;

/// <summary>vernier bench: how fast a model runs on this machine.</summary>
internal sealed class BenchCommand(CommandConsole console, CancellationToken cancellation)
{
    private readonly Argument<string> _model = Choose.Model("The folder of a model, float or quantized, or a .gguf file.");
    private readonly Option<int?> _prompt = Choose.Integer("--prompt", "Tokens of the prompt. [default: 256, or the model's context if that is less]", 1, 1 << 20);
    private readonly Option<int?> _generate = Choose.Integer("--generate", "Tokens to generate. [default: 64]", 1, 1 << 20);
    private readonly Option<int?> _repeats = Choose.Integer("--repeats", "How often each is measured; the median counts. [default: 5]", 1, 1000);
    private readonly Option<CachePrecision?> _cache = Choose.Cache();
    private readonly Option<int?> _threads = Choose.Threads();
    private readonly Option<bool> _json = Choose.Json();

    /// <summary>The command.</summary>
    public static Command Create(CommandConsole console, CancellationToken cancellation)
    {
        var bench = new BenchCommand(console, cancellation);
        var command = new Command("bench", "Measure how fast a model runs on this machine.") { bench._model };
        foreach (Option option in new Option[] { bench._prompt, bench._generate, bench._repeats, bench._cache, bench._threads, bench._json })
            command.Options.Add(option);
        command.SetAction(bench.Run);
        return command;
    }

    private int Run(ParseResult arguments)
    {
        string folder = arguments.GetValue(_model)!;
        long start = console.Time.GetTimestamp();
        using ModelFiles files = ModelFiles.Open(folder);
        int context = files.Model.Configuration.MaxPositions, generate = arguments.GetValue(_generate) ?? 64;
        int prompt = arguments.GetValue(_prompt) ?? Math.Min(256, context);
        if (Math.Max(prompt, 1 + generate) > context)
            throw new UsageException($"--prompt, --generate: the model's context is {context} tokens. Ask for fewer.");
        bool json = arguments.GetValue(_json);
        BenchReport report = new ProgressDisplay(console, silent: json).Run(progress => Measure(files, start, prompt, generate, arguments, progress));
        if (json)
            JsonOutput.Write(console, report);
        else
            report.WriteTo(console.Output);
        return ErrorBoundary.Success;
    }

    private BenchReport Measure(ModelFiles files, long start, int prompt, int generate, ParseResult arguments, ProgressReport progress)
    {
        int repeats = arguments.GetValue(_repeats) ?? 5;
        progress("loading", 0);
        using Workers workers = Threads.Of(arguments.GetValue(_threads));
        LanguageModel model = LanguageModel.Load(files.Model, workers: workers);
        // What is mapped would count as memory of the model at work.
        files.Dispose();
        var speed = new SpeedMeasurement(model.CreateSession(workers, arguments.GetValue(_cache) ?? CachePrecision.Single));
        speed.Prompt(1);
        double first = console.Time.GetElapsedTime(start).TotalSeconds;
        long peak = ProcessMemory.PeakBytes;
        progress("measuring the memory", 0);
        double memory = Enumerable.Range(0, repeats).Max(_ => SpeedMeasurement.MemoryBytesPerSecond(workers));
        var prompts = new double[repeats];
        var generations = new double[repeats];
        for (int i = -1; i < repeats; i++)
        {
            cancellation.ThrowIfCancellationRequested();
            progress("measuring the model", (i + 1.0) / (repeats + 1));
            double promptSeconds = speed.Prompt(prompt), generateSeconds = speed.Generate(context: 1, generate);
            // The first round only warms up.
            if (i >= 0)
                (prompts[i], generations[i]) = (prompt / promptSeconds, generate / generateSeconds);
        }
        double tokensPerSecond = Median(generations);
        return new BenchReport(files.Model.Path, files.Packed?.Recipe, files.Bytes, files.BitsPerWeight, prompt, generate, Median(prompts), tokensPerSecond,
            tokensPerSecond * speed.WeightBytes / 1e9, memory / 1e9, first, peak, workers.Threads);
    }

    private static double Median(double[] values)
    {
        double[] sorted = [.. values.Order()];
        return (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }
}
