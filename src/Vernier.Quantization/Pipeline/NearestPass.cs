using Vernier.Levels;
using Vernier.Packing;
using Vernier.Packing.Scalar;
using Vernier.Quantization.Recipes;
using Vernier.Quantization.Solvers;
using Vernier.Quantization.Weights;

namespace Vernier.Quantization.Pipeline;

/// <summary>The work on tensors that needs no network: the grid that all layers share, and rounding what is not solved with data.</summary>
internal static class NearestPass
{
    private const int MostBytesBeside = 32 << 20;

    /// <summary>The level tables of the network, where the recipe has one grid for all linear layers; else null.</summary>
    public static LevelTable[]? SharedTables(QuantizationPlan plan, TensorWalk walk)
    {
        QuantizationOptions options = plan.Options;
        GridPart part = options.Recipe.Grid;
        if (part.Scope != GridScope.Network)
            return null;
        var samples = new List<GranuleSample>();
        var search = new GridSearch(part, options.LinearBits, part.TablesFor(options.LinearBits), options.Recipe.Rounding);
        walk.ForEach("searching the grid of the network", planned =>
        {
            if (search.IsNeeded && planned.Role == TensorRole.Linear && planned.Layout is ScalarLayout scalar)
            {
                WeightMatrix matrix = plan.Matrix(planned);
                samples.Add(GranuleSample.Take(matrix, scalar.Granularity, 0, matrix.Rows));
            }
        });
        return search.Choose(samples);
    }

    /// <summary>Rounds all matrices that the journal does not hold.</summary>
    public static void Run(LayerGrids grids, Journal journal, TensorWalk walk)
    {
        // While a matrix is being rounded the one before it is written, unless that is so large that memory was not estimated for both.
        Task written = Task.CompletedTask;
        try
        {
            walk.ForEach("quantizing", planned =>
            {
                if (planned.Layout is null || journal.Contains(planned.Tensor.Name))
                    return;
                PackedMatrix packed = grids.SolveNearest(planned);
                written.GetAwaiter().GetResult();
                written = Task.Run(() => journal.Add(planned, packed, null));
                if (planned.Layout.StoredBytes > MostBytesBeside)
                    written.GetAwaiter().GetResult();
            });
        }
        finally
        {
            written.GetAwaiter().GetResult();
        }
    }
}
