using System.CommandLine;
using Vernier.Cli.Terminal;
using Vernier.Errors;
using Vernier.Inference;
using Vernier.Inference.Configuration;
using Vernier.Inference.Models;
using Vernier.Numerics;
using Vernier.Quantization.Calibration;
using Vernier.Quantization.Recipes;

namespace Vernier.Cli.Commands;

/// <summary>The options that say on which text recipes are calibrated, those that need one.</summary>
internal sealed class CalibrationArguments
{
    private readonly Option<string?> _text = Choose.Text("--calibration", "FILE", "Calibrate on this text (UTF-8), if the recipe needs one. [default: a sample that the model writes itself]");
    private readonly Option<int?> _sequences = Choose.Integer("--sequences", $"The sequences to calibrate on. [default: {CalibrationSet.DefaultSequences}]", 1, 1 << 20);
    private readonly Option<int?> _length = Choose.Integer("--length", $"The tokens of a sequence. [default: {CalibrationSet.DefaultLength}, or the model's context if that is less]", 2, 1 << 20);

    /// <summary>Adds the options to a command.</summary>
    public void AddTo(Command command)
    {
        foreach (Option option in new Option[] { _text, _sequences, _length })
            command.Options.Add(option);
    }

    /// <summary>The sequences and their length that a recipe will be calibrated on, at the most; none where it needs none.</summary>
    public (int Sequences, int Length) Shape(ParseResult arguments, Model model, Recipe recipe)
    {
        if (!recipe.NeedsCalibration || !model.TryGetConfiguration(out ModelConfig? config))
            return (0, 0);
        return (arguments.GetValue(_sequences) ?? CalibrationSet.DefaultSequences, arguments.GetValue(_length) ?? Math.Min(CalibrationSet.DefaultLength, config.MaxPositions));
    }

    /// <summary>Whether the model is to write the calibration text itself.</summary>
    public bool IsWritten(ParseResult arguments) => arguments.GetValue(_text) is null;

    /// <summary>The calibration set, or null where no recipe needs one.</summary>
    /// <param name="arguments">The command.</param>
    /// <param name="model">The model.</param>
    /// <param name="recipes">The recipes to be run.</param>
    /// <param name="workers">Who computes where the model writes.</param>
    /// <param name="cancellation">Stops the model's writing.</param>
    public CalibrationSet? Read(ParseResult arguments, Model model, IEnumerable<Recipe> recipes, Workers workers, CancellationToken cancellation)
    {
        bool needed = recipes.Any(recipe => recipe.NeedsCalibration) && model.Runs;
        return needed ? Cut(arguments, model, arguments.GetValue(_text), workers, cancellation) : null;
    }

    /// <summary>Whether the command names a text.</summary>
    public bool IsGiven(ParseResult arguments) => arguments.GetValue(_text) is not null;

    /// <summary>The calibration set of the text that the command names, whether a recipe needs it or not.</summary>
    public CalibrationSet OfCommand(ParseResult arguments, Model model, Workers workers, CancellationToken cancellation) =>
        Cut(arguments, model, arguments.GetValue(_text), workers, cancellation);

    /// <summary>The calibration set of a text.</summary>
    /// <param name="arguments">The command.</param>
    /// <param name="model">The model.</param>
    /// <param name="file">The text, or null for one that the model writes itself.</param>
    /// <param name="workers">Who computes where the model writes.</param>
    /// <param name="cancellation">Stops the model's writing.</param>
    public CalibrationSet Cut(ParseResult arguments, Model model, string? file, Workers workers, CancellationToken cancellation)
    {
        ModelConfig config = model.Configuration;
        int? asked = arguments.GetValue(_length);
        if (asked > config.MaxPositions)
            throw new UsageException($"--length: {asked} tokens are more than the model's context of {config.MaxPositions}.");
        int length = asked ?? Math.Min(CalibrationSet.DefaultLength, config.MaxPositions), count = arguments.GetValue(_sequences) ?? CalibrationSet.DefaultSequences;
        if (file is null)
            return CalibrationSet.WrittenBy(LanguageModel.Load(model, workers: workers), count, length, workers: workers, cancellation: cancellation);
        int[] tokens = ModelFiles.Tokenize(model, file);
        if (tokens.Length < length)
            throw new InvalidFileException(file, "text-too-short", $"the text has {tokens.Length} tokens, and one sequence takes {length}", "Give a longer text, or a smaller --length");
        return CalibrationSet.Cut(tokens, count, length, config.BeginToken, file);
    }
}
