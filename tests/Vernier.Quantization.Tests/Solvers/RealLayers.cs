using Vernier.Files.Checkpoints;
using Vernier.Inference;
using Vernier.Inference.Configuration;
using Vernier.Inference.Models;
using Vernier.Inference.Parts;
using Vernier.Packing;
using Vernier.Packing.Scalar;
using Vernier.Quantization.Calibration;
using Vernier.Quantization.Objectives;
using Vernier.Quantization.Pipeline;
using Vernier.Quantization.Recipes;
using Vernier.Quantization.Solvers;
using Vernier.Quantization.Weights;

namespace Vernier.Tests.Solvers;

/// <summary>Layers of the sample model with the Gram matrices of their inputs, on text that the model wrote.</summary>
internal static class RealLayers
{
    public static readonly string[] Names =
    [
        "model.layers.0.self_attn.q_proj.weight", "model.layers.0.self_attn.o_proj.weight", "model.layers.0.mlp.up_proj.weight", "model.layers.0.mlp.down_proj.weight",
        "model.layers.4.self_attn.v_proj.weight", "model.layers.4.mlp.down_proj.weight",
    ];

    private const int Sequences = 24;
    private const int Length = 128;
    private const int Samples = 256;

    private static readonly Lazy<Dictionary<string, Observed>> s_observed = new(Observe);

    /// <summary>The objective of a layer on the inputs of the float network.</summary>
    public static LayerObjective Objective(string name) => s_observed.Value[name].Objective;

    /// <summary>A layer with its objective, or another one.</summary>
    public static LayerProblem Problem(string name, string recipe, int bits, Granularity granularity, LayerObjective? objective = null)
    {
        using Checkpoint checkpoint = Checkpoint.Open(SharedData.Quill);
        var plan = QuantizationPlan.Create(checkpoint, new QuantizationOptions { Recipe = RecipeCatalogue.Find(recipe), Bits = bits, Granularity = granularity });
        PlannedTensor planned = plan.Tensors.Single(tensor => tensor.Tensor.Name == name);
        var matrix = new WeightMatrix(checkpoint, planned.Tensor);
        var weights = new float[matrix.Rows * matrix.Columns];
        matrix.ReadNormalized(0, 0, weights);
        var grids = new LayerGrids(plan, null);
        return new LayerProblem((ScalarLayout)planned.Layout!, grids.Choose(planned, matrix), grids.FitOf(planned.Role), weights, objective ?? Objective(name), s_observed.Value[name].Samples);
    }

    private static Dictionary<string, Observed> Observe()
    {
        ModelConfig config = ModelSource.Configuration(SharedData.Quill);
        LanguageModel model = LanguageModel.Load(SharedData.Quill);
        var calibration = new BlockCalibration(config, model.Embedding, CalibrationSet.WrittenBy(model, Sequences, Length, 3));
        var observed = new Dictionary<string, Observed>(StringComparer.Ordinal);
        foreach (Block block in model.Blocks)
        {
            IReadOnlyList<IReadOnlyList<string>> groups = BlockCalibration.SharedInputs(block);
            for (int group = 0; group < groups.Count; group++)
            {
                var gram = new GramMatrix(block[groups[group][0]].Inputs);
                var sample = new InputSample(gram.Columns, Sequences * Length, Samples);
                for (int batch = 0; batch < calibration.Batches; batch++)
                {
                    calibration.Observe(block, groups, group, batch, (x, rows) =>
                    {
                        gram.Add(x, rows);
                        sample.Add(x, rows);
                    });
                }
                var inputs = new Observed(new LayerObjective(gram.ToSymmetric(), gram.Columns), sample.ToArray());
                foreach (string name in groups[group])
                    observed[name] = inputs;
            }
            calibration.Advance(block);
        }
        return observed;
    }

    private sealed record Observed(LayerObjective Objective, float[] Samples);
}
