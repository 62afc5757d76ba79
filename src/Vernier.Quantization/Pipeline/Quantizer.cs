using Vernier.Files;
using Vernier.Grids;
using Vernier.Inference;
using Vernier.Packing;
using Vernier.Quantization.Calibration;
using Vernier.Quantization.Recipes;
using Vernier.Quantization.Solvers;

namespace Vernier.Quantization.Pipeline;

/// <summary>How far a run is.</summary>
/// <param name="Stage">What is being done, in a few words.</param>
/// <param name="Tensor">The tensor in hand.</param>
/// <param name="Fraction">The part of the work that is done, 0 to 1.</param>
public readonly record struct QuantizationProgress(string Stage, string Tensor, double Fraction);

/// <summary>What became of one matrix, measured on the file as written.</summary>
/// <param name="Name">The matrix.</param>
/// <param name="Spec">How it is packed.</param>
/// <param name="Exponents">The exponents of its grids.</param>
/// <param name="Error">How close it is to the original.</param>
/// <param name="Solved">How the solver left it; null where it was rounded without data.</param>
public sealed record QuantizedTensorReport(string Name, PackedTensorSpec Spec, IReadOnlyList<double> Exponents, WeightError Error, SolvedLayerReport? Solved = null);

/// <summary>
/// Carries out a <see cref="QuantizationPlan"/>: without data one tensor in memory at a time, with calibration one block and what is packed already.
/// </summary>
public sealed class Quantizer(QuantizationPlan plan, IProgress<QuantizationProgress>? progress = null)
{
    private readonly QuantizationOptions _options = plan.Options;
    private CancellationToken _cancellation;

    /// <summary>Quantizes the model, writes it, and reads it back to measure it.</summary>
    /// <param name="output">The folder to make.</param>
    /// <param name="replace">Whether a folder of that name may be replaced.</param>
    /// <param name="cancellation">Stops the run between two tensors; then nothing is left of the output.</param>
    /// <returns>A report for each packed matrix.</returns>
    /// <exception cref="InvalidFileException">A weight is not finite, or the written file does not read back.</exception>
    /// <exception cref="IOException">The output can't be written.</exception>
    /// <exception cref="OperationCanceledException">The run was cancelled.</exception>
    public IReadOnlyList<QuantizedTensorReport> Run(string output, bool replace = false, CancellationToken cancellation = default)
    {
        _cancellation = cancellation;
        using var folder = new OutputFolder(output, replace);
        LevelTable[]? shared = _options.Recipe.Grid.Scope == GridScope.Network ? ChooseForNetwork() : null;
        var grids = new LayerGrids(plan, shared);
        Dictionary<string, SolvedLayer> solved = SolveBlocks(grids);
        using (var writer = new CheckpointWriter(folder.Partial, plan.Arrays))
        {
            ForEachTensor(solved.Count > 0 ? "writing" : "quantizing", planned =>
            {
                if (planned.Spec is null)
                    Copy(writer, planned.Tensor);
                else
                    Write(writer, planned, solved.TryGetValue(planned.Tensor.Name, out SolvedLayer? layer) ? layer.Packed : grids.SolveNearest(planned));
            });
            writer.Complete();
        }
        File.WriteAllBytes(Path.Combine(folder.Partial, "config.json"), plan.Config.Span);
        folder.CopyCompanions(plan.Checkpoint.Folder);
        IReadOnlyList<QuantizedTensorReport> reports = ReadBack(folder.Partial, solved);
        folder.Complete();
        return reports;
    }

    private Dictionary<string, SolvedLayer> SolveBlocks(LayerGrids grids)
    {
        if (!_options.Recipe.NeedsCalibration)
            return [];
        string folder = plan.Checkpoint.Folder;
        if (!ModelConfig.TryGetFamily(folder, out _, out string architecture))
            throw new InvalidFileException(Path.Combine(folder, "config.json"), "calibration-architecture", $"the recipe {_options.Recipe.Name} observes the model at work, and the architecture '{architecture}' does not run here", "Take a recipe that needs no data, such as nupes-datafree");
        CalibrationSet? set = _options.Calibration;
        if (set is null)
        {
            progress?.Report(new QuantizationProgress("letting the model write the calibration text", "", 0));
            set = CalibrationSet.WrittenBy(LanguageModel.Load(folder), cancellation: _cancellation);
        }
        return new BlockPipeline(plan, grids, set, (tensor, fraction) => progress?.Report(new QuantizationProgress("solving", tensor, fraction)), _cancellation).Run();
    }

