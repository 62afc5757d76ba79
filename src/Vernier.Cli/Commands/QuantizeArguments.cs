using System.CommandLine;
using System.Text.RegularExpressions;
using Vernier.Cli.Terminal;
using Vernier.Grids.Ggml;
using Vernier.Packing;
using Vernier.Quantization.Allocation;
using Vernier.Quantization.Gguf;
using Vernier.Quantization.Pipeline;
using Vernier.Quantization.Recipes;

namespace Vernier.Cli.Commands;

/// <summary>The arguments of vernier quantize.</summary>
internal sealed class QuantizeArguments
{
    private readonly Argument<string> _model = Choose.Model();
    private readonly Option<string?> _output =
        Choose.Text("--output", "PATH",
        "The folder or the file to write. [default: MODEL-RECIPE-BITSbit, or MODEL-TYPE.gguf, in the current folder]", "-o");
    private readonly Option<string?> _to = Choose.Text(
        "--to", "FORMAT", "What to write: hf, a folder, or gguf, a file for llama.cpp and its kin. Without a recipe a file is solved "
        + "with --calibration and searched without data. [default: hf]");
    private readonly GgufArguments _types = new("Q4_K_M");
    private readonly Option<string?> _imatrix =
        Choose.Text("--imatrix", "FILE", "An importance matrix of llama.cpp, for a gguf file without calibration.");
    private readonly RecipeArguments _recipe = new();
    private readonly Option<int?> _bits = Choose.Integer("--bits", "Bits of a weight in linear layers, 2 to 8.", 2, 8);
    private readonly Option<Granularity?> _group = Choose.Group();
    private readonly Option<int> _embeddingBits =
        Choose.BitsOrNone("--embedding-bits",
        "Bits of a weight in embeddings and the output layer, 2 to 8, or none to leave them as they are.", 8);
    private readonly Option<Regex?> _keep = Choose.Pattern("--keep", "Tensors whose names match stay as they are.");
    private readonly Option<bool> _noEval = Choose.Flag("--no-eval", "Don't run the model before and after.");
    private readonly Option<bool> _force = Choose.Flag(
        "--force", "Replace the output folder if it is there, and forget an interrupted run.");
    private readonly Option<bool> _resume = Choose.Flag("--resume", "Go on with a run that was interrupted. It ends in the same bytes.");
    private readonly Option<bool> _strict = Choose.Flag(
        "--strict", "Stop where a layer can't be solved as the recipe says, in place of rounding it to nearest, or where an importance "
        + "matrix is not that of the model.");
    private readonly Option<long?> _memory = Choose.Bytes(
        "--memory", "The most memory to take, such as 4GB. [default: three quarters of what the machine has]");
    private readonly Option<bool> _dryRun = Choose.Flag(
        "--dry-run", "Say what would be written, to the byte, and what it takes; write nothing.");
    private readonly Option<int?> _threads = Choose.Threads();
    private readonly Option<bool> _json = Choose.Json();

    /// <summary>Makes the arguments.</summary>
    public QuantizeArguments() => _bits.DefaultValueFactory = _ => 4;

    /// <summary>What the model is evaluated on.</summary>
    public TextArguments Text { get; } = new(textWindows: 128);

    /// <summary>What recipes that need it are calibrated on.</summary>
    public CalibrationArguments Calibration { get; } = new();

    /// <summary>Adds the arguments to the command, in the order in which the help lists them.</summary>
    public void AddTo(Command command)
    {
        command.Arguments.Add(_model);
        command.Options.Add(_output);
        command.Options.Add(_to);
        _types.AddTo(command);
        command.Options.Add(_imatrix);
        _recipe.AddRecipeTo(command);
        foreach (Option option in new Option[] { _bits, _group, _embeddingBits, _keep })
            command.Options.Add(option);
        _recipe.AddPartsTo(command);
        Calibration.AddTo(command);
        Text.AddTo(command);
        foreach (Option option in new Option[] { _noEval, _force, _resume, _strict, _memory, _dryRun, _threads, _json })
            command.Options.Add(option);
    }

    /// <summary>The model's folder.</summary>
    public string Model(ParseResult arguments) => arguments.GetValue(_model)!;

