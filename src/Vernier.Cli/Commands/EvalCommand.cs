using System.CommandLine;
using Vernier.Cli.Reports;
using Vernier.Cli.Terminal;
using Vernier.Errors;
using Vernier.Inference;
using Vernier.Inference.Models;
using Vernier.Inference.Weights;
using Vernier.Numerics;
using Vernier.Quantization.Evaluation;

namespace Vernier.Cli.Commands;

/// <summary>vernier eval: perplexity; against a reference also KL divergence and top-1 agreement.</summary>
internal sealed class EvalCommand(CommandConsole console, CancellationToken cancellation)
{
    private readonly Argument<string> _model = Choose.Model("The folder of a model, float or quantized, or a .gguf file.");
    private readonly Option<string?> _against = Choose.Text("--against", "REFERENCE", "The model to compare with: the original.");
    private readonly TextArguments _text = new(textWindows: null);
    private readonly Option<int?> _stride = Choose.Integer(
        "--stride", "Tokens from one window of --text to the next; less than the window, each token has more context. [default: the "
        + "window]", 1, 1 << 20);
    private readonly Option<PackedArithmetic?> _arithmetic = Choose.Arithmetic();
    private readonly Option<int?> _threads = Choose.Threads();
    private readonly Option<bool> _json = Choose.Json();

    /// <summary>The command.</summary>
    public static Command Create(CommandConsole console, CancellationToken cancellation)
    {
        var eval = new EvalCommand(console, cancellation);
        var command = new Command("eval", "Measure how well a model predicts a text, and how close it is to another.") {
            eval._model, eval._against };
        eval._text.AddTo(command);
        foreach (Option option in new Option[] { eval._stride, eval._arithmetic, eval._threads, eval._json })
            command.Options.Add(option);
        command.SetAction(eval.Run);
        return command;
    }

    private int Run(ParseResult arguments)
    {
        string model = arguments.GetValue(_model)!;
        string? against = arguments.GetValue(_against);
        using ModelFiles files = ModelFiles.Open(model);
        if (_text.File(arguments) is null && arguments.GetValue(_stride) is not null)
            throw new UsageException("--stride: it cuts a text, and there is no --text.");
        using Model? reference = against is null ? null : Model.Open(against);
        if (reference is not null)
            CheckAlike(files.Model, reference);
        TextWindows? text = _text.Read(arguments, files.Model, arguments.GetValue(_stride));
        bool json = arguments.GetValue(_json);
        foreach (string note in json ? [] : ModelNotes.Of(files.Model).Concat(files.Model.Notes).Concat(reference?.Notes ?? []))
            console.Remark(note);
        (EvaluationResult result, text, double seconds) = new ProgressDisplay(console, silent: json)
            .Run(report => Evaluate(arguments, files.Model, reference, text, report));
        EvalReport evaluated = EvalReport.Of(model, against, files.Packed?.Recipe, text.Origin, files.Bytes, files.BitsPerWeight, result,
            seconds);
        if (json)
            JsonOutput.Write(console, evaluated);
        else
            evaluated.WriteTo(console.Output, result);
        return ErrorBoundary.Success;
    }

    private (EvaluationResult Result, TextWindows Text, double Seconds) Evaluate(
        ParseResult arguments, Model model, Model? against, TextWindows? text, ProgressReport report)
    {
        PackedArithmetic arithmetic = arguments.GetValue(_arithmetic) ?? PackedArithmetic.Integer;
        using Workers workers = Threads.Of(arguments.GetValue(_threads));
        report("loading", 0);
        model.CheckFinite(workers, cancellation);
        against?.CheckFinite(workers, cancellation);
        LanguageModel evaluated = LanguageModel.Load(model, arithmetic, workers);
        LanguageModel? reference = against is null ? null : LanguageModel.Load(against, arithmetic, workers);
        if (text is null)
        {
            string writer = against is null ? "the model" : "the reference";
            report($"letting {writer} write a sample", 0);
            text = _text.Write(arguments, reference ?? evaluated, writer, workers, cancellation);
        }
        long start = console.Time.GetTimestamp();
        EvaluationResult result = Evaluator.Evaluate(
            evaluated, reference, text.Windows, new Relay<double>(fraction => report("evaluating", fraction)), workers, cancellation);
        return (result, text, console.Time.GetElapsedTime(start).TotalSeconds);
    }

    // Comparing predictions token by token means something only if a token is the same to both.
    private static void CheckAlike(Model model, Model reference)
    {
        const string Remedy = "Compare with the model that this one was made from";
        int vocabulary = model.Configuration.VocabularySize, other = reference.Configuration.VocabularySize;
        if (vocabulary != other)
            throw new InvalidFileException(reference.Path, "vocabularies-differ",
                $"its vocabulary has {other} tokens, that of {model.Path} {vocabulary}", Remedy);
        string tokenizer = Path.Combine(model.Path, "tokenizer.json"), referenceTokenizer = Path.Combine(reference.Path, "tokenizer.json");
        if (File.Exists(tokenizer) && File.Exists(referenceTokenizer)
            && !File.ReadAllBytes(tokenizer).AsSpan().SequenceEqual(File.ReadAllBytes(referenceTokenizer)))
            throw new InvalidFileException(referenceTokenizer, "tokenizers-differ", $"it is not the same as {tokenizer}", Remedy);
    }
}
