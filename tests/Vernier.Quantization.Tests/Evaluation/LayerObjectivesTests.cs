using Vernier.Inference.Models;
using Vernier.Numerics;
using Vernier.Packing;
using Vernier.Quantization.Calibration;
using Vernier.Quantization.Evaluation;
using Vernier.Quantization.Networks;
using Vernier.Quantization.Pipeline;
using Vernier.Quantization.Recipes;
using Vernier.Quantization.Transforms;

namespace Vernier.Tests.Evaluation;

/// <summary>Layer objectives of models as they were written, on the inputs of the float network.</summary>
public sealed class LayerObjectivesTests : IDisposable
{
    private static readonly CalibrationSet s_set = CalibrationSet.Cut(
        [.. Enumerable.Range(0, 2000).Select(i => i * i % 47)], 40, 32, 0, "numbers");

    private readonly TempFolder _folder = new();

    public LayerObjectivesTests() => TinyLlama.Write(_folder["in"]);

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void TheyAreThoseOfTheOutputs()
    {
        using var model = Model.Open(_folder["in"]);
        Quantize(model, "rtn", "two", 2);
        Quantize(model, "rtn", "four", 4);
        IReadOnlyList<IReadOnlyDictionary<string, double>> found = LayerObjectives.Measure(
            model, [_folder["two"], _folder["four"]], [ChannelOrder.None, ChannelOrder.None], s_set);
        Assert.All(found, objectives => Assert.Equal(14, objectives.Count));
        Dictionary<string, float[]> inputs = Inputs(model);
        foreach ((string folder, IReadOnlyDictionary<string, double> objectives) in ((string[])["two", "four"]).Zip(found))
        {
            using var quantized = Model.Open(_folder[folder]);
            foreach ((string name, double objective) in objectives)
                Assert.Equal(1, Lost(model, quantized, name, inputs[name]) / objective, 1e-3);
        }
        Assert.All(found[0], pair => Assert.True(pair.Value > 4 * found[1][pair.Key]));
    }

    /// <summary>The weights of a reordered model are compared with their own, not with those in their places.</summary>
    [Fact]
    public void TheOrderOfChannelsIsTakenBack()
    {
        using var model = Model.Open(_folder["in"]);
        Recipe reordered = RecipeCatalogue.Find("jlcm") with { Solver = RecipeCatalogue.Find("kmeans").Solver, Target = default };
        QuantizationPlan plan = Quantize(model, reordered, "out", 6);
        Assert.False(plan.Order.IsEmpty);
        double right = LayerObjectives.Measure(model, [_folder["out"]], [plan.Order], s_set)[0].Values.Max(),
            wrong = LayerObjectives.Measure(model, [_folder["out"]], [ChannelOrder.None], s_set)[0].Values.Max();
        Assert.InRange(right, 1e-6, 0.01);
        Assert.True(wrong > 0.5, $"{wrong}");
    }

    [Fact]
    public void ProgressRisesToOneAndThreadsChangeNothing()
    {
        using var model = Model.Open(_folder["in"]);
        Quantize(model, "rtn", "out", 3);
        var told = new List<double>();
        IReadOnlyDictionary<string, double>[] found = [.. ((int[])[1, 3]).Select(threads =>
        {
            using var workers = new Workers(threads);
            return LayerObjectives.Measure(model, [_folder["out"]], [ChannelOrder.None], s_set, new Telling(told), workers)[0];
        })];
        Assert.Equal(14, found[0].Count);
        Assert.All(found[0], pair => Assert.Equal(pair.Value, found[1][pair.Key]));
        Assert.Equal(Enumerable.Range(1, 8).Select(i => i / 8.0), told[..8]);
    }

    [Fact]
    public void WhatIsNotQuantizedIsRefusedAndWorkCanBeCancelled()
    {
        using var model = Model.Open(_folder["in"]);
        ArgumentException error = Assert.Throws<ArgumentException>(
            () => LayerObjectives.Measure(model, [_folder["in"]], [ChannelOrder.None], s_set));
        Assert.StartsWith($"the model in {_folder["in"]} is not quantized", error.Message, StringComparison.Ordinal);
        Assert.Throws<OperationCanceledException>(() => LayerObjectives.Measure(
            model, [], [], s_set, cancellation: new CancellationToken(canceled: true)));
    }

    private void Quantize(Model model, string recipe, string output, int bits) =>
        Quantize(model, RecipeCatalogue.Find(recipe), output, bits);

    private QuantizationPlan Quantize(Model model, Recipe recipe, string output, int bits)
    {
        var plan = QuantizationPlan.Create(model, new QuantizationOptions { Recipe = recipe, Bits = bits });
        new Quantizer(plan).Run(_folder[output]);
        return plan;
    }

    private static Dictionary<string, float[]> Inputs(Model model)
    {
        using INetwork network = NetworkFactory.Open(model, s_set.Sequences);
        network.Begin();
        var inputs = new Dictionary<string, float[]>(StringComparer.Ordinal);
        for (int index = 0; index < network.Shape.Stages.Count; index++)
        {
            INetworkStage stage = network.Load(index);
            foreach (LayerGroup group in stage.Groups)
            {
                var all = new SampleObserver(network.Rows, (int)network.Rows);
                for (int batch = 0; batch < network.Batches; batch++)
                    stage.Observe(group, batch, [all]);
                foreach (LayerShape layer in group.Layers)
                    inputs[layer.Name] = all.ToArray();
            }
            stage.Advance();
        }
        return inputs;
    }

    // ||(W - Q) X||^2 / ||W X||^2, token by token.
    private static double Lost(Model model, Model quantized, string name, float[] x)
    {
        PackedMatrix packed = PackedMatrixReader.Read(quantized.Checkpoint, name, quantized.Quantization!.Tensors[name]);
        float[] weights = new float[packed.Rows * packed.Columns], row = new float[packed.Columns];
        model.Checkpoint.Read(model.Checkpoint[name], 0, weights);
        double lost = 0, whole = 0;
        for (int r = 0; r < packed.Rows; r++)
        {
            packed.DequantizeRow(r, row);
            for (int first = 0; first < x.Length; first += row.Length)
            {
                double error = 0, output = 0;
                for (int i = 0; i < row.Length; i++)
                {
                    error += ((double)weights[r * row.Length + i] - row[i]) * x[first + i];
                    output += (double)weights[r * row.Length + i] * x[first + i];
                }
                lost += error * error;
                whole += output * output;
            }
        }
        return lost / whole;
    }

    private sealed class Telling(List<double> told) : IProgress<double>
    {
        public void Report(double value) => told.Add(value);
    }
}
