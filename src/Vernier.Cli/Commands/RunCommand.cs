using System.CommandLine;
using System.Text;
using Vernier.Cli.Reports;
using Vernier.Cli.Terminal;
using Vernier.Files.Tokenizers;
using Vernier.Inference;
using Vernier.Inference.Models;
using Vernier.Inference.Passes;
using Vernier.Inference.Sampling;
using Vernier.Numerics;

namespace Vernier.Cli.Commands;

/// <summary>vernier run: continues a prompt, and prints the text as it is written.</summary>
internal sealed class RunCommand(CommandConsole console, CancellationToken cancellation)
{
    private const double DefaultTemperature = 0.8;

    private readonly Argument<string> _model = Choose.Model("The folder of a model, float or quantized, or a .gguf file.");
    private readonly Argument<string> _prompt = new("PROMPT") { Description = "The text to continue; - reads it from the standard input." };
    private readonly Option<int?> _maxTokens = Choose.Integer("--max-tokens", "The most tokens to write.", 0, int.MaxValue);
    private readonly Option<double?> _temperature =
        Choose.Number("--temperature", "T",
        $"Above 1 more varied, below 1 more likely text. [default: the model's, or {DefaultTemperature}]", 0, 100);
    private readonly Option<int?> _topK = Choose.Integer(
        "--top-k", "Draw from the N most probable tokens; 0 is all. [default: the model's, or all]", 0, int.MaxValue);
    private readonly Option<double?> _topP = Choose.Number(
        "--top-p", "P", "Draw from the fewest tokens that together have this probability. [default: the model's, or all]", 1e-9, 1);
    private readonly Option<double?> _minP = Choose.Number(
        "--min-p", "P", "Draw from tokens at least this probable in proportion to the most probable one. [default: the model's, or all]",
        0, 1);
    private readonly Option<ulong?> _seed = Choose.Seed("What the random numbers start from. [default: another one each time]");
    private readonly Option<bool> _greedy = Choose.Flag("--greedy", "Always take the most probable token.");
    private readonly Option<CachePrecision?> _cache = Choose.Cache();
    private readonly Option<int?> _threads = Choose.Threads();
    private readonly Option<bool> _json = Choose.Json();

    /// <summary>The command.</summary>
    public static Command Create(CommandConsole console, CancellationToken cancellation)
    {
        var run = new RunCommand(console, cancellation);
        run._maxTokens.DefaultValueFactory = _ => 256;
        var command = new Command("run", "Continue a prompt.")
        {
            run._model, run._prompt, run._maxTokens, run._temperature, run._topK, run._topP, run._minP, run._seed, run._greedy, run._cache,
                run._threads, run._json,
        };
        command.SetAction(run.Run);
        return command;
    }

    private int Run(ParseResult arguments)
    {
        string folder = arguments.GetValue(_model)!, prompt = arguments.GetValue(_prompt)!;
        bool json = arguments.GetValue(_json);
        using var opened = Model.Open(folder);
        GenerationDefaults defaults = GenerationDefaults.Load(folder, opened.Configuration.VocabularySize);
        SamplingOptions options = Options(arguments, defaults);
        foreach (string note in json ? [] : ModelNotes.Of(opened))
            console.Remark(note);
        if (defaults.NotDone.Count > 0 && !json)
            console.Remark($"generation_config.json asks for what is not done: {string.Join(", ", defaults.NotDone)}");
        using Workers workers = Threads.Of(arguments.GetValue(_threads));
        Tokenizer tokenizer = opened.Tokenizer;
        LanguageModel model = LanguageModel.Load(opened, workers: workers);
        InferenceSession session = model.CreateSession(workers, arguments.GetValue(_cache) ?? CachePrecision.Single);
        if (prompt == "-")
            prompt = console.Input.ReadToEnd();
        int[] ids = tokenizer.Encode(prompt, addSpecialTokens: true);
        if (ids.Length == 0)
            ids = (defaults.BeginToken ?? model.Config.BeginToken) is int begin ? [begin]
                : throw new UsageException("the prompt is empty, and the model has no token that begins a text. Give a prompt.");
        if (ids.Length > model.Config.MaxPositions)
            throw new UsageException(
                $"the prompt has {ids.Length} tokens, more than the model's context of {model.Config.MaxPositions}. Shorten it.");
        var text = new StringBuilder();
        RunTimes times = Generate(new Generator(session)
            .Generate(ids, options, arguments.GetValue(_maxTokens)!.Value, defaults.EndTokens.Count > 0 ? defaults.EndTokens
                : model.Config.EndTokens,
            cancellation), tokenizer.CreateStream(), piece =>
        {
            text.Append(piece);
            if (!json)
                console.Output.Write(piece);
        });
        var report = new RunReport(folder, prompt, text.ToString(), ids.Length, times.Tokens, options.Seed, times.Seconds,
            times.TokensPerSecond, ProcessMemory.PeakBytes);
        if (json)
        {
            JsonOutput.Write(console, report);
            return ErrorBoundary.Success;
        }
        console.Output.WriteLine();
        if (console.IsWatched)
            console.Remark(report.Summary);
        return ErrorBoundary.Success;
    }

    private RunTimes Generate(IEnumerable<int> tokens, StreamingDecoder decoder, Action<string> write)
    {
        long start = console.Time.GetTimestamp();
        TimeSpan first = TimeSpan.Zero;
        int count = 0;
        foreach (int token in tokens)
        {
            cancellation.ThrowIfCancellationRequested();
            if (count++ == 0)
                first = console.Time.GetElapsedTime(start);
            write(decoder.Add(token));
        }
        TimeSpan all = console.Time.GetElapsedTime(start);
        write(decoder.Finish());
        return new RunTimes(count, all.TotalSeconds, count > 1 ? (count - 1) / (all - first).TotalSeconds : double.NaN);
    }

    private SamplingOptions Options(ParseResult arguments, GenerationDefaults defaults)
    {
        bool greedy = arguments.GetValue(_greedy);
        if (greedy && arguments.GetValue(_temperature) is not null)
            throw new UsageException("--greedy and --temperature: say one of them.");
        return new SamplingOptions
        {
            Temperature = greedy ? 0 : arguments.GetValue(_temperature) ?? defaults.Temperature ?? DefaultTemperature,
            TopK = arguments.GetValue(_topK) ?? defaults.TopK ?? 0,
            TopP = arguments.GetValue(_topP) ?? (defaults.TopP is > 0 and double p ? p : 1),
            MinP = arguments.GetValue(_minP) ?? defaults.MinP ?? 0,
            Seed = arguments.GetValue(_seed) ?? (ulong)Random.Shared.Next(),
        };
    }

    private readonly record struct RunTimes(int Tokens, double Seconds, double TokensPerSecond);
}
