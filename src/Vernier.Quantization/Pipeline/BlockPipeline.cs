using System.Diagnostics;
using System.Runtime.InteropServices;
using Vernier.Files;
using Vernier.Inference;
using Vernier.Packing;
using Vernier.Quantization.Calibration;
using Vernier.Quantization.Objectives;
using Vernier.Quantization.Recipes;
using Vernier.Quantization.Solvers;

namespace Vernier.Quantization.Pipeline;

/// <summary>How the solver left a layer.</summary>
/// <param name="Nearest">The relative layer objective f(Q) / f(0) that rounding to nearest on the same grid leaves.</param>
/// <param name="Objective">The relative layer objective of what was written.</param>
/// <param name="Damping">The damping relative to the mean diagonal of the Gram matrix; 0 where none was needed.</param>
/// <param name="DeadChannels">Input channels that were zero on all calibration tokens.</param>
/// <param name="Fallback">Why the layer was rounded to nearest in place of the recipe's solver; null where it was not.</param>
/// <param name="Seconds">The time the solver took, without calibration.</param>
public sealed record SolvedLayerReport(double Nearest, double Objective, double Damping, int DeadChannels, string? Fallback, double Seconds);

/// <summary>A solved layer.</summary>
internal sealed record SolvedLayer(PackedTensor Packed, SolvedLayerReport Report);

/// <summary>
/// Solves the linear layers of a model block by block: the inputs of a layer are observed behind the quantized layers before it, those of its own block
/// included; one block of the network is in memory at a time.
/// </summary>
internal sealed class BlockPipeline(QuantizationPlan plan, LayerGrids grids, CalibrationSet set, Action<string, double> progress, CancellationToken cancellation)
{
    private const string EmbeddingName = "model.embed_tokens.weight";
    private const double TargetRidge = 0.01;
    private const int SampleTokens = 1024;

    private readonly Dictionary<string, PlannedTensor> _planned = plan.Tensors.ToDictionary(planned => planned.Tensor.Name, StringComparer.Ordinal);
    private readonly LayerSolver _solver = new(plan.Options.Recipe.Solver);
    private readonly bool _networkTarget = plan.Options.Recipe.Target == LayerTarget.Network;
    private readonly bool _needsSamples = plan.Options.Recipe.Solver.Any(step => step.Method == SolverMethod.Dmmv);
    private BlockCalibration? _original;

    /// <summary>Solves all layers that the blocks have.</summary>
    /// <exception cref="InvalidFileException">The model does not run, a weight is not finite, or the input of a layer is not.</exception>
    public Dictionary<string, SolvedLayer> Run()
    {
        var solved = new Dictionary<string, SolvedLayer>(StringComparer.Ordinal);
        ModelConfig config = ModelConfig.Load(plan.Checkpoint.Folder);
        foreach (int[] tokens in set.Sequences)
        {
            if (Array.Exists(tokens, token => (uint)token >= (uint)config.VocabularySize))
                throw new ArgumentException($"the calibration text has a token that is not in the vocabulary of {config.VocabularySize}");
            if (tokens.Length > config.MaxPositions)
                throw new ArgumentException($"calibration sequences of {tokens.Length} tokens are longer than the model's context of {config.MaxPositions}");
        }
        var weights = new FloatWeightSource(plan.Checkpoint);
        BlockCalibration calibration = Embed(config, solved);
        if (_networkTarget)
            _original = new BlockCalibration(config, weights.Embedding(EmbeddingName, config.VocabularySize, config.HiddenSize), set);
        for (int layer = 0; layer < config.LayerCount; layer++)
        {
            Block? original = _networkTarget ? Block.Load(config, weights, layer) : null;
            Block block = Block.Load(config, weights, layer);
            IReadOnlyList<IReadOnlyList<string>> groups = calibration.SharedInputs(block);
            for (int group = 0; group < groups.Count; group++)
            {
                progress(groups[group][0], (layer + (double)group / groups.Count) / config.LayerCount);
                if (groups[group].Any(name => _planned[name].Spec is not null))
                    SolveGroup(calibration, block, original, groups, group, solved);
            }
            if (layer + 1 == config.LayerCount)
                break;
            calibration.Advance(block);
            if (original is not null)
                _original!.Advance(original);
        }
        return solved;
    }

