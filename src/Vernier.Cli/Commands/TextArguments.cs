using System.CommandLine;
using Vernier.Cli.Terminal;
using Vernier.Errors;
using Vernier.Inference;
using Vernier.Inference.Configuration;
using Vernier.Inference.Models;
using Vernier.Numerics;
using Vernier.Quantization.Evaluation;

namespace Vernier.Cli.Commands;

/// <summary>The options that say what a model is evaluated on, and the text that they name.</summary>
/// <param name="textWindows">The most windows of a text unless the command says otherwise; null for all.</param>
internal sealed class TextArguments(int? textWindows)
{
    private const int DefaultWindow = 256;
    private const int WrittenWindows = 32;
    private const ulong DefaultSeed = 1;

    private readonly Option<string?> _text = Choose.Text("--text", "FILE", "Evaluate on this text (UTF-8). [default: a sample that the model writes itself]");
    private readonly Option<int?> _window = Choose.Integer("--window", $"The tokens of a window, or of a text that the model writes. [default: {DefaultWindow}, or the model's context if that is less]", 2, 1 << 20);
    private readonly Option<int?> _windows = Choose.Integer("--windows", $"The most windows. [default: of a text {textWindows?.ToString() ?? "all"}, of a sample {WrittenWindows}]", 1, int.MaxValue);
    private readonly Option<ulong?> _seed = Choose.Seed($"What the random numbers of the sample start from. [default: {DefaultSeed}]");

    /// <summary>Adds the options to a command.</summary>
    public void AddTo(Command command)
    {
        foreach (Option option in new Option[] { _text, _window, _windows, _seed })
            command.Options.Add(option);
    }

    /// <summary>The text file, or null for a sample that the model writes.</summary>
    public string? File(ParseResult arguments) => arguments.GetValue(_text);

    /// <summary>Reads and cuts the text, before any other work; null where the model is to write a sample.</summary>
    /// <param name="arguments">The command.</param>
    /// <param name="model">The model, whose tokenizer is taken.</param>
    /// <param name="stride">Tokens from one window to the next; null for consecutive windows.</param>
    public TextWindows? Read(ParseResult arguments, Model model, int? stride = null)
    {
        ModelConfig config = model.Configuration;
        int window = Window(arguments, config);
        if (File(arguments) is not string file)
            return null;
        if (stride > window)
            throw new UsageException($"--stride: {stride} is more than the window of {window} tokens. Windows would leave text out.");
        int[] tokens = ModelFiles.Tokenize(model, file);
        if (Array.Find(tokens, token => token >= config.VocabularySize) is int unknown and > 0)
            throw new InvalidFileException(model.Path, "tokenizer-vocabulary", $"the tokenizer gives token {unknown}, and the vocabulary of config.json has {config.VocabularySize}", "Check that tokenizer.json and config.json belong together");
        IReadOnlyList<EvaluationWindow> windows = EvaluationWindows.Cut(tokens, window, stride ?? window, config.BeginToken, arguments.GetValue(_windows) ?? textWindows ?? int.MaxValue);
        if (windows.Count == 0)
            throw new InvalidFileException(file, "text-too-short", $"the text has {tokens.Length} tokens, and one window takes {window}", "Give a longer text, or a smaller --window");
        return new TextWindows(windows, $"{windows.Count} windows of {window} tokens of {file}");
    }

    /// <summary>Lets a model write the sample.</summary>
    public TextWindows Write(ParseResult arguments, LanguageModel model, string writer, Workers workers, CancellationToken cancellation)
    {
        int window = Window(arguments, model.Config), count = arguments.GetValue(_windows) ?? WrittenWindows;
        ulong seed = arguments.GetValue(_seed) ?? DefaultSeed;
        return new TextWindows(EvaluationWindows.WrittenBy(model, count, window, seed, workers, cancellation), $"{count} texts of {window} tokens that {writer} wrote itself, seed {seed}");
    }

    private int Window(ParseResult arguments, ModelConfig config)
    {
        int? asked = arguments.GetValue(_window);
        if (asked > config.MaxPositions)
            throw new UsageException($"--window: {asked} tokens are more than the model's context of {config.MaxPositions}.");
        return asked ?? Math.Min(DefaultWindow, config.MaxPositions);
    }
}

/// <summary>What a model is evaluated on.</summary>
/// <param name="Windows">The windows.</param>
/// <param name="Origin">Where they are from, for people.</param>
internal sealed record TextWindows(IReadOnlyList<EvaluationWindow> Windows, string Origin);