    private LevelTable[] ChooseForNetwork()
    {
        var samples = new List<GranuleSample>();
        GridPart part = _options.Recipe.Grid;
        var search = new GridSearch(part, _options.Bits, part.TablesFor(_options.Bits), _options.Recipe.Rounding);
        ForEachTensor("searching the grid of the network", planned =>
        {
            if (search.IsNeeded && planned.Role == TensorRole.Linear && planned.Spec is not null)
            {
                var matrix = new WeightMatrix(plan.Checkpoint, planned.Tensor);
                samples.Add(GranuleSample.Take(matrix, planned.Spec.Granularity, 0, matrix.Rows));
            }
        });
        return search.Choose(samples);
    }

    private List<QuantizedTensorReport> ReadBack(string folder, Dictionary<string, SolvedLayer> solved)
    {
        using Checkpoint written = Checkpoint.Open(folder);
        var reports = new List<QuantizedTensorReport>();
        ForEachTensor("reading back", planned =>
        {
            if (planned.Spec is null)
            {
                if (!written.TryGet(planned.Tensor.Name, out TensorInfo? copy) || !SameBytes(plan.Checkpoint, planned.Tensor, written, copy))
                    throw new InvalidFileException(folder, "read-back", "the copied tensor does not read back as it was", "Check the disk and run again", planned.Tensor.Name);
                return;
            }
            PackedTensor packed = PackedTensorReader.Read(written, planned.Tensor.Name, planned.Spec);
            solved.TryGetValue(planned.Tensor.Name, out SolvedLayer? layer);
            if (layer is not null && !packed.ArrayBytes().Zip(layer.Packed.ArrayBytes()).All(pair => pair.First.Span.SequenceEqual(pair.Second.Span)))
                throw new InvalidFileException(folder, "read-back", "the packed tensor does not read back as it was solved", "Check the disk and run again", planned.Tensor.Name);
            WeightError error = NearestSolver.Measure(new WeightMatrix(plan.Checkpoint, planned.Tensor), packed);
            reports.Add(new QuantizedTensorReport(planned.Tensor.Name, planned.Spec, [.. packed.Grids.Select(grid => grid.Exponent)], error, planned.Role == TensorRole.Linear ? layer?.Report : null));
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

    private static void Write(CheckpointWriter writer, PlannedTensor planned, PackedTensor packed)
    {
        foreach ((TensorInfo array, ReadOnlyMemory<byte> bytes) in packed.Spec.Arrays(planned.Tensor.Name).Zip(packed.ArrayBytes()))
            writer.Write(array.Name, bytes.Span);
    }

    private void Copy(CheckpointWriter writer, TensorInfo tensor)
    {
        var buffer = new byte[(int)Math.Min(tensor.Bytes, 1 << 20)];
        for (long position = 0; position < tensor.Bytes; position += buffer.Length)
        {
            Span<byte> chunk = buffer.AsSpan(0, (int)Math.Min(buffer.Length, tensor.Bytes - position));
            plan.Checkpoint.ReadBytes(tensor, position, chunk);
            writer.Write(tensor.Name, chunk);
        }
    }

    private static bool SameBytes(Checkpoint left, TensorInfo leftTensor, Checkpoint right, TensorInfo rightTensor)
    {
        if (leftTensor.Type != rightTensor.Type || !leftTensor.Shape.SequenceEqual(rightTensor.Shape))
            return false;
        byte[] a = new byte[(int)Math.Min(leftTensor.Bytes, 1 << 20)], b = new byte[a.Length];
        for (long position = 0; position < leftTensor.Bytes; position += a.Length)
        {
            int count = (int)Math.Min(a.Length, leftTensor.Bytes - position);
            left.ReadBytes(leftTensor, position, a.AsSpan(0, count));
            right.ReadBytes(rightTensor, position, b.AsSpan(0, count));
            if (!a.AsSpan(0, count).SequenceEqual(b.AsSpan(0, count)))
                return false;
        }
        return true;
    }
}
