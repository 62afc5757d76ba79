using Vernier.Quantization.Objectives;
using Vernier.Quantization.Recipes;
using Vernier.Quantization.Solvers.Gptq;

namespace Vernier.Quantization.Solvers;

/// <summary>How much the columns of a layer count in the fit of scales and codebooks.</summary>
internal static class ColumnWeights
{
    /// <summary>The importances of a step, of mean 1; empty where all columns count alike.</summary>
    /// <param name="objective">H.</param>
    /// <param name="step">The step.</param>
    public static float[] Of(LayerObjective objective, SolverStep step) =>
        Of(objective, step.Importance, step.Importance is ColumnImportance.Sequential or ColumnImportance.Inverse ? GptqFactor.Of(objective, step) : null);

    /// <summary>The importances by a factor of H; those of its diagonal where there is none.</summary>
    public static float[] Of(LayerObjective objective, ColumnImportance importance, GptqFactor? factor)
    {
        if (importance == ColumnImportance.None)
            return [];
        if (importance == ColumnImportance.Diagonal || factor is null)
            return Normalised(objective.Diagonal);
        double[] places = importance == ColumnImportance.Sequential ? factor.Cost : factor.InverseDiagonals();
        var values = new double[objective.Columns];
        for (int place = 0; place < values.Length; place++)
            values[factor.Order[place]] = places[place];
        return Normalised(values);
    }

    /// <summary>Importances of mean 1; a channel of none counts a little, so that its weights have a scale. Empty where all are 0.</summary>
    public static float[] Normalised(double[] values)
    {
        double mean = values.Average();
        return mean > 0 ? Array.ConvertAll(values, value => (float)Math.Max(value / mean, 1e-6)) : [];
    }
}
