using System.CommandLine;
using Vernier.Cli.Reports;
using Vernier.Cli.Terminal;
using Vernier.Files;
using Vernier.Inference.Gguf;
using Vernier.Inference.Models;
using Vernier.Numerics;
using Vernier.Quantization.Gguf;
using Vernier.Quantization.Pipeline;

namespace Vernier.Cli.Commands;

/// <summary>vernier export: writes a model in another format.</summary>
internal sealed class ExportCommand(CommandConsole console, CancellationToken cancellation)
{
    private const string Gguf = "gguf", HuggingFace = "hf";

    private readonly Argument<string> _model = Choose.Model(
        "The folder of a model, or a .gguf file. One that Vernier quantized becomes floats: F32, F16 or BF16.");
    private readonly Option<string?> _to = Choose.Text(
        "--to", "FORMAT", $"What to write: {Gguf}, a file for llama.cpp, or {HuggingFace}, a folder.");
    private readonly Option<string?> _output = Choose.Text("-o", "PATH", "The file or the folder to write.", "--output");
    private readonly GgufArguments _types = new("F16");
    private readonly Option<bool> _force = Choose.Flag("--force", "Replace what is there.");
    private readonly Option<int?> _threads = Choose.Threads();
    private readonly Option<bool> _json = Choose.Json();
    private readonly List<string> _notes = [];

    /// <summary>The command.</summary>
    public static Command Create(CommandConsole console, CancellationToken cancellation)
    {
        var export = new ExportCommand(console, cancellation);
        var command = new Command("export", "Write a model in another format, without data.") { export._model, export._to, export._output };
        export._types.AddTo(command);
        foreach (Option option in new Option[] { export._force, export._threads, export._json })
            command.Options.Add(option);
        command.SetAction(export.Run);
        return command;
    }

    private int Run(ParseResult arguments)
    {
        string path = arguments.GetValue(_model)!, to = arguments.GetValue(_to)
            ?? throw new UsageException($"--to: say what to write, {Gguf} or {HuggingFace}.");
        string output = arguments.GetValue(_output) ?? throw new UsageException("-o: name the file or the folder to write.");
        if (to is not (Gguf or HuggingFace))
            throw new UsageException($"--to: '{to}' is neither {Gguf} nor {HuggingFace}.");
        using Model model = Open(arguments, path, to);
        _notes.AddRange(model.Notes);
        bool json = arguments.GetValue(_json), force = arguments.GetValue(_force);
        foreach (string note in json ? [] : ModelNotes.Of(model))
            console.Remark(note);
        long start = console.Time.GetTimestamp();
        string? type = null;
        long bytes = new ProgressDisplay(console, silent: json).Run(report =>
        {
            var progress = new Relay<double>(part => report("writing", part));
            return to == Gguf ? WriteFile(arguments, model, output, force, progress, out type)
                : WriteFolder(arguments, model, output, force, progress);
        });
        if (model.DequantizedFrom is string recipe)
            _notes.Add($"the floats are what the codes of {recipe} stand for, not the original model");
        var written = new ExportReport(path, output, to, type, bytes, console.Time.GetElapsedTime(start).TotalSeconds, _notes);
        if (json)
            JsonOutput.Write(console, written);
        else
            written.WriteTo(console.Output);
        if (!json)
            _notes.ForEach(console.Remark);
        return ErrorBoundary.Success;
    }

    // Codes of a format of our own become floats, and nothing else: other codes of them would be a second loss.
    private Model Open(ParseResult arguments, string path, string to)
    {
        string type = _types.Name(arguments, to == Gguf ? "F16" : "F32");
        Model model = Model.Open(path);
        if (model.Quantization is null)
            return model;
        model.Dispose();
        return !Enum.TryParse(type, out ElementType element) || element is not (ElementType.F32 or ElementType.F16 or ElementType.BF16)
            ? throw new UsageException($"--type: '{type}' would quantize {path} a second time. Say F32, F16 or BF16, or give the original "
                + "model.")
            : Model.OpenFloat(path, to == Gguf ? ElementType.F32 : element);
    }

    private long WriteFile(ParseResult arguments, Model model, string output, bool force, IProgress<double> progress, out string type)
    {
        GgufMix mix = _types.Mix(arguments);
        type = mix.Name;
        GgufOverride[] overrides = _types.Overrides(arguments);
        OutputFolder.Check(output, force, isFile: true);
        OutputCheck.CheckFile(model, output);
        using Workers workers = Threads.Of(arguments.GetValue(_threads));
        OutputCheck.CheckSpace(output, new GgufTypes(mix, overrides).SizeOf(model), OutputCheck.FreeBytes(output));
        return GgufExport.Write(model, output, mix, overrides, progress, _notes.Add, workers, cancellation);
    }

    private long WriteFolder(ParseResult arguments, Model model, string output, bool force, IProgress<double> progress)
    {
        if (_types.AreGiven(arguments) && model.DequantizedFrom is null)
            throw new UsageException($"--type, --tensor-type: a folder keeps the types of the file; blocks become F32. Leave them out.");
        if (model.Kind == ModelKind.Folder && model.DequantizedFrom is null)
            throw new UsageException($"{model.Path}: this is a folder already. Give a .gguf file.");
        OutputCheck.CheckOutput(model.Path, output, new RunOptions { Replace = force });
        model.CheckCompanions();
        OutputCheck.CheckSpace(output, model.Checkpoint.Tensors.Sum(tensor => tensor.Bytes)
            + model.Companions.Sum(companion => companion.Bytes), OutputCheck.FreeBytes(output));
        using var folder = new OutputFolder(output, force);
        using Workers workers = Threads.Of(arguments.GetValue(_threads));
        GgufExport.WriteFolder(model, folder.Result, progress, workers, cancellation);
        long bytes = Directory.EnumerateFiles(folder.Result).Sum(path => new FileInfo(path).Length);
        folder.Complete();
        return bytes;
    }
}
