using System.CommandLine;
using Vernier.Cli.Reports;
using Vernier.Cli.Terminal;
using Vernier.Errors;
using Vernier.Inference.Gguf;
using Vernier.Inference;
using Vernier.Inference.Models;
using Vernier.Numerics;
using Vernier.Quantization.Calibration;
using Vernier.Quantization.Evaluation;
using Vernier.Quantization.Gguf;
using Vernier.Quantization.Pipeline;

namespace Vernier.Cli.Commands;

/// <summary>vernier quantize: plans, checks, quantizes, reads back and evaluates.</summary>
internal sealed class QuantizeCommand(CommandConsole console, CancellationToken cancellation)
{
    private const string Unevaluated = "not evaluated: ";

    private readonly QuantizeArguments _arguments = new();
    private readonly List<string> _notes = [];

    /// <summary>The command.</summary>
    public static Command Create(CommandConsole console, CancellationToken cancellation)
    {
        var command = new Command("quantize", "Make a model smaller, and say how close the result is.");
        var quantize = new QuantizeCommand(console, cancellation);
        quantize._arguments.AddTo(command);
        command.SetAction(quantize.Run);
        return command;
    }

    private int Run(ParseResult arguments)
    {
        string model = _arguments.Model(arguments);
        GgufTarget? target = _arguments.Target(arguments);
        using var opened = Model.Open(model);
        QuantizationOptions options = _arguments.Options(arguments, target, opened, _notes);
        string output = _arguments.Output(arguments, options, target, opened);
        using Workers workers = Threads.Of(_arguments.Threads(arguments));
        QuantizationPlan plan = QuantizationPlan.Create(opened, options, workers);
        RunOptions run = _arguments.Run(arguments) with { Gguf = target?.Types(UsesData(options)) };
        long ceiling = run.MemoryBytes ?? MemoryEstimate.DefaultCeiling;
        if (!_arguments.DryRun(arguments))
        {
            if (target is not null)
                OutputCheck.CheckFile(opened, output);
            OutputCheck.CheckOutput(model, output, run);
        }
        if (target is null)
            opened.CheckCompanions();
        long bytes = run.Gguf?.SizeOf(opened) ?? plan.Bytes;
        RunEstimate estimate = Estimate(arguments, plan, run.Gguf, ceiling);
        bool evaluate = _arguments.Evaluates(arguments) && CanEvaluate(plan, ceiling);
        AddNotes(plan, run.Gguf);
        if (_arguments.DryRun(arguments))
            return Show(arguments, plan, output, run.Gguf, target, bytes, estimate);
        long free = OutputCheck.FreeBytes(output);
        OutputCheck.CheckSpace(output, estimate.DiskBytes, free);
        MemoryCeiling.Keep(run.MemoryBytes);
        bool json = _arguments.Json(arguments);
        if (!json)
        {
            console.Remark(Headline(plan, output, target));
            console.Remark($"writes {Figures.Whole(bytes)} bytes ({Figures.Size(bytes)}, {8.0 * bytes / plan.Parameters:0.00} bits per "
                + $"weight); the disk has {Figures.Size(free)} free");
            console.Remark($"takes up to {Figures.Size(estimate.PeakMemoryBytes)} of memory and {Figures.Size(estimate.DiskBytes)} of "
                + $"the disk, about {Figures.Duration(estimate.Seconds)}");
        }
        // A model that is to write has to be sound; what is left as it is was asked for.
        if (plan.Options.Recipe.NeedsCalibration && _arguments.Calibration.IsWritten(arguments) && plan.Options.Keep is null && opened.Runs)
            opened.CheckFinite(workers, cancellation);
        CalibrationSet? calibration = _arguments.Calibration.Read(arguments, opened, [options.Recipe], workers, cancellation);
        if (calibration is not null)
        {
            _notes.Add($"calibrated on {calibration.Origin}");
            AddNote(plan.ShortCalibration((long)calibration.Sequences.Count * calibration.Length));
        }
        TextWindows? text = evaluate ? _arguments.Text.Read(arguments, opened) : null;
        if (!json)
            _notes.ForEach(console.Remark);
        var progress = new ProgressDisplay(console, silent: json);
        return Quantize(arguments, plan, run with { Calibration = calibration }, output, evaluate, text, progress);
    }

    private void AddNote(string? note)
    {
        if (note is not null)
            _notes.Add(note);
    }

    // What is known before any work.
    private void AddNotes(QuantizationPlan plan, GgufTypes? gguf)
    {
        _notes.AddRange(plan.Model.Notes);
        _notes.AddRange(ModelNotes.Of(plan.Model));
        if (gguf is not null)
            AddNote(GgufFallback.Describe(gguf.FallbacksOf(plan.Model)));
    }

    // Refuses what can't be done within the ceiling, before any work.
    private RunEstimate Estimate(ParseResult arguments, QuantizationPlan plan, GgufTypes? gguf, long ceiling)
    {
        (int sequences, int length) = _arguments.Calibration.Shape(arguments, plan.Model, plan.Options.Recipe);
        MemoryEstimate.Of(plan, sequences, length).Check(plan.Model.Path, ceiling);
        if (sequences > 0 && _arguments.Calibration.IsWritten(arguments) && 4 * plan.Parameters + 3 * MemoryEstimate.ProgramBytes > ceiling)
            throw new InvalidFileException(plan.Model.Path, "memory-too-small",
                $"to write its calibration text itself the model takes {Figures.Size(4 * plan.Parameters)}, and the run may take "
                + $"{Figures.Size(ceiling)}", "Give a text with --calibration, or allow more with --memory");
        return RunEstimate.Of(plan, sequences, length, ceiling, gguf);
    }