    /// <summary>What to write where it is a GGUF file; null for a folder.</summary>
    public GgufTarget? Target(ParseResult arguments)
    {
        string to = arguments.GetValue(_to) ?? "hf";
        if (to is not ("hf" or "gguf"))
            throw new UsageException($"--to: '{to}' is neither hf nor gguf.");
        if (to == "gguf")
            return new GgufTarget(_types.Mix(arguments), _types.Overrides(arguments));
        if (_types.AreGiven(arguments) || arguments.GetValue(_imatrix) is not null)
            throw new UsageException(
                "--type, --tensor-type, --imatrix: these are for GGUF files. Say --to gguf as well, or leave them out.");
        return null;
    }

    /// <summary>The folder or the file to write.</summary>
    public string Output(ParseResult arguments, QuantizationOptions options, GgufTarget? target, Inference.Models.Model model) =>
        arguments.GetValue(_output)
        ?? (target is null ? OutputCheck.DefaultFor(model, options.Recipe.Name, options.LinearBits)
            : $"{ModelFiles.NameOf(model)}-{target.Mix.Name}.gguf");

    /// <summary>What to do with the model.</summary>
    /// <param name="arguments">The command.</param>
    /// <param name="target">The GGUF file; null for a folder.</param>
    /// <param name="model">The model.</param>
    /// <param name="notes">Receives what the user should know.</param>
    public QuantizationOptions Options(ParseResult arguments, GgufTarget? target, Inference.Models.Model model, List<string> notes)
    {
        string? imatrix = arguments.GetValue(_imatrix);
        Recipe recipe = _recipe.Build(arguments, target is null ? null : Calibration.IsGiven(arguments) ? "gguf" : "gguf-datafree");
        if (target is not null && recipe.Grid is not GgmlGridSpec)
            throw new UsageException($"--recipe: {recipe.Name} makes no blocks of GGUF files. Say gguf or gguf-datafree, or leave it out.");
        if (imatrix is not null && recipe.NeedsCalibration)
            throw new UsageException(
                $"--imatrix: the recipe {recipe.Name} observes the inputs itself. Leave out --imatrix, or --calibration.");
        var options = new QuantizationOptions
        {
            Recipe = recipe,
            Bits = arguments.GetValue(_bits)!.Value,
            Granularity = arguments.GetValue(_group),
            EmbeddingBits = arguments.GetValue(_embeddingBits) is > 0 and int bits ? bits : null,
            Keep = arguments.GetValue(_keep),
            Allocator = target is null ? null : new BlockFormatAllocator(
                target.Types(recipe.NeedsCalibration || imatrix is not null).FormatsOf(model)),
            Importance = imatrix is null ? null : Importance(arguments, imatrix, model, notes),
        };
        if (options.LinearBits != options.Bits && arguments.GetResult(_bits) is { Implicit: false })
            throw new UsageException($"--bits: the grid of the recipe {recipe.Name} has {options.LinearBits}. Leave it out.");
        if (options.LinearGranularity != options.AskedGranularity && arguments.GetValue(_group) is not null)
            throw new UsageException(
                $"--group: the blocks of the recipe {recipe.Name} are of {options.LinearGranularity.GroupColumns}. Leave it out.");
        return options.Problem is string problem ? throw new UsageException($"{problem}.") : options;
    }

    private IReadOnlyDictionary<string, float[]> Importance(ParseResult arguments, string path, Inference.Models.Model model,
        List<string> notes)
    {
        ModelImportance importance = ModelImportance.Read(path, model);
        if (arguments.GetValue(_strict))
            importance.CheckComplete();
        notes.AddRange(importance.Notes.Select(note => $"importance matrix: {note}"));
        return importance.Matrices;
    }

    /// <summary>Whether to evaluate.</summary>
    public bool Evaluates(ParseResult arguments) => !arguments.GetValue(_noEval);

    /// <summary>How to go about it.</summary>
    public RunOptions Run(ParseResult arguments) => new()
    {
        Replace = arguments.GetValue(_force),
        Resume = arguments.GetValue(_resume),
        Strict = arguments.GetValue(_strict),
        MemoryBytes = arguments.GetValue(_memory),
    };

    /// <summary>Whether to plan only.</summary>
    public bool DryRun(ParseResult arguments) => arguments.GetValue(_dryRun);

    /// <summary>The most threads, if the command says.</summary>
    public int? Threads(ParseResult arguments) => arguments.GetValue(_threads);

    /// <summary>Whether the result is for a program.</summary>
    public bool Json(ParseResult arguments) => arguments.GetValue(_json);
}
