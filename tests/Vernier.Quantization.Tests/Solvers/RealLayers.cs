using Vernier.Inference;
using Vernier.Inference.Models;
using Vernier.Numerics;
using Vernier.Packing;
using Vernier.Quantization.Calibration;
using Vernier.Quantization.Networks;
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
        "model.layers.0.self_attn.q_proj.weight", "model.layers.0.self_attn.o_proj.weight", "model.layers.0.mlp.up_proj.weight",
            "model.layers.0.mlp.down_proj.weight",
        "model.layers.4.self_attn.v_proj.weight", "model.layers.4.mlp.down_proj.weight",
    ];

    private const int Sequences = 24;
    private const int Length = 128;
    private const int Samples = 256;

    private static readonly Lazy<Dictionary<string, Observed>> s_observed = new(Observe);

    /// <summary>The objective of a layer on the inputs of the float network.</summary>
    public static LayerObjective Objective(string name) => s_observed.Value[name].Objective;

    /// <summary>A layer with its objective, or another one.</summary>
    public static MatrixProblem Problem(string name, string recipe, int bits, Granularity granularity, LayerObjective? objective = null)
    {
        using var opened = Model.Open(SharedData.Quill);
        var plan = QuantizationPlan.Create(opened,
            new QuantizationOptions { Recipe = RecipeCatalogue.Find(recipe), Bits = bits, Granularity = granularity });
        TensorPlan planned = plan.Tensors.Single(tensor => tensor.Tensor.Name == name);
        var matrix = new WeightMatrix(opened.Checkpoint, planned.Tensor);
        var weights = new float[matrix.Rows * matrix.Columns];
        matrix.ReadNormalized(0, 0, weights);
        var solver = new TensorSolver(plan);
        return new MatrixProblem(planned.Layout!, weights, 0, objective ?? Objective(name))
        {
            Grid = planned.Format!.Grid,
            Tables = solver.TablesOf(planned, matrix),
            Fit = solver.FitOf(planned),
            Samples = s_observed.Value[name].Samples,
        };
    }

    /// <summary>The same layer, which others work on.</summary>
    public static MatrixProblem On(this MatrixProblem problem, Workers workers) =>
        new(problem.Layout, problem.Weights, problem.Shift, new LayerObjective(problem.Objective.Gram, problem.Columns, workers))
        {
            Grid = problem.Grid,
            Tables = problem.Tables,
            Fit = problem.Fit,
            Samples = problem.Samples,
            Workers = workers,
        };

    /// <summary>The same layer with another layout and, where they are given, other weights.</summary>
    public static MatrixProblem With(this MatrixProblem problem, PackedLayout layout, LayerObjective? objective = null) =>
        new(layout, problem.Weights, problem.Shift, objective ?? problem.Objective)
    {
        Grid = problem.Grid,
        Tables = problem.Tables,
        Fit = problem.Fit,
        Samples = problem.Samples,
    };

    /// <summary>The same layer, solved by other workers.</summary>
    public static MatrixProblem By(this MatrixProblem problem, Workers workers) =>
        new(problem.Layout, problem.Weights, problem.Shift, new LayerObjective(problem.Objective.Gram, problem.Columns, workers))
    {
        Grid = problem.Grid,
        Tables = problem.Tables,
        Fit = problem.Fit,
        Samples = problem.Samples,
        Workers = workers,
    };

    private static Dictionary<string, Observed> Observe()
    {
        using var model = Model.Open(SharedData.Quill);
        var set = CalibrationSet.WrittenBy(LanguageModel.Load(model), Sequences, Length, 3);
        using INetwork network = NetworkFactory.Open(model, set.Sequences);
        network.Begin();
        var observed = new Dictionary<string, Observed>(StringComparer.Ordinal);
        for (int index = 0; index < network.Shape.Stages.Count; index++)
        {
            INetworkStage stage = network.Load(index);
            foreach (LayerGroup group in stage.Groups)
            {
                var gram = new GramObserver(group.Inputs, Workers.Shared);
                var sample = new SampleObserver(network.Rows, Samples);
                for (int batch = 0; batch < network.Batches; batch++)
                    stage.Observe(group, batch, [gram, sample]);
                var inputs = new Observed(new LayerObjective(gram.Gram.ToSymmetric(), group.Inputs), sample.ToArray());
                foreach (LayerShape layer in group.Layers)
                    observed[layer.Name] = inputs;
            }
            stage.Advance();
        }
        return observed;
    }

    private sealed record Observed(LayerObjective Objective, float[] Samples);
}
