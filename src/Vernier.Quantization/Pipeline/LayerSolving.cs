using Vernier.Quantization.Objectives;
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

/// <summary>Takes one matrix of a plan through the target of its recipe and its solver.</summary>
internal sealed class LayerSolving(QuantizationPlan plan, TensorSolver solver)
{
    private const double TargetRidge = 0.01;

    /// <summary>Solves a matrix.</summary>
    public MatrixOutcome Solve(TensorPlan planned, LayerData data, CancellationToken cancellation)
    {
        WeightMatrix matrix = plan.Matrix(planned);
        float[] values = matrix.ReadNormalized();
        float[]? corrected = data.Cross is null ? null
            : TargetRegression.Correct(values, data.Objective.Gram, data.Cross, matrix.Columns, TargetRidge, plan.Workers);
        MatrixOutcome outcome = solver.Solve(planned, matrix, corrected ?? values, data.Objective, data.Samples, cancellation);
        return outcome.Report.Fallback is null && data.Cross is not null && corrected is null
            ? outcome with { Report = outcome.Report with { Fallback = Fallback.OwnTarget } }
            : outcome;
    }
}