    private BlockCalibration Embed(ModelConfig config, Dictionary<string, SolvedLayer> solved)
    {
        IEmbedding embedding;
        if (_planned[EmbeddingName].Spec is null)
        {
            embedding = new FloatWeightSource(plan.Checkpoint).Embedding(EmbeddingName, config.VocabularySize, config.HiddenSize);
        }
        else
        {
            PackedTensor packed = grids.SolveNearest(_planned[EmbeddingName]);
            solved[EmbeddingName] = new SolvedLayer(packed, new SolvedLayerReport(0, 0, 0, 0, null, 0));
            embedding = new PackedEmbedding(packed);
        }
        return new BlockCalibration(config, embedding, set);
    }

    private void SolveGroup(BlockCalibration calibration, Block block, Block? original, IReadOnlyList<IReadOnlyList<string>> groups, int group, Dictionary<string, SolvedLayer> solved)
    {
        string first = groups[group][0];
        var gram = new GramMatrix(block.Linears[first].Inputs);
        InputSample? sample = _needsSamples ? new InputSample(gram.Columns, (long)set.Sequences.Count * set.Length, SampleTokens) : null;
        CrossGram? cross = original is null ? null : new CrossGram(gram.Columns);
        var inputs = new List<float>();
        for (int batch = 0; batch < calibration.Batches; batch++)
        {
            cancellation.ThrowIfCancellationRequested();
            inputs.Clear();
            if (original is not null)
                _original!.Observe(original, groups, group, batch, (y, rows) => inputs.AddRange(y[..(rows * gram.Columns)]));
            int seen = 0;
            calibration.Observe(block, groups, group, batch, (x, rows) =>
            {
                gram.Add(x, rows);
                sample?.Add(x, rows);
                cross?.Add(CollectionsMarshal.AsSpan(inputs)[seen..], x, rows);
                seen += rows * gram.Columns;
            });
        }
        if (gram.NotFinite is [int channel, ..])
        {
            throw new InvalidFileException(plan.Checkpoint.FileOf(_planned[first].Tensor), "calibration-not-finite",
                $"on the calibration text, channel {channel} of its input is not a finite number", "Check that the model runs on that text, or calibrate on another", first);
        }
        var objective = new LayerObjective(gram.ToSymmetric(), gram.Columns);
        foreach (string name in groups[group].Where(name => _planned[name].Spec is not null))
        {
            cancellation.ThrowIfCancellationRequested();
            SolvedLayer layer = Solve(_planned[name], objective, cross, sample?.ToArray() ?? []);
            float[]? bias = block.Linears[name] is FloatLinear { Bias.IsEmpty: false } linear ? linear.Bias.ToArray() : null;
            block.Replace(name, new PackedLinear(layer.Packed, bias, PackedArithmetic.Float));
            solved[name] = layer;
        }
    }

    private SolvedLayer Solve(PlannedTensor planned, LayerObjective objective, CrossGram? cross, float[] samples)
    {
        long start = Stopwatch.GetTimestamp();
        var matrix = new WeightMatrix(plan.Checkpoint, planned.Tensor);
        var values = new float[checked(matrix.Rows * matrix.Columns)];
        matrix.ReadNormalized(0, 0, values);
        var problem = new LayerProblem(planned.Spec!, grids.Choose(planned, matrix), grids.FitOf(planned.Role), cross?.Correct(values, objective.Gram, TargetRidge) ?? values, objective, samples);
        LayerResult result = _solver.Solve(problem);
        var report = new SolvedLayerReport(result.Nearest, result.Objective, result.Damping, result.DeadChannels, result.Fallback, Stopwatch.GetElapsedTime(start).TotalSeconds);
        return new SolvedLayer(result.Solution.Pack(matrix.Shift), report);
    }
}
