using Vernier.Files;
using Vernier.Grids;
using Vernier.Grids.Uniform;
using Vernier.Packing;
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
public sealed record QuantizedTensorReport(string Name, PackedTensorSpec Spec, IReadOnlyList<double> Exponents, WeightError Error);

/// <summary>Carries out a <see cref="QuantizationPlan"/>: one tensor in memory at a time.</summary>
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
        using (var writer = new CheckpointWriter(folder.Partial, plan.Arrays))
        {
            ForEachTensor("quantizing", planned =>
            {
                if (planned.Spec is null)
                    Copy(writer, planned.Tensor);
                else
                    Write(writer, planned, Solve(planned, planned.Spec, shared));
            });
            writer.Complete();
        }
        File.WriteAllBytes(Path.Combine(folder.Partial, "config.json"), plan.Config.Span);
        folder.CopyCompanions(plan.Checkpoint.Folder);
        IReadOnlyList<QuantizedTensorReport> reports = ReadBack(folder.Partial);
        folder.Complete();
        return reports;
    }

    private PackedTensor Solve(PlannedTensor planned, PackedTensorSpec spec, LevelTable[]? shared)
    {
        var matrix = new WeightMatrix(plan.Checkpoint, planned.Tensor);
        GridPart part = QuantizationPlan.GridOf(planned.Role, _options.Recipe);
        var search = new GridSearch(part, spec.Bits, spec.Tables, _options.Recipe.Rounding);
        var grids = new List<LevelTable>();
        for (int row = 0; row < spec.Rows; row += spec.RowsPerGrid)
        {
            LevelTable[] tables = planned.Role == TensorRole.Linear && shared is not null ? shared
                : search.Choose(search.IsNeeded ? [GranuleSample.Take(matrix, spec.Granularity, row, Math.Min(spec.RowsPerGrid, spec.Rows - row))] : []);
            grids.AddRange(tables);
        }
        return new NearestSolver(FitOf(part)).Solve(matrix, spec, [.. grids], default);
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

    private List<QuantizedTensorReport> ReadBack(string folder)
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
            WeightError error = NearestSolver.Measure(new WeightMatrix(plan.Checkpoint, planned.Tensor), packed);
            reports.Add(new QuantizedTensorReport(planned.Tensor.Name, planned.Spec, [.. packed.Grids.Select(grid => grid.Exponent)], error));
        });
        return reports;
    }

    private IScaleFit FitOf(GridPart part)
    {
        bool search = _options.Recipe.Scale == ScaleRule.Search;
        if (part.Layouts.Contains(LevelLayout.Asymmetric))
            return search ? new AffineScaleSearch() : new AffineScaleSearch(steps: 1);
        return search ? new ScaleSearch(part.Mirror, _options.Recipe.PreserveNorm) : new LargestScale(part.Mirror);
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
