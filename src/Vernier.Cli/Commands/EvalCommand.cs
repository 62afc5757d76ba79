using System.CommandLine;
using Vernier.Cli.Reports;
using Vernier.Cli.Terminal;
using Vernier.Errors;
using Vernier.Inference;
using Vernier.Inference.Models;
using Vernier.Inference.Weights;
using Vernier.Quantization.Evaluation;

namespace Vernier.Cli.Commands;

/// <summary>vernier eval: perplexity; against a reference also KL divergence and top-1 agreement.</summary>
internal sealed class EvalCommand(CommandConsole console, CancellationToken cancellation)
{
    private readonly Argument<string> _model = Choose.Model("The folder of a model, float or quantized, or a .gguf file.");
    private readonly Option<string?> _against = Choose.Text("--against", "REFERENCE", "The model to compare with: the original.");
    private readonly TextArguments _text = new(textWindows: null);
    private readonly Option<int?> _stride = Choose.Integer("--stride", "Tokens from one window of --text to the next; less than the window, each token has more context. [default: the window]", 1, 1 << 20);
    private readonly Option<PackedArithmetic?> _arithmetic = Choose.Arithmetic();
    private readonly Option<int?> _threads = Choose.Threads();
    private readonly Option<bool> _json = Choose.Json();

    /// <summary>The command.</summary>
    public static Command Create(CommandConsole console, CancellationToken cancellation)
    {
        var eval = new EvalCommand(console, cancellation);
        var command = new Command("eval", "Measure how well a model predicts a text, and how close it is to another.") { eval._model, eval._against };
        eval._text.AddTo(command);
        foreach (Option option in new Option[] { eval._stride, eval._arithmetic, eval._threads, eval._json })
            command.Options.Add(option);
        command.SetAction(arguments => Threads.With(arguments.GetValue(eval._threads), () => eval.Run(arguments)));
        return command;
    }

    private int Run(ParseResult arguments)
    {
        string model = arguments.GetValue(_model)!;
        string? against = arguments.GetValue(_against);
        using ModelFiles files = ModelFiles.Open(model);
        if (_text.File(arguments) is null && arguments.GetValue(_stride) is not null)
            throw new UsageException("--stride: it cuts a text, and there is no --text.");
        if (against is not null)
            CheckAlike(model, against);
        TextWindows? text = _text.Read(arguments, model, arguments.GetValue(_stride));
        bool json = arguments.GetValue(_json);
        (EvaluationResult result, text, double seconds) = new ProgressDisplay(console, silent: json).Run(report => Evaluate(arguments, model, against, text, report));
        EvalReport evaluated = EvalReport.Of(model, against, files.Packed?.Recipe, text.Origin, files.Bytes, files.BitsPerWeight, result, seconds);
        if (json)
            JsonOutput.Write(console, evaluated);
        else
            evaluated.WriteTo(console.Output, result);
        return ErrorBoundary.Success;
    }

    private (EvaluationResult Result, TextWindows Text, double Seconds) Evaluate(ParseResult arguments, string model, string? against, TextWindows? text, ProgressReport report)
    {
        report("loading", 0);
        PackedArithmetic arithmetic = arguments.GetValue(_arithmetic) ?? PackedArithmetic.Integer;
        LanguageModel evaluated = LanguageModel.Load(model, arithmetic);
        LanguageModel? reference = against is null ? null : LanguageModel.Load(against, arithmetic);
        if (text is null)
        {
            string writer = against is null ? "the model" : "the reference";
            report($"letting {writer} write a sample", 0);
            text = _text.Write(arguments, reference ?? evaluated, writer, cancellation);
        }
        long start = console.Time.GetTimestamp();
        EvaluationResult result = Evaluator.Evaluate(evaluated, reference, text.Windows, new Relay<double>(fraction => report("evaluating", fraction)), cancellation);
        return (result, text, console.Time.GetElapsedTime(start).TotalSeconds);
    }

    // Comparing predictions token by token means something only if a token is the same to both.
    private static void CheckAlike(string model, string reference)
    {
        const string Remedy = "Compare with the model that this one was made from";
        ModelFiles.CheckModel(reference);
        int vocabulary = ModelSource.Configuration(model).VocabularySize, other = ModelSource.Configuration(reference).VocabularySize;
        if (vocabulary != other)
            throw new InvalidFileException(reference, "vocabularies-differ", $"its vocabulary has {other} tokens, that of {model} {vocabulary}", Remedy);
        string tokenizer = Path.Combine(model, "tokenizer.json"), referenceTokenizer = Path.Combine(reference, "tokenizer.json");
        if (File.Exists(tokenizer) && File.Exists(referenceTokenizer) && !File.ReadAllBytes(tokenizer).AsSpan().SequenceEqual(File.ReadAllBytes(referenceTokenizer)))
            throw new InvalidFileException(referenceTokenizer, "tokenizers-differ", $"it is not the same as {tokenizer}", Remedy);
    }
}
