using Vernier.Inference.Models;
using Vernier.Numerics;
using Vernier.Quantization.Calibration;
using Vernier.Quantization.Networks;

namespace Vernier.Bench.Gguf;

/// <summary>The importance matrix of llama.cpp: for each layer the mean square of each of its inputs in the float network.</summary>
internal sealed class Importance : IActivationObserver
{
    private readonly Dictionary<string, (double[] Squares, long Rows)> _sums = new(StringComparer.Ordinal);

    /// <summary>Observes a model on a text.</summary>
    /// <param name="model">The model.</param>
    /// <param name="text">The text.</param>
    /// <param name="workers">Who computes.</param>
    /// <returns>By the name of a weight, a number for each input channel.</returns>
    public static Dictionary<string, float[]> Of(Model model, CalibrationSet text, Workers workers)
    {
        using INetwork network = NetworkFactory.Open(model, text.Sequences, workers: workers);
        var importance = new Importance();
        network.Begin();
        for (int index = 0; index < network.Shape.Stages.Count; index++)
        {
            INetworkStage stage = network.Load(index);
            foreach (LayerGroup group in stage.Groups)
            {
                for (int batch = 0; batch < network.Batches; batch++)
                    stage.Observe(group, batch, [importance]);
            }
            stage.Advance();
        }
        return network.Shape.Groups.SelectMany(group => group.Layers.Select(layer => (layer.Name, Values: importance.Means(group.Name))))
            .ToDictionary(layer => layer.Name, layer => layer.Values, StringComparer.Ordinal);
    }

    /// <inheritdoc/>
    public void Observe(in GroupInput input)
    {
        (double[] squares, long rows) = _sums.GetValueOrDefault(input.Group.Name, (new double[input.Columns], 0));
        for (int i = 0; i < input.Values.Length; i++)
            squares[i % squares.Length] += (double)input.Values[i] * input.Values[i];
        _sums[input.Group.Name] = (squares, rows + input.Rows);
    }

    private float[] Means(string group) => Array.ConvertAll(_sums[group].Squares, square => (float)(square / _sums[group].Rows));
}
