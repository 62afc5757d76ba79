using System.Diagnostics;
using Vernier.Errors;
using Vernier.Inference.Weights;
using Vernier.Quantization.Calibration;
using Vernier.Quantization.Networks;
using Vernier.Quantization.Recipes;
using Vernier.Quantization.Solvers;
using Vernier.Quantization.Transforms;

namespace Vernier.Quantization.Pipeline;

/// <summary>How the stages are gone through.</summary>
/// <param name="Strict">Whether to stop where a layer can't be solved as the recipe says.</param>
/// <param name="SpillFolder">The folder for activations; null to keep them in memory.</param>
/// <param name="Observers">Who looks at the inputs of the layers beside the recipe.</param>
/// <param name="Progress">Told the layer in hand and the part of the work that is done.</param>
/// <param name="Cancellation">Stops between two batches or layers.</param>
internal sealed record StageRun(
    bool Strict, string? SpillFolder, IReadOnlyList<IActivationObserver> Observers, Action<string, double> Progress,
        CancellationToken Cancellation);

/// <summary>
/// Solves the linear layers of a network stage by stage, group by group: the inputs of a layer are observed behind the quantized layers
/// before it, those of its own stage
/// included; one stage of the network is in memory at a time. Layers that the journal holds are taken from there, and the inputs of those
/// that follow come out
/// as they would have.
/// </summary>
internal sealed class StagePipeline(QuantizationPlan plan, TensorSolver solver, CalibrationSet set, Journal journal, StageRun run)
{
    private readonly Dictionary<string, TensorPlan> _planned = plan.Tensors.ToDictionary(planned => planned.Name, StringComparer.Ordinal);
    private readonly LayerSolving _solving = new(plan, solver);
    private readonly int _samples = plan.Options.Recipe.Solver.Max(step => step.Samples);

    /// <summary>Solves all layers of the network, and its tables.</summary>
    /// <exception cref="InvalidFileException">The model does not run, or the input of a layer is not finite.</exception>
    /// <exception cref="StrictRunException">A layer can't be solved, and the run is strict.</exception>
    public void Run()
    {
        using INetwork network = Open();
        CheckRestored();
        RoundTables(network);
        network.Begin(SpillFile("activations"), run.Cancellation);
        using INetwork? original = plan.Options.Recipe.Target == LayerTarget.Network ? Open() : null;
        original?.Begin(SpillFile("original"), run.Cancellation);
        for (int stage = 0; stage < network.Shape.Stages.Count; stage++)
        {
            SolveStage(network, original, stage);
            HeapMemory.Release();
        }
    }

    private INetwork Open() => NetworkFactory.Open(
        plan.Model, set.Sequences, plan.Order.IsEmpty ? null
            : new ReorderedWeights(new FloatWeightSource(plan.Checkpoint), plan.Order), plan.Workers);

    // What turns samples into activations is rounded first, so that the layers see what comes out of it.
    private void RoundTables(INetwork network)
    {
        foreach (TensorPlan table in network.Shape.Tables.Select(name => _planned[name]).Where(table => table.Layout is not null))
        {
            if (!journal.Contains(table.Name))
                journal.Add(table, solver.SolveNearest(table), null);
            network.ReplaceTable(table.Name, journal.Read(table));
        }
    }

    // The stage and its arrays are out of scope when this returns, so that the next finds their memory free.
    private void SolveStage(INetwork network, INetwork? original, int index)
    {
        int stages = network.Shape.Stages.Count;
        INetworkStage stage = network.Load(index);
        INetworkStage? target = original?.Load(index);
        foreach (LayerGroup group in stage.Groups)
        {
            run.Progress(group.Name, (index + (double)group.Index / stage.Groups.Count) / stages);
            TensorPlan[] packed = [.. group.Layers.Select(layer => _planned[layer.Name]).Where(planned => planned.Layout is not null)];
            TensorPlan[] open = [.. packed.Where(planned => !journal.Contains(planned.Name))];
            if (open.Length > 0 || run.Observers.Count > 0)
                SolveGroup(group, open, network, stage, target);
            foreach (TensorPlan planned in packed)
                stage.Replace(planned.Name, journal.Read(planned));
        }
        if (index + 1 == stages)
            return;
        stage.Advance(run.Cancellation);
        target?.Advance(run.Cancellation);
    }

    private void SolveGroup(LayerGroup group, TensorPlan[] open, INetwork network, INetworkStage stage, INetworkStage? target)
    {
        bool data = plan.Options.Recipe.NeedsCalibration && open.Length > 0;
        GroupObservation? seen = data ? new GroupObservation(group, network.Rows, target is not null, _samples, plan.Workers) : null;
        for (int batch = 0; batch < network.Batches; batch++)
        {
            run.Cancellation.ThrowIfCancellationRequested();
            seen?.BeginBatch(target, batch);
            stage.Observe(group, batch, [.. seen?.Observers ?? [], .. run.Observers]);
        }
        if (seen is null)
            Round(open);
        else
            Solve(group, open, seen);
    }

    private void Round(TensorPlan[] open)
    {
        foreach (TensorPlan planned in open)
            journal.Add(planned, solver.SolveNearest(planned), null);
    }

    private void Solve(LayerGroup group, TensorPlan[] open, GroupObservation seen)
    {
        if (seen.NotFinite is int channel)
        {
            throw new InvalidFileException(plan.Checkpoint.FileOf(open[0].Tensor), "calibration-not-finite",
                $"on the calibration text, channel {channel} of its input is not a finite number",
                    "Check that the model runs on that text, or calibrate on another", group.Name);
        }
        var problem = new LayerData(seen.Objective(), seen.Cross, seen.Samples);
        foreach (TensorPlan planned in open)
        {
            run.Cancellation.ThrowIfCancellationRequested();
            Solve(planned, problem, seen.Rows);
            HeapMemory.Release(problem.Objective.Gram.LongLength * sizeof(double));
        }
    }

    private void Solve(TensorPlan planned, LayerData data, long tokens)
    {
        long start = Stopwatch.GetTimestamp();
        MatrixOutcome outcome = _solving.Solve(planned, data, run.Cancellation);
        if (outcome.Report.Fallback is Fallback fallback)
            CheckStrict(planned, fallback);
        journal.Add(planned, outcome.Matrix,
            outcome.Report with { Seconds = Stopwatch.GetElapsedTime(start).TotalSeconds, Tokens = tokens });
    }

    private string? SpillFile(string name) => run.SpillFolder is null ? null : Path.Combine(run.SpillFolder, name);

    // What a run that was not strict has left behind is no better for a strict one.
    private void CheckRestored()
    {
        foreach (TensorPlan planned in plan.Tensors.Where(planned => journal.Contains(planned.Name)))
        {
            if (journal.ReportOf(planned.Name)?.Fallback is Fallback fallback)
                CheckStrict(planned, fallback);
        }
    }

    private void CheckStrict(TensorPlan planned, Fallback fallback)
    {
        if (run.Strict)
            throw new StrictRunException(plan.Checkpoint.FileOf(planned.Tensor), fallback.Message, planned.Name);
    }
}
