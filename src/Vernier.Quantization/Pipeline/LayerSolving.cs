using Vernier.Packing;
using Vernier.Packing.Scalar;
using Vernier.Quantization.Compensators;
using Vernier.Quantization.Objectives;
using Vernier.Quantization.Recipes;
using Vernier.Quantization.Solvers;
using Vernier.Quantization.Weights;

namespace Vernier.Quantization.Pipeline;

/// <summary>What was observed of a layer.</summary>
/// <param name="objective">Its objective.</param>
/// <param name="cross">D = sum of (y - x) x^T with its inputs y in the float network; null where its own weights are the target.</param>
/// <param name="samples">Single inputs, n x C; empty where no solver looks at single ones.</param>
internal sealed class LayerData(LayerObjective objective, double[]? cross, float[] samples)
{
    /// <summary>Its objective.</summary>
    public LayerObjective Objective => objective;

    /// <summary>D, C x C; null where its own weights are the target.</summary>
    public double[]? Cross => cross;

    /// <summary>Single inputs, n x C.</summary>
    public float[] Samples => samples;
}

/// <summary>Takes one matrix of a plan through the target, the solver and the compensator of its recipe.</summary>
internal sealed class LayerSolving(QuantizationPlan plan, LayerGrids grids)
{
    private const double TargetRidge = 0.01;

    private readonly Recipe _recipe = plan.Options.Recipe;
    private readonly LayerSolver _solver = new(plan.Options.Recipe.Solver);

    /// <summary>Solves a matrix.</summary>
    public MatrixResult Solve(PlannedTensor planned, LayerData data)
    {
        WeightMatrix matrix = plan.Matrix(planned);
        float[] values = matrix.ReadNormalized();
        float[]? corrected = data.Cross is null ? null : TargetRegression.Correct(values, data.Objective.Gram, data.Cross, matrix.Columns, TargetRidge);
        MatrixResult result = Compensated(Solve(planned, matrix, corrected ?? values, data), corrected ?? values, matrix.Shift, data.Objective);
        if (result.Fallback is null && data.Cross is not null && corrected is null)
            result = result with { Fallback = "its Gram matrix can't be factored: its own weights were the target in place of the network's" };
        return result;
    }

    private MatrixResult Compensated(MatrixResult result, float[] values, int shift, LayerObjective objective)
    {
        if (result.Matrix.Layout.Rank == 0)
            return result;
        float[] quantized = LowRankSolver.Compensate(result.Matrix, values, shift, _recipe.LowRank!.Weighted ? objective.Diagonal : null);
        return result with { Objective = objective.Relative(values, quantized) };
    }

    private MatrixResult Solve(PlannedTensor planned, WeightMatrix matrix, float[] values, LayerData data)
    {
        if (planned.Layout is not ScalarLayout scalar)
            return GridMethod.Of(_recipe)!.Solve(new MatrixProblem(planned.Layout!, values, matrix.Shift, data.Objective), _recipe);
        var problem = new LayerProblem(scalar, grids.Choose(planned, matrix, data.Objective), grids.FitOf(planned.Role), values, data.Objective, data.Samples);
        LayerResult result = _solver.Solve(problem);
        return new MatrixResult(result.Solution.Pack(matrix.Shift), result.Nearest, result.Objective, result.Damping, result.Fallback);
    }
}
