using System.Diagnostics;
using Vernier.Errors;
using Vernier.Files;
using Vernier.Files.Checkpoints;
using Vernier.Inference;
using Vernier.Inference.Models;
using Vernier.Levels;
using Vernier.Packing;
using Vernier.Packing.Scalar;
using Vernier.Quantization.Calibration;
using Vernier.Quantization.Recipes;
using Vernier.Quantization.Solvers;
using Vernier.Quantization.Weights;

namespace Vernier.Quantization.Pipeline;

/// <summary>How far a run is.</summary>
/// <param name="Stage">What is being done, in a few words.</param>
/// <param name="Tensor">The tensor in hand.</param>
/// <param name="Fraction">The part of the work that is done, 0 to 1.</param>
public readonly record struct QuantizationProgress(string Stage, string Tensor, double Fraction);

/// <summary>What became of one matrix, measured on the file as written.</summary>
/// <param name="Name">The matrix.</param>
/// <param name="Layout">How it is stored.</param>
/// <param name="Exponents">The exponents of its grids.</param>
/// <param name="Error">How close it is to the original.</param>
/// <param name="Solved">How the solver left it; null where it was rounded without data.</param>
public sealed record QuantizedTensorReport(string Name, PackedLayout Layout, IReadOnlyList<double> Exponents, WeightError Error, SolvedLayerReport? Solved = null);

/// <summary>
/// Carries out a <see cref="QuantizationPlan"/>: without data one tensor in memory at a time, with calibration one block. What is finished goes to the disk at
/// once, so that a run that is killed can be continued.
/// </summary>
public sealed class Quantizer(QuantizationPlan plan, IProgress<QuantizationProgress>? progress = null)
{
    private const int MostBytesBeside = 32 << 20;

    private readonly QuantizationOptions _options = plan.Options;
    private CancellationToken _cancellation;

    /// <summary>
    /// Where the finished matrices of a run that has thrown lie, for <see cref="RunOptions.Resume"/>; null where the run left nothing, or left alone what an
    /// earlier one did.
    /// </summary>
    public string? Unfinished { get; private set; }

    /// <summary>Quantizes the model, writes it, and reads it back to measure it.</summary>
    /// <param name="output">The folder to make.</param>
    /// <param name="options">How to go about it; null for the defaults.</param>
    /// <param name="cancellation">Stops the run between two batches or tensors. Finished matrices stay for <see cref="RunOptions.Resume"/>.</param>
    /// <returns>A report for each packed matrix.</returns>
    /// <exception cref="InvalidFileException">
    /// A weight is not finite, the input of a layer is not, the memory is too little, the unfinished run to continue had other inputs, a layer could not be solved
    /// in a strict run, or the written file does not read back.
    /// </exception>
    /// <exception cref="IOException">The output can't be written, or another run is writing it.</exception>
    /// <exception cref="OperationCanceledException">The run was cancelled.</exception>
    public IReadOnlyList<QuantizedTensorReport> Run(string output, RunOptions? options = null, CancellationToken cancellation = default)
    {
        long start = Stopwatch.GetTimestamp();
        RunOptions run = options ?? new RunOptions();
        _cancellation = cancellation;
        using var folder = new OutputFolder(output, run.Replace, run.Resume);
        CalibrationSet? set = _options.Calibration;
        MemoryEstimate memory = MemoryEstimate.Of(plan, set?.Sequences.Count ?? CalibrationSet.DefaultSequences, set?.Length ?? CalibrationSet.DefaultLength);
        long ceiling = run.MemoryBytes ?? MemoryEstimate.DefaultCeiling;
        memory.Check(plan.Checkpoint.Folder, ceiling);
        CheckWeights();
        set = Calibration();
        progress?.Report(new QuantizationProgress("reading the model", "", 0));
        Fingerprint fingerprint = Fingerprint.Of(plan, set, cancellation);
        if (run.Resume && RunReport.TryRead(output, plan, fingerprint) is { } finished)
        {
            folder.Forget();
            return finished;
        }
        var journal = new Journal(folder.Journal, folder.Result, plan, fingerprint);
        try
        {
            Solve(journal, set, run.Strict, memory.Spills(ceiling) ? folder.Partial : null);
            Write(folder, journal);
            List<QuantizedTensorReport> reports = ReadBack(folder.Result, journal);
            RunReport.Write(folder.Result, plan, fingerprint, set?.Origin, reports, Stopwatch.GetElapsedTime(start).TotalSeconds);
            folder.Complete();
            return reports;
        }
        catch
        {
            Unfinished = journal.Count > 0 ? folder.Partial : null;
            throw;
        }
    }

