using System.Diagnostics;
using Vernier.Errors;
using Vernier.Inference.Architectures;
using Vernier.Inference.Configuration;
using Vernier.Inference.Models;
using Vernier.Inference.Parts;
using Vernier.Inference.Weights;
using Vernier.Numerics;
using Vernier.Packing.Scalar;
using Vernier.Quantization.Calibration;
using Vernier.Quantization.Compensators;
using Vernier.Quantization.Objectives;
using Vernier.Quantization.Recipes;
using Vernier.Quantization.Solvers;
using Vernier.Quantization.Transforms;
using Vernier.Quantization.Weights;

namespace Vernier.Quantization.Pipeline;

/// <summary>How the solver left a layer.</summary>
/// <param name="Nearest">The relative layer objective f(Q) / f(0) that rounding to nearest on the same grid leaves.</param>
/// <param name="Objective">The relative layer objective of what was written.</param>
/// <param name="Damping">The damping relative to the mean diagonal of the Gram matrix; 0 where none was needed.</param>
/// <param name="DeadChannels">Input channels that were zero on all calibration tokens.</param>
/// <param name="Fallback">Why the layer was rounded to nearest in place of the recipe's solver; null where it was not.</param>
/// <param name="Seconds">The time the solver took, without calibration.</param>
public sealed record SolvedLayerReport(double Nearest, double Objective, double Damping, int DeadChannels, string? Fallback, double Seconds);

/// <summary>How the blocks are gone through.</summary>
/// <param name="Strict">Whether to stop where a layer can't be solved as the recipe says.</param>
/// <param name="SpillFolder">The folder for activations; null to keep them in memory.</param>
/// <param name="Progress">Told the layer in hand and the part of the work that is done.</param>
/// <param name="Cancellation">Stops between two batches or layers.</param>
internal sealed record BlockRun(bool Strict, string? SpillFolder, Action<string, double> Progress, CancellationToken Cancellation);

/// <summary>
/// Solves the linear layers of a model block by block: the inputs of a layer are observed behind the quantized layers before it, those of its own block
/// included; one block of the network is in memory at a time. Layers that the journal holds are taken from there, and the inputs of those that follow come out
/// as they would have.
/// </summary>
internal sealed class BlockPipeline(QuantizationPlan plan, LayerGrids grids, CalibrationSet set, Journal journal, BlockRun run)
{
    private const string EmbeddingName = "model.embed_tokens.weight";
    private const double TargetRidge = 0.01;

    /// <summary>The tokens whose inputs solvers see that look at single ones.</summary>
    public const int SampleTokens = 1024;

    private readonly Dictionary<string, PlannedTensor> _planned = plan.Tensors.ToDictionary(planned => planned.Tensor.Name, StringComparer.Ordinal);
    private readonly LayerSolver _solver = new(plan.Options.Recipe.Solver);
    private readonly bool _needsSamples = plan.Options.Recipe.Solver.Any(step => step.Method == SolverMethod.Dmmv);
    private readonly IWeightSource _weights = plan.Order.IsEmpty ? new FloatWeightSource(plan.Checkpoint) : new ReorderedWeights(new FloatWeightSource(plan.Checkpoint), plan.Order);

    /// <summary>Solves all layers that the blocks have.</summary>
    /// <exception cref="InvalidFileException">The model does not run, the input of a layer is not finite, or a layer can't be solved in a strict run.</exception>
    public void Run()
    {
        ModelConfig config = ModelSource.Configuration(plan.Checkpoint.Folder);
        CheckTokens(config);
        CheckRestored();
        using BlockCalibration calibration = Embed(config);
        using BlockCalibration? original = plan.Options.Recipe.Target == LayerTarget.Network
            ? new BlockCalibration(config, new CheckpointEmbedding(plan.Checkpoint, _planned[EmbeddingName].Tensor), set, SpillFile("original"))
            : null;
        for (int layer = 0; layer < config.LayerCount; layer++)
        {
            SolveBlock(config, layer, calibration, original);
            HeapMemory.Release();
        }
    }