    private int Show(ParseResult arguments, QuantizationPlan plan, string output, GgufTypes? gguf, GgufTarget? target, long bytes,
        RunEstimate estimate)
    {
        (int sequences, int length) = _arguments.Calibration.Shape(arguments, plan.Model, plan.Options.Recipe);
        if (sequences > 0)
            AddNote(plan.ShortCalibration((long)sequences * length));
        PlanReport report = PlanReport.Of(plan, output, gguf?.BytesOf(plan.Model), bytes, estimate, _notes);
        if (_arguments.Json(arguments))
        {
            JsonOutput.Write(console, report);
            return ErrorBoundary.Success;
        }
        _notes.ForEach(console.Remark);
        console.Output.WriteLine(Headline(plan, output, target));
        console.Output.WriteLine();
        report.WriteTo(console.Output);
        return ErrorBoundary.Success;
    }

    private int Quantize(ParseResult arguments, QuantizationPlan plan, RunOptions run, string output, bool evaluate, TextWindows? text,
        ProgressDisplay display)
    {
        long start = console.Time.GetTimestamp();
        (IReadOnlyList<QuantizedTensorReport> tensors, IReadOnlyList<LostNumbers> lost) =
            display.Run(report => Run(plan, output, run, report));
        double seconds = console.Time.GetElapsedTime(start).TotalSeconds;
        start = console.Time.GetTimestamp();
        EvaluationResult? evaluation = null;
        try
        {
            if (evaluate)
                (evaluation, text) = display.Run(report => Evaluate(arguments, plan, output, text, report));
        }
        catch
        {
            console.Remark($"{output} is written and whole; it was not evaluated.");
            throw;
        }
        double? evaluationSeconds = evaluate ? console.Time.GetElapsedTime(start).TotalSeconds : null;
        using ModelFiles written = ModelFiles.Open(output);
        QuantizeReport result = QuantizeReport.Of(
            plan, output, run.Gguf is not null, written.Bytes, tensors, lost, evaluation, text?.Origin, seconds, evaluationSeconds, _notes);
        if (_arguments.Json(arguments))
            JsonOutput.Write(console, result);
        else
            result.WriteTo(console.Output, evaluation);
        return ErrorBoundary.Success;
    }

    private (IReadOnlyList<QuantizedTensorReport> Tensors, IReadOnlyList<LostNumbers> Lost) Run(
        QuantizationPlan plan, string output, RunOptions run, ProgressReport report)
    {
        var quantizer = new Quantizer(plan, new Relay<QuantizationProgress>(step => report(step.Stage, step.Fraction)));
        try
        {
            IReadOnlyList<QuantizedTensorReport> tensors = quantizer.Run(output, run, cancellation);
            return (tensors, [.. tensors.Select(tensor => tensor.Error.Lost).OfType<LostNumbers>(), .. quantizer.Lost]);
        }
        finally
        {
            if (quantizer.Unfinished is string folder)
                console.Remark($"What is finished stays in {folder}: the same command with --resume goes on from there.");
        }
    }

    private (EvaluationResult Result, TextWindows Text) Evaluate(
        ParseResult arguments, QuantizationPlan plan, string output, TextWindows? text, ProgressReport report)
    {
        report("loading", 0);
        LanguageModel before = LanguageModel.Load(plan.Model, workers: plan.Workers),
            after = LanguageModel.Load(output, workers: plan.Workers);
        if (text is null)
        {
            report("letting the model write a sample", 0);
            text = _arguments.Text.Write(arguments, before, "the model", plan.Workers, cancellation);
        }
        return (Evaluator.Evaluate(after, before, text.Windows, new Relay<double>(fraction => report("evaluating", fraction)), plan.Workers,
            cancellation), text);
    }

    // What is evaluated runs in single precision; it has to fit in the memory before the long work begins.
    private bool CanEvaluate(QuantizationPlan plan, long ceiling)
    {
        try
        {
            if (!plan.Model.Runs)
            {
                _notes.Add($"{Unevaluated}the architecture '{plan.Model.Architecture}' does not run here. Its tensors are quantized one "
                    + $"by one, by their names and shapes.");
                return false;
            }
        }
        catch (VernierException e) when (e is InvalidFileException or UnsupportedModelException)
        {
            _notes.Add(Unevaluated + e.Message);
            return false;
        }
        long needed = 4 * plan.Parameters + plan.Bytes;
        if (needed <= ceiling)
            return true;
        _notes.Add($"{Unevaluated}the models take {Figures.Size(needed)} of memory, and the run may take {Figures.Size(ceiling)}.");
        return false;
    }

    private static bool UsesData(QuantizationOptions options) => options.Recipe.NeedsCalibration || options.Importance is not null;

    private static string Headline(QuantizationPlan plan, string output, GgufTarget? target)
    {
        QuantizationOptions options = plan.Options;
        string name = ModelFiles.NameOf(plan.Model);
        return $"{name}: {Figures.Whole(plan.Tensors.Count)} tensors, {Figures.Whole(plan.Parameters)} weights, "
            + $"{Figures.Size(plan.SourceBytes)}\n"
            + $"{output}: {options.Recipe.Name}, "
                + $"{(target is null ? $"{options.LinearBits} bits, {options.LinearGranularity}" : target.Mix.Name)}";
    }
}