    private void Solve(Journal journal, CalibrationSet? set, bool strict, string? spillFolder)
    {
        LevelTable[]? shared = _options.Recipe.Grid.Scope == GridScope.Network ? ChooseForNetwork() : null;
        var grids = new LayerGrids(plan, shared);
        if (set is not null)
        {
            var blocks = new BlockRun(strict, spillFolder, (tensor, fraction) => progress?.Report(new QuantizationProgress("solving", tensor, fraction)), _cancellation);
            new BlockPipeline(plan, grids, set, journal, blocks).Run();
        }
        // While a matrix is being rounded the one before it is written, unless that is so large that memory was not estimated for both.
        Task written = Task.CompletedTask;
        try
        {
            ForEachTensor("quantizing", planned =>
            {
                if (planned.Layout is null || journal.Contains(planned.Tensor.Name))
                    return;
                PackedMatrix packed = grids.SolveNearest(planned);
                written.GetAwaiter().GetResult();
                written = Task.Run(() => journal.Add(planned, packed, null));
                if (planned.Layout.StoredBytes > MostBytesBeside)
                    written.GetAwaiter().GetResult();
            });
        }
        finally
        {
            written.GetAwaiter().GetResult();
        }
    }

    // Before any work: what takes hours should not end at a weight that could have been found at once.
    private void CheckWeights() => ForEachTensor("checking the weights", planned =>
    {
        if (planned.Layout is not null)
            plan.CheckFinite(planned);
    });

    private CalibrationSet? Calibration()
    {
        if (!_options.Recipe.NeedsCalibration)
            return null;
        string folder = plan.Checkpoint.Folder;
        if (!ModelSource.Runs(folder, out string architecture))
            throw new InvalidFileException(Path.Combine(folder, "config.json"), "calibration-architecture", $"the recipe {_options.Recipe.Name} observes the model at work, and the architecture '{architecture}' does not run here", "Take a recipe that needs no data, such as nupes-datafree");
        if (_options.Calibration is CalibrationSet given)
            return given;
        progress?.Report(new QuantizationProgress("letting the model write the calibration text", "", 0));
        return CalibrationSet.WrittenBy(LanguageModel.Load(folder), cancellation: _cancellation);
    }

    private LevelTable[] ChooseForNetwork()
    {
        var samples = new List<GranuleSample>();
        GridPart part = _options.Recipe.Grid;
        var search = new GridSearch(part, _options.LinearBits, part.TablesFor(_options.LinearBits), _options.Recipe.Rounding);
        ForEachTensor("searching the grid of the network", planned =>
        {
            if (search.IsNeeded && planned.Role == TensorRole.Linear && planned.Layout is ScalarLayout scalar)
            {
                WeightMatrix matrix = plan.Matrix(planned);
                samples.Add(GranuleSample.Take(matrix, scalar.Granularity, 0, matrix.Rows));
            }
        });
        return search.Choose(samples);
    }

    private void Write(OutputFolder folder, Journal journal)
    {
        ForEachTensor("writing", planned =>
        {
            if (planned.Layout is null)
                TensorBytes.Copy(plan.Checkpoint, planned.Tensor, journal.Result, plan.Order.Of(planned.Tensor.Name));
        });
        journal.Result.Flush();
        File.WriteAllBytes(Path.Combine(folder.Result, "config.json"), plan.Config.Span);
        folder.CopyCompanions(plan.Checkpoint.Folder);
    }

    private List<QuantizedTensorReport> ReadBack(string folder, Journal journal)
    {
        using Checkpoint written = Checkpoint.Open(folder);
        var reports = new List<QuantizedTensorReport>();
        ForEachTensor("reading back", planned =>
        {
            string name = planned.Tensor.Name;
            if (planned.Layout is null)
            {
                if (!written.TryGet(name, out TensorInfo? copy) || !TensorBytes.AreSame(plan.Checkpoint, planned.Tensor, written, copy, plan.Order.Of(name)))
                    throw new InvalidFileException(folder, "read-back", "the copied tensor does not read back as it was", "Check the disk and run again", name);
                return;
            }
            PackedMatrix packed = PackedMatrixReader.Read(written, name, planned.Layout);
            if (ContentHash.OfPieces(packed.ArrayBytes()) != journal.HashOf(name))
                throw new InvalidFileException(folder, "read-back", "the packed tensor does not read back as it was solved", "Check the disk and run again", name);
            WeightError error = NearestSolver.Measure(plan.Matrix(planned), packed);
            reports.Add(new QuantizedTensorReport(name, planned.Layout, packed.Exponents, error, journal.ReportOf(name)));
        });
        return reports;
    }

    private void ForEachTensor(string stage, Action<PlannedTensor> action)
    {
        long done = 0;
        foreach (PlannedTensor planned in plan.Tensors)
        {
            _cancellation.ThrowIfCancellationRequested();
            progress?.Report(new QuantizationProgress(stage, planned.Tensor.Name, (double)done / plan.Parameters));
            action(planned);
            done += planned.Tensor.Count;
        }
        progress?.Report(new QuantizationProgress(stage, "", 1));
    }
}
