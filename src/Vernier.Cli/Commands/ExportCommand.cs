using System.CommandLine;
using Vernier.Cli.Reports;
using Vernier.Cli.Terminal;
using Vernier.Inference.Gguf;
using Vernier.Inference.Models;
using Vernier.Numerics;
using Vernier.Quantization.Pipeline;

namespace Vernier.Cli.Commands;

/// <summary>vernier export: writes a model in another format.</summary>
internal sealed class ExportCommand(CommandConsole console, CancellationToken cancellation)
{
    private const string Gguf = "gguf", HuggingFace = "hf";

    private readonly Argument<string> _model = Choose.Model("The folder of a model that is not quantized, or a .gguf file.");
    private readonly Option<string?> _to = Choose.Text(
        "--to", "FORMAT", $"What to write: {Gguf}, a file for llama.cpp, or {HuggingFace}, a folder.");
    private readonly Option<string?> _output = Choose.Text("-o", "PATH", "The file or the folder to write.", "--output");
    private readonly GgufArguments _types = new("F16");
    private readonly Option<bool> _force = Choose.Flag("--force", "Replace what is there.");
    private readonly Option<int?> _threads = Choose.Threads();
    private readonly Option<bool> _json = Choose.Json();

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
        using var model = Model.Open(path);
        bool json = arguments.GetValue(_json), force = arguments.GetValue(_force);
        long start = console.Time.GetTimestamp();
        string? type = null;
        long bytes = new ProgressDisplay(console, silent: json).Run(report =>
        {
            var progress = new Relay<double>(part => report("writing", part));
            return to == Gguf ? WriteFile(arguments, model, output, force, progress, out type)
                : WriteFolder(arguments, model, output, force, progress);
        });
        var written = new ExportReport(path, output, to, type, bytes, console.Time.GetElapsedTime(start).TotalSeconds);
        if (json)
            JsonOutput.Write(console, written);
        else
            written.WriteTo(console.Output);
        return ErrorBoundary.Success;
    }

    private long WriteFile(ParseResult arguments, Model model, string output, bool force, IProgress<double> progress, out string type)
    {
        GgufMix mix = _types.Mix(arguments);
        type = mix.Name;
        GgufOverride[] overrides = _types.Overrides(arguments);
        if (Directory.Exists(output))
            throw new IOException($"{output}: this is a folder. Name a file.");
        if (!force && File.Exists(output))
            throw new IOException($"{output}: the file exists. Name another, or say --force to replace it.");
        GgufTarget.Check(model, output);
        using Workers workers = Threads.Of(arguments.GetValue(_threads));
        return GgufExport.Write(model, output, mix, overrides, progress, workers, cancellation);
    }

    private long WriteFolder(ParseResult arguments, Model model, string output, bool force, IProgress<double> progress)
    {
        if (_types.AreGiven(arguments))
            throw new UsageException($"--type, --tensor-type: a folder keeps the types of the file; blocks become F32. Leave them out.");
        if (model.Kind == ModelKind.Folder)
            throw new UsageException($"{model.Path}: this is a folder already. Give a .gguf file.");
        OutputCheck.CheckOutput(model.Path, output, new RunOptions { Replace = force });
        using var folder = new OutputFolder(output, force);
        GgufExport.WriteFolder(model, folder.Result, progress, cancellation);
        long bytes = Directory.EnumerateFiles(folder.Result).Sum(path => new FileInfo(path).Length);
        folder.Complete();
        return bytes;
    }
}