    // The block and its arrays are out of scope when this returns, so that the next finds their memory free.
    private void SolveBlock(ModelConfig config, int layer, BlockCalibration calibration, BlockCalibration? original)
    {
        Block block = ArchitectureCatalogue.Assemble(config).Block(_weights, layer);
        IReadOnlyList<IReadOnlyList<string>> groups = BlockCalibration.SharedInputs(block);
        Block? target = original is null ? null : ArchitectureCatalogue.Assemble(config).Block(_weights, layer);
        for (int group = 0; group < groups.Count; group++)
        {
            run.Progress(groups[group][0], (layer + (double)group / groups.Count) / config.LayerCount);
            PlannedTensor[] packed = [.. groups[group].Select(name => _planned[name]).Where(planned => planned.Layout is not null)];
            PlannedTensor[] open = [.. packed.Where(planned => !journal.Contains(planned.Tensor.Name))];
            if (open.Length > 0)
                SolveGroup(new LayerGroup(block, groups, group), target, open, calibration, original);
            foreach (PlannedTensor planned in packed)
                Replace(block, planned);
        }
        if (layer + 1 == config.LayerCount)
            return;
        calibration.Advance(block, run.Cancellation);
        if (target is not null)
            original!.Advance(target, run.Cancellation);
    }

    private void SolveGroup(LayerGroup group, Block? target, PlannedTensor[] open, BlockCalibration calibration, BlockCalibration? original)
    {
        (GramMatrix gram, CrossGram? cross, InputSample? sample) = Observe(group, target, calibration, original);
        if (gram.NotFinite is [int channel, ..])
        {
            throw new InvalidFileException(plan.Checkpoint.FileOf(open[0].Tensor), "calibration-not-finite",
                $"on the calibration text, channel {channel} of its input is not a finite number", "Check that the model runs on that text, or calibrate on another", group.First);
        }
        var objective = new LayerObjective(gram.ToSymmetric(), gram.Columns);
        float[] samples = sample?.ToArray() ?? [];
        foreach (PlannedTensor planned in open)
        {
            run.Cancellation.ThrowIfCancellationRequested();
            Solve(planned, objective, cross, samples);
            HeapMemory.Release(objective.Gram.LongLength * sizeof(double));
        }
    }

    private (GramMatrix Gram, CrossGram? Cross, InputSample? Sample) Observe(LayerGroup group, Block? target, BlockCalibration calibration, BlockCalibration? original)
    {
        int columns = group.Block[group.First].Inputs;
        var gram = new GramMatrix(columns);
        InputSample? sample = _needsSamples ? new InputSample(columns, (long)set.Sequences.Count * set.Length, SampleTokens) : null;
        if (target is null)
        {
            for (int batch = 0; batch < calibration.Batches; batch++)
            {
                run.Cancellation.ThrowIfCancellationRequested();
                calibration.Observe(group.Block, group.All, group.Index, batch, (x, rows) =>
                {
                    gram.Add(x, rows);
                    sample?.Add(x, rows);
                });
            }
            return (gram, null, sample);
        }
        var cross = new CrossGram(columns);
        for (int batch = 0; batch < calibration.Batches; batch++)
        {
            run.Cancellation.ThrowIfCancellationRequested();
            using var inputs = new PooledArray<float>(calibration.Rows(batch) * columns);
            Memory<float> expected = inputs.Memory;
            int seen = 0;
            original!.Observe(target, group.All, group.Index, batch, (y, rows) =>
            {
                y[..(rows * columns)].CopyTo(expected.Span[seen..]);
                seen += rows * columns;
            });
            seen = 0;
            calibration.Observe(group.Block, group.All, group.Index, batch, (x, rows) =>
            {
                gram.Add(x, rows);
                sample?.Add(x, rows);
                cross.Add(expected.Span[seen..], x, rows);
                seen += rows * columns;
            });
        }
        return (gram, cross, sample);
    }

