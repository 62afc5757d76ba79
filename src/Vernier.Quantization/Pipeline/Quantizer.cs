using System.Diagnostics;
using Vernier.Errors;
using Vernier.Inference;
using Vernier.Packing;
using Vernier.Quantization.Calibration;
using Vernier.Quantization.Networks;
using Vernier.Quantization.Results;
using Vernier.Quantization.Solvers;

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

    /// <summary>Quantizes the model, writes it, and reads it back to measure it.</summary>
    /// <param name="output">The folder to make.</param>
    /// <param name="options">What the run works on, and how; null for the defaults.</param>
    /// <param name="cancellation">Stops the run between two batches or tensors. Finished matrices stay for
    /// <see cref="RunOptions.Resume"/>.</param>
    /// <returns>A report for each packed matrix.</returns>
    /// <exception cref="InvalidFileException">
    /// A weight is not finite, the input of a layer is not, the unfinished run to continue had other inputs, or the written file does not
    /// read back.
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
        using var folder = new OutputFolder(output, run.Replace, run.Resume);
        MemoryEstimate memory = MemoryEstimate.Of(
            plan, run.Calibration?.Sequences.Count ?? CalibrationSet.DefaultSequences, run.Calibration?.Length ?? CalibrationSet.DefaultLength);
        long ceiling = run.MemoryBytes ?? MemoryEstimate.DefaultCeiling;
        memory.Check(plan.Checkpoint.Folder, ceiling);
        CheckWeights(walk);
        CalibrationSet? set = Calibration(run, cancellation), used = plan.Options.Recipe.NeedsCalibration ? set : null;
        progress?.Report(new QuantizationProgress("reading the model", "", 0));
        Fingerprint fingerprint = Fingerprint.Of(plan, used, cancellation);
        if (run.Resume && RunReport.TryRead(output, plan, fingerprint) is { } finished)
        {
            folder.Forget();
            return finished;
        }
        using var journal = Journal.Open(
            folder, plan, fingerprint, result => new FolderDraft(result, plan.Checkpoint, plan.Arrays, plan.Config), run.Trace);
        try
        {
            Solve(journal, set, run, memory.Spills(ceiling) ? folder.Partial : null, walk, cancellation);
            CopyOthers(journal, walk);
            List<QuantizedTensorReport> reports = ReadBack(folder.Result, journal, walk);
            RunReport.Write(folder.Result, plan, fingerprint, used?.Origin, reports, Stopwatch.GetElapsedTime(start).TotalSeconds);
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

    private void Solve(Journal journal, CalibrationSet? set, RunOptions run, string? spillFolder, TensorWalk walk, CancellationToken cancellation)
    {
        var grids = new LayerGrids(plan, NearestPass.SharedTables(plan, walk));
        if (set is not null)
        {
            var blocks = new BlockRun(
                run.Strict, spillFolder, run.Observers, (tensor, fraction) => progress?.Report(new QuantizationProgress("solving", tensor, fraction)), cancellation);
            new BlockPipeline(plan, grids, set, journal, blocks).Run();
        }
        NearestPass.Run(grids, journal, walk);
    }

    // Before any work: what takes hours should not end at a weight that could have been found at once.
    private void CheckWeights(TensorWalk walk) => walk.ForEach("checking the weights", planned =>
    {
        if (planned.Layout is not null)
            plan.CheckFinite(planned);
    });

    private CalibrationSet? Calibration(RunOptions run, CancellationToken cancellation)
    {
        bool needed = plan.Options.Recipe.NeedsCalibration;
        if (!needed && run.Observers.Count == 0)
            return null;
        string folder = plan.Checkpoint.Folder;
        if (NetworkFactory.ShapeOf(plan.Checkpoint, out string architecture) is null)
        {
            string who = needed ? $"the recipe {plan.Options.Recipe.Name} observes" : "the run's observers see";
            throw new UnsupportedModelException(Path.Combine(folder, "config.json"), "calibration-architecture",
                $"{who} the model at work, and the architecture '{architecture}' does not run here", "Take a recipe that needs no data, such as nupes-datafree");
        }
        if (run.Calibration is CalibrationSet given)
            return given;
        progress?.Report(new QuantizationProgress("letting the model write the calibration text", "", 0));
        return CalibrationSet.WrittenBy(LanguageModel.Load(folder), cancellation: cancellation);
    }

    private void CopyOthers(Journal journal, TensorWalk walk)
    {
        walk.ForEach("writing", planned =>
        {
            if (planned.Layout is null)
                journal.Result.Copy(planned.Tensor, plan.Order.Of(planned.Tensor.Name));
        });
        journal.Result.Complete();
    }

    private List<QuantizedTensorReport> ReadBack(string folder, Journal journal, TensorWalk walk)
    {
        var reports = new List<QuantizedTensorReport>();
        walk.ForEach("reading back", planned =>
        {
            string name = planned.Tensor.Name;
            if (planned.Layout is null)
            {
                if (!journal.Result.HoldsCopy(planned.Tensor, plan.Order.Of(name)))
                    throw Differs("the copied tensor does not read back as it was", name);
                return;
            }
            PackedMatrix packed = journal.Read(planned);
            if (!journal.IsAsSolved(name, packed))
                throw Differs("the packed tensor does not read back as it was solved", name);
            reports.Add(new QuantizedTensorReport(name, planned.Layout, packed.Exponents, NearestSolver.Measure(plan.Matrix(planned), packed), journal.ReportOf(name)));
        });
        return reports;

        InvalidFileException Differs(string problem, string tensor) => new(folder, "read-back", problem, "Check the disk and run again", tensor);
    }
}
