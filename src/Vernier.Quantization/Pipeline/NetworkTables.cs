using Vernier.Grids.Specs;
using Vernier.Levels;
using Vernier.Packing.Scalar;
using Vernier.Quantization.Allocation;
using Vernier.Quantization.Weights;

namespace Vernier.Quantization.Pipeline;

/// <summary>The level tables that all linear layers of a format share, where the grid is one for the network.</summary>
internal static class NetworkTables
{
    /// <summary>Chooses them by samples of all these layers.</summary>
    /// <param name="plan">The plan.</param>
    /// <param name="forEach">Calls an action for each tensor, and tells the progress of a stage of that name.</param>
    public static IReadOnlyDictionary<TensorFormat, LevelTable[]> Choose(QuantizationPlan plan, Action<string, Action<TensorPlan>> forEach)
    {
        var samples = new Dictionary<TensorFormat, List<GranuleSample>>();
        foreach (TensorPlan planned in plan.Tensors.Where(IsShared))
            samples.TryAdd(planned.Format!, []);
        if (samples.Count > 0)
        {
            forEach("searching the grid of the network", planned =>
            {
                if (!IsShared(planned) || !((ScalarGridSpec)planned.Format!.Grid).HasChoice(planned.Format.Bits))
                    return;
                WeightMatrix matrix = plan.Matrix(planned);
                samples[planned.Format].Add(GranuleSampling.Take(matrix, ((ScalarLayout)planned.Layout!).Granularity, 0, matrix.Rows));
            });
        }
        return samples.ToDictionary(pair => pair.Key, pair =>
            ((ScalarGridSpec)pair.Key.Grid).Choose(pair.Value, pair.Key.Bits, plan.Options.Recipe.Rounding, plan.Workers));
    }

    private static bool IsShared(TensorPlan planned) =>
        planned is { Role: TensorRole.Linear, Format.Grid: ScalarGridSpec { Scope: GridScope.Network } };
}