    private void Solve(PlannedTensor planned, LayerObjective objective, CrossGram? cross, float[] samples)
    {
        long start = Stopwatch.GetTimestamp();
        WeightMatrix matrix = plan.Matrix(planned);
        float[] values = matrix.ReadNormalized();
        float[]? corrected = cross?.Correct(values, objective.Gram, TargetRidge);
        MatrixResult result = Compensated(Solve(planned, matrix, corrected ?? values, objective, samples), corrected ?? values, matrix.Shift, objective);
        if (result.Fallback is null && cross is not null && corrected is null)
            result = result with { Fallback = "its Gram matrix can't be factored: its own weights were the target in place of the network's" };
        if (result.Fallback is string reason)
            CheckStrict(planned, reason);
        var report = new SolvedLayerReport(result.Nearest, result.Objective, result.Damping, objective.DeadChannels.Count, result.Fallback, Stopwatch.GetElapsedTime(start).TotalSeconds);
        journal.Add(planned, result.Matrix, report);
    }

    private MatrixResult Compensated(MatrixResult result, float[] values, int shift, LayerObjective objective)
    {
        if (result.Matrix.Layout.Rank == 0)
            return result;
        float[] quantized = LowRankSolver.Compensate(result.Matrix, values, shift, plan.Options.Recipe.LowRank!.Weighted ? objective.Diagonal : null);
        return result with { Objective = objective.Relative(values, quantized) };
    }

    private MatrixResult Solve(PlannedTensor planned, WeightMatrix matrix, float[] values, LayerObjective objective, float[] samples)
    {
        Recipe recipe = plan.Options.Recipe;
        if (planned.Layout is not ScalarLayout scalar)
            return GridMethod.Of(recipe)!.Solve(new MatrixProblem(planned.Layout!, values, matrix.Shift, objective), recipe);
        LayerResult result = _solver.Solve(new LayerProblem(scalar, grids.Choose(planned, matrix, objective), grids.FitOf(planned.Role), values, objective, samples));
        return new MatrixResult(result.Solution.Pack(matrix.Shift), result.Nearest, result.Objective, result.Damping, result.Fallback);
    }

    private void Replace(Block block, PlannedTensor planned)
    {
        string name = planned.Tensor.Name;
        float[]? bias = block[name].Layer is FloatLinear { Bias.IsEmpty: false } linear ? linear.Bias.ToArray() : null;
        block[name].Layer = new PackedLinear(journal.Read(planned), bias, PackedArithmetic.Float);
    }

    private BlockCalibration Embed(ModelConfig config)
    {
        PlannedTensor table = _planned[EmbeddingName];
        if (table.Layout is null)
            return new BlockCalibration(config, new CheckpointEmbedding(plan.Checkpoint, table.Tensor), set, SpillFile("activations"));
        if (!journal.Contains(EmbeddingName))
            journal.Add(table, grids.SolveNearest(table), null);
        return new BlockCalibration(config, new PackedEmbedding(journal.Read(table)), set, SpillFile("activations"));
    }

    private string? SpillFile(string name) => run.SpillFolder is null ? null : Path.Combine(run.SpillFolder, name);

    private void CheckTokens(ModelConfig config)
    {
        foreach (int[] tokens in set.Sequences)
        {
            if (Array.Exists(tokens, token => (uint)token >= (uint)config.VocabularySize))
                throw new ArgumentException($"the calibration text has a token that is not in the vocabulary of {config.VocabularySize}");
            if (tokens.Length > config.MaxPositions)
                throw new ArgumentException($"calibration sequences of {tokens.Length} tokens are longer than the model's context of {config.MaxPositions}");
        }
    }

    // What a run that was not strict has left behind is no better for a strict one.
    private void CheckRestored()
    {
        foreach (PlannedTensor planned in plan.Tensors.Where(planned => journal.Contains(planned.Tensor.Name)))
        {
            if (journal.ReportOf(planned.Tensor.Name)?.Fallback is string reason)
                CheckStrict(planned, reason);
        }
    }

    private void CheckStrict(PlannedTensor planned, string reason)
    {
        if (run.Strict)
            throw new InvalidFileException(plan.Checkpoint.FileOf(planned.Tensor), "strict-fallback", reason, "Go on with --resume and without --strict, which rounds it to nearest, or leave the tensor as it is with --keep", planned.Tensor.Name);
    }

    /// <summary>Layers of a block that have the same input.</summary>
    private sealed record LayerGroup(Block Block, IReadOnlyList<IReadOnlyList<string>> All, int Index)
    {
        public string First => All[Index][0];
    }
}
