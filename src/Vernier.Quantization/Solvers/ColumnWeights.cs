using Vernier.Quantization.Objectives;

namespace Vernier.Quantization.Solvers;

/// <summary>How much the columns of a layer count in the fit of scales and codebooks.</summary>
internal static class ColumnWeights
{
    /// <summary>Whether an importance follows from the factor of H.</summary>
    public static bool NeedFactor(ColumnImportance importance) => importance is ColumnImportance.Sequential or ColumnImportance.Inverse;

    /// <summary>The importances by a factor of H, of mean 1; those of its diagonal where there is none, and empty where all columns count
    /// alike.</summary>
    public static float[] Of(LayerObjective objective, ColumnImportance importance, GramFactor? factor)
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

    /// <summary>Importances of mean 1; a channel of none counts a little, so that its weights have a scale. Empty where all are
    /// 0.</summary>
    public static float[] Normalised(double[] values)
    {
        double mean = values.Average();
        return mean > 0 ? Array.ConvertAll(values, value => (float)Math.Max(value / mean, 1e-6)) : [];
    }
}
