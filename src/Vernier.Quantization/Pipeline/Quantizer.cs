using System.Diagnostics;
using Vernier.Errors;
using Vernier.Inference;
using Vernier.Inference.Models;
using Vernier.Quantization.Calibration;

namespace Vernier.Quantization.Pipeline;

/// <summary>
/// Carries out a <see cref="QuantizationPlan"/>: without data one tensor in memory at a time, with calibration one stage of the network.
/// What is finished goes to the disk at
/// once, so that a run that is killed can be continued.
/// </summary>
public sealed class Quantizer(QuantizationPlan plan, IProgress<QuantizationProgress>? progress = null)
{
    /// <summary>
    /// Where the finished matrices of a run that has thrown lie, for <see cref="RunOptions.Resume"/>; null where the run left nothing, or
    /// left alone what an
    /// earlier one did.
    /// </summary>
    public string? Unfinished { get; private set; }

    /// <summary>Of a GGUF file the tensors in no blocks of which rows become zero in their type, once a run has checked the weights; what
    /// is lost in matrices that are packed is in their reports.</summary>
    public IReadOnlyList<LostNumbers> Lost { get; private set; } = [];

    /// <summary>Quantizes the model, writes it, and reads it back to measure it.</summary>
    /// <param name="output">The folder to make, or with <see cref="RunOptions.Gguf"/> the file.</param>
    /// <param name="options">What the run works on, and how; null for the defaults.</param>
    /// <param name="cancellation">Stops the run between two batches or tensors. Finished matrices stay for
    /// <see cref="RunOptions.Resume"/>.</param>
    /// <returns>A report for each packed matrix.</returns>
    /// <exception cref="InvalidFileException">
    /// A weight is not finite or has no place in the format that it is to have, the input of a layer is not finite, the unfinished run to
    /// continue had other inputs, what accompanies the weights can't be read, or the written file does not read back.
    /// </exception>
    /// <exception cref="UnsupportedModelException">The recipe observes the model at work, and its architecture does not run
    /// here.</exception>
    /// <exception cref="MemoryCeilingException">The memory is too little.</exception>
    /// <exception cref="StrictRunException">A layer could not be solved in a strict run.</exception>
    /// <exception cref="OutputException">The output exists and may not be replaced, an unfinished run lies beside it, or another run is
    /// writing it.</exception>
    /// <exception cref="IOException">The output can't be written.</exception>
    /// <exception cref="OperationCanceledException">The run was cancelled.</exception>
    public IReadOnlyList<QuantizedTensorReport> Run(string output, RunOptions? options = null, CancellationToken cancellation = default)
    {
        long start = Stopwatch.GetTimestamp();
        RunOptions run = options ?? new RunOptions();
        var walk = new TensorWalk(plan, progress, cancellation);
        using var folder = new OutputFolder(output, run.Replace, run.Resume, run.Gguf is not null);
        MemoryEstimate memory = MemoryEstimate.Of(
            plan, run.Calibration?.Sequences.Count ?? CalibrationSet.DefaultSequences, run.Calibration?.Length
                ?? CalibrationSet.DefaultLength,
            run.Observers.Count > 0);
        long ceiling = run.MemoryBytes ?? MemoryEstimate.DefaultCeiling;
        memory.Check(plan.Model.Path, ceiling);
        if (run.Gguf is null)
            plan.Model.CheckCompanions();
        WeightCheck.Run(plan, run.Gguf, walk);
        Lost = run.Gguf?.FindLost(plan.Model, plan.Workers, cancellation) ?? [];
        CalibrationSet? set = Calibration(run, cancellation), used = plan.Options.Recipe.NeedsCalibration ? set : null;
        progress?.Report(new QuantizationProgress("reading the model", "", 0));
        Fingerprint fingerprint = Fingerprint.Of(plan, used, run.Gguf, cancellation);
        if (run.Resume && RunReport.TryRead(OutputFolder.ReportOf(output, run.Gguf is not null), plan, fingerprint) is { } finished)
        {
            folder.Forget();
            return finished;
        }
        // What others have finished, or other inputs, is not continued.
        folder.CheckFree();
        var result = new RunResult(plan, run.Gguf, folder.Result);
        using var journal = Journal.Open(folder, plan, fingerprint, result.Open, run.Trace);
        try
        {
            Solve(journal, set, run, memory.Spills(ceiling) ? folder.Partial : null, walk);
            result.CopyOthers(journal.Result, walk);
            List<QuantizedTensorReport> reports = result.ReadBack(journal, walk);
            RunReport.Write(folder.Result, plan, fingerprint, used?.Origin, reports, Lost, Stopwatch.GetElapsedTime(start).TotalSeconds);
            journal.Result.Complete();
            journal.Dispose();
            run.Trace?.Invoke(FaultPoint.BeforeName, "");
            folder.Complete();
            run.Trace?.Invoke(FaultPoint.AfterName, "");
            return reports;
        }
        catch
        {
            Unfinished = journal.Count > 0 ? folder.Partial : null;
            throw;
        }
    }

    private void Solve(Journal journal, CalibrationSet? set, RunOptions run, string? spillFolder, TensorWalk walk)
    {
        var solver = new TensorSolver(plan, NetworkTables.Choose(plan, walk.ForEach));
        if (set is not null)
        {
            void Report(string tensor, double fraction) => progress?.Report(new QuantizationProgress("solving", tensor, fraction));
            var stages = new StageRun(run.Strict, spillFolder, run.Observers, Report, walk.Cancellation);
            new StagePipeline(plan, solver, set, journal, stages).Run();
        }
        NearestPass.Run(solver, journal, walk);
    }

    private CalibrationSet? Calibration(RunOptions run, CancellationToken cancellation)
    {
        bool needed = plan.Options.Recipe.NeedsCalibration;
        Model model = plan.Model;
        if (!needed && run.Observers.Count == 0)
            return null;
        if (!model.Runs)
        {
            string who = needed ? $"the recipe {plan.Options.Recipe.Name} observes" : "the run's observers see";
            throw new UnsupportedModelException(model.ConfigPath, "calibration-architecture",
                $"{who} the model at work, and the architecture '{model.Architecture}' does not run here",
                    "Take a recipe that needs no data, such as nupes-datafree");
        }
        if (run.Calibration is CalibrationSet given)
            return given;
        progress?.Report(new QuantizationProgress("letting the model write the calibration text", "", 0));
        return CalibrationSet.WrittenBy(LanguageModel.Load(model, workers: plan.Workers), workers: plan.Workers,
            cancellation: cancellation);
    }
}
