using System.Text.Json;
using Vernier.Errors;
using Vernier.Files;
using Vernier.Files.Checkpoints;
using Vernier.Inference.Architectures;
using Vernier.Inference.Configuration;
using Vernier.Inference.Decoders;
using Vernier.Inference.Models;
using Vernier.Inference.Parts;
using Vernier.Inference.Weights;
using Vernier.Numerics;
using Vernier.Packing;
using Vernier.Packing.Configuration;
using Vernier.Quantization.Calibration;
using Vernier.Quantization.Objectives;
using Vernier.Quantization.Transforms;
using Vernier.Quantization.Weights;

namespace Vernier.Quantization.Evaluation;

/// <summary>
/// The relative layer objectives of quantized models, tr((W - Q) H (W - Q)^T) / tr(W H W^T), all on the same H: that of the inputs which the layers have in
/// the float network. What recipes saw themselves, and what they took as targets, does not enter, so that they compare.
/// </summary>
public static class LayerObjectives
{
    /// <summary>Measures models as they were written. One block of the float network is in memory at a time.</summary>
    /// <param name="original">The float model.</param>
    /// <param name="folders">The folders of the quantized models.</param>
    /// <param name="orders">For each folder the order of the channels of its model.</param>
    /// <param name="set">The text on which inputs are observed.</param>
    /// <param name="progress">Told the part that is done, 0 to 1.</param>
    /// <param name="cancellation">Stops between two batches.</param>
    /// <returns>For each folder the objectives of its packed linear layers, by name.</returns>
    /// <exception cref="InvalidFileException">A model does not read.</exception>
    /// <exception cref="OperationCanceledException">The measurement was cancelled.</exception>
    public static IReadOnlyList<IReadOnlyDictionary<string, double>> Measure(
        Checkpoint original, IReadOnlyList<string> folders, IReadOnlyList<ChannelOrder> orders, CalibrationSet set, IProgress<double>? progress = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(original);
        ArgumentNullException.ThrowIfNull(folders);
        ArgumentNullException.ThrowIfNull(orders);
        ModelConfig config = ModelSource.Configuration(original.Folder);
        DecoderAssembly assembly = ArchitectureCatalogue.Assemble(config);
        var weights = new FloatWeightSource(original);
        using var calibration = new BlockCalibration(config, assembly.Embedding(weights), set);
        Model[] models = [.. folders.Zip(orders, Open)];
        try
        {
            for (int layer = 0; layer < config.LayerCount; layer++)
            {
                Block block = assembly.Block(weights, layer);
                IReadOnlyList<IReadOnlyList<string>> groups = BlockCalibration.SharedInputs(block);
                for (int group = 0; group < groups.Count; group++)
                {
                    var gram = new GramMatrix(block[groups[group][0]].Inputs);
                    for (int batch = 0; batch < calibration.Batches; batch++)
                    {
                        cancellation.ThrowIfCancellationRequested();
                        calibration.Observe(block, groups, group, batch, gram.Add);
                    }
                    var objective = new LayerObjective(gram.ToSymmetric(), gram.Columns);
                    foreach (string name in groups[group])
                        MeasureLayer(original, name, objective, models);
                    progress?.Report((layer + (group + 1.0) / groups.Count) / config.LayerCount);
                }
                calibration.Advance(block, cancellation);
            }
        }
        finally
        {
            foreach (Model model in models)
                model.Checkpoint.Dispose();
        }
        return Array.ConvertAll(models, model => model.Objectives);
    }

    private static void MeasureLayer(Checkpoint original, string name, LayerObjective objective, Model[] models)
    {
        if (!original.TryGet(name, out TensorInfo? tensor) || !Array.Exists(models, model => model.Packed.Tensors.ContainsKey(name)))
            return;
        var matrix = new WeightMatrix(original, tensor);
        float[] values = new float[checked(matrix.Rows * matrix.Columns)], quantized = new float[values.Length];
        matrix.ReadNormalized(0, 0, values);
        double whole = objective.Value(values, quantized);
        foreach (Model model in models)
        {
            if (!model.Packed.Tensors.TryGetValue(name, out PackedLayout? layout))
                continue;
            PackedMatrix packed = PackedMatrixReader.Read(model.Checkpoint, name, layout);
            TensorOrder order = model.Order.Of(name) ?? new TensorOrder(null, null);
            ParallelLoop.For(matrix.Rows, row =>
            {
                using var line = new PooledArray<float>(matrix.Columns);
                packed.DequantizeRow(row, line.Span);
                matrix.Normalize(line.Span);
                order.Scatter<float>(line.Span, quantized.AsSpan(order.Row(row) * matrix.Columns, matrix.Columns));
            });
            double value = objective.Value(values, quantized);
            model.Objectives[name] = value == 0 ? 0 : value / whole;
        }
    }

    private static Model Open(string folder, ChannelOrder order)
    {
        string path = Path.Combine(folder, "config.json");
        using JsonDocument document = StrictJson.Parse(path, ModelConfig.MaxFileBytes);
        QuantizationConfig packed = QuantizationConfig.Read(document.RootElement, path) ?? throw new ArgumentException($"the model in {folder} is not quantized", nameof(folder));
        return new Model(Checkpoint.Open(folder), packed, order, new Dictionary<string, double>(StringComparer.Ordinal));
    }

    private sealed record Model(Checkpoint Checkpoint, QuantizationConfig Packed, ChannelOrder Order, Dictionary<string, double> Objectives);
}
