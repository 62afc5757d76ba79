using Vernier.Errors;
using Vernier.Files;
using Vernier.Files.Checkpoints;
using Vernier.Inference.Models;
using Vernier.Memory;
using Vernier.Numerics;
using Vernier.Packing;
using Vernier.Packing.Configuration;
using Vernier.Quantization.Calibration;
using Vernier.Quantization.Networks;
using Vernier.Quantization.Objectives;
using Vernier.Quantization.Transforms;
using Vernier.Quantization.Weights;

namespace Vernier.Quantization.Evaluation;

/// <summary>
/// The relative layer objectives of quantized models, tr((W - Q) H (W - Q)^T) / tr(W H W^T), all on the same H: that of the inputs which
/// the layers have in the float network. What recipes saw themselves, and what they took as targets, does not enter, so that they compare.
/// </summary>
public static class LayerObjectives
{
    /// <summary>Measures models as they were written. One stage of the float network is in memory at a time.</summary>
    /// <param name="original">The float model.</param>
    /// <param name="folders">The folders of the quantized models.</param>
    /// <param name="orders">For each folder the order of the channels of its model.</param>
    /// <param name="set">The text on which inputs are observed.</param>
    /// <param name="progress">Told the part that is done, 0 to 1.</param>
    /// <param name="workers">Who measures; null for all processors.</param>
    /// <param name="cancellation">Stops between two batches.</param>
    /// <returns>For each folder the objectives of its packed linear layers, by name.</returns>
    /// <exception cref="InvalidFileException">A model does not read.</exception>
    /// <exception cref="OperationCanceledException">The measurement was cancelled.</exception>
    public static IReadOnlyList<IReadOnlyDictionary<string, double>> Measure(
        Model original, IReadOnlyList<string> folders, IReadOnlyList<ChannelOrder> orders, CalibrationSet set,
        IProgress<double>? progress = null, Workers? workers = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(original);
        ArgumentNullException.ThrowIfNull(folders);
        ArgumentNullException.ThrowIfNull(orders);
        Workers all = workers ?? Workers.Shared;
        using INetwork network = NetworkFactory.Open(original, set.Sequences, workers: all);
        network.Begin(cancellation: cancellation);
        Quantized[] models = [.. folders.Zip(orders, Open)];
        try
        {
            for (int index = 0; index < network.Shape.Stages.Count; index++)
            {
                INetworkStage stage = network.Load(index);
                foreach (LayerGroup group in stage.Groups)
                {
                    LayerObjective objective = Observe(network, stage, group, all, cancellation);
                    foreach (LayerShape layer in group.Layers)
                        MeasureLayer(original.Checkpoint, layer.Name, objective, models);
                    progress?.Report((index + (group.Index + 1.0) / stage.Groups.Count) / network.Shape.Stages.Count);
                }
                stage.Advance(cancellation);
            }
        }
        finally
        {
            foreach (Quantized quantized in models)
                quantized.Model.Dispose();
        }
        return Array.ConvertAll(models, quantized => quantized.Objectives);
    }

    private static LayerObjective Observe(INetwork network, INetworkStage stage, LayerGroup group, Workers workers,
        CancellationToken cancellation)
    {
        var gram = new GramObserver(group.Inputs, workers);
        for (int batch = 0; batch < network.Batches; batch++)
        {
            cancellation.ThrowIfCancellationRequested();
            stage.Observe(group, batch, [gram]);
        }
        return new LayerObjective(gram.Gram.ToSymmetric(), group.Inputs, workers);
    }

    private static void MeasureLayer(Checkpoint original, string name, LayerObjective objective, Quantized[] models)
    {
        if (!original.TryGet(name, out TensorInfo? tensor) || !Array.Exists(models, model => model.Packed.Tensors.ContainsKey(name)))
            return;
        var matrix = new WeightMatrix(original, tensor, workers: objective.Workers);
        float[] values = new float[checked(matrix.Rows * matrix.Columns)], quantized = new float[values.Length];
        matrix.ReadNormalized(0, 0, values);
        double whole = objective.Value(values, quantized);
        foreach (Quantized model in models)
        {
            if (!model.Packed.Tensors.TryGetValue(name, out PackedLayout? layout))
                continue;
            PackedMatrix packed = PackedMatrixReader.Read(model.Model.Checkpoint, name, layout);
            TensorOrder order = model.Order.Of(name) ?? new TensorOrder(null, null);
            objective.Workers.For(matrix.Rows, row =>
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

    private static Quantized Open(string folder, ChannelOrder order)
    {
        Model model = Model.Open(folder);
        if (model.Quantization is QuantizationConfig packed)
            return new Quantized(model, packed, order);
        model.Dispose();
        throw new ArgumentException($"the model in {folder} is not quantized", nameof(folder));
    }

    private sealed class Quantized(Model model, QuantizationConfig packed, ChannelOrder order)
    {
        public Model Model => model;

        public QuantizationConfig Packed => packed;

        public ChannelOrder Order => order;

        public Dictionary<string, double> Objectives { get; } = new(StringComparer.Ordinal);
    }
}
