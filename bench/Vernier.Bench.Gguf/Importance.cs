using Vernier.Inference;
using Vernier.Inference.Configuration;
using Vernier.Inference.Models;
using Vernier.Inference.Parts;
using Vernier.Quantization.Calibration;

namespace Vernier.Bench.Gguf;

/// <summary>The importance matrix of llama.cpp: for each layer the mean square of each of its inputs in the float network.</summary>
internal static class Importance
{
    /// <summary>Observes a model on a text.</summary>
    /// <param name="folder">The model.</param>
    /// <param name="text">The text.</param>
    /// <returns>By the name of a weight, a number for each input channel.</returns>
    public static Dictionary<string, float[]> Of(string folder, CalibrationSet text)
    {
        ModelConfig config = ModelSource.Configuration(folder);
        LanguageModel model = LanguageModel.Load(folder);
        using var calibration = new BlockCalibration(config, model.Embedding, text);
        var importance = new Dictionary<string, float[]>(StringComparer.Ordinal);
        foreach (Block block in model.Blocks)
        {
            IReadOnlyList<IReadOnlyList<string>> groups = BlockCalibration.SharedInputs(block);
            for (int group = 0; group < groups.Count; group++)
            {
                var squares = new double[block[groups[group][0]].Inputs];
                long count = 0;
                for (int batch = 0; batch < calibration.Batches; batch++)
                {
                    calibration.Observe(block, groups, group, batch, (x, rows) =>
                    {
                        for (int i = 0; i < x.Length; i++)
                            squares[i % squares.Length] += (double)x[i] * x[i];
                        count += rows;
                    });
                }
                float[] mean = Array.ConvertAll(squares, square => (float)(square / count));
                foreach (string name in groups[group])
                    importance[name] = mean;
            }
            calibration.Advance(block, default);
        }
        return importance;
    }
}
