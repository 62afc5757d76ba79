using Vernier.Grids;
using Vernier.Grids.Specs;
using Vernier.Levels;
using Vernier.Numerics;
using Vernier.Packing;
using Vernier.Packing.Scalar;
using Vernier.Quantization.Calibration;
using Vernier.Quantization.Objectives;
using Vernier.Quantization.Recipes;
using Vernier.Quantization.Solvers;

namespace Vernier.Tests.Solvers;

/// <summary>A matrix of any shape whose inputs are correlated, with one channel that is always zero; there is no model around
/// it.</summary>
internal sealed record ShapedProblem(int Rows, int Columns)
{
    private const int Bits = 3;

    /// <summary>The channel without inputs, where there are several.</summary>
    public const int Dead = 2;

    /// <summary>W: normal numbers, and a first row of zeros where there are several rows.</summary>
    public float[] Weights
    {
        get
        {
            float[] weights = Array.ConvertAll(TinyModel.Gaussian(Rows * Columns, Rows, 0.2), weight => Math.Clamp(weight, -1, 1));
            weights.AsSpan(0, Rows > 1 ? Columns : 0).Clear();
            return weights;
        }
    }

    /// <summary>The layout of a recipe with groups of 16 columns; null where it can't store such a matrix.</summary>
    public PackedLayout? LayoutOf(Recipe recipe)
    {
        GridSpec grid = recipe.Grid;
        PackedLayout? layout = grid.LayoutOf(Rows, Columns, grid.FixedBits ?? Math.Min(Bits, grid.MostBits),
            grid.GranularityOf(Granularity.Group(16)));
        return layout is not null && recipe.Outliers is { Share: double share }
            ? layout with { Outliers = Math.Max(1, (int)Math.Round(share * Rows * Columns)) } : layout;
    }

    /// <summary>The problem of a recipe.</summary>
    /// <param name="recipe">A recipe that can store such a matrix.</param>
    /// <param name="workers">Who works on it.</param>
    /// <param name="energy">What all inputs are multiplied by.</param>
    public MatrixProblem Of(Recipe recipe, Workers workers, float energy = 1)
    {
        float[] samples = Samples(energy), weights = Weights;
        var gram = new GramMatrix(Columns, workers);
        gram.Add(samples, samples.Length / Columns);
        PackedLayout layout = LayoutOf(recipe)!;
        return new MatrixProblem(layout, weights, 0, new LayerObjective(gram.ToSymmetric(), Columns, workers))
        {
            Grid = recipe.Grid,
            Tables = recipe.Grid is ScalarGridSpec grid ? Tables(grid, (ScalarLayout)layout, weights, recipe.Rounding, workers) : [],
            Fit = recipe.Grid is ScalarGridSpec scalar ? recipe.FitOf(scalar, linear: true) : new ScaleSearch(),
            Samples = samples,
            Workers = workers,
        };
    }

    private float[] Samples(float energy)
    {
        int count = Math.Min(3 * Columns + 1, 400);
        float[] x = TinyModel.Gaussian(count * Columns, 17, 1);
        for (int i = 0; i < x.Length; i++)
            x[i] = Columns > Dead && i % Columns == Dead ? 0 : x[i] + (i % Columns > Dead + 1 ? 0.7f * x[i - 1] : 0);
        return Array.ConvertAll(x, value => energy * value);
    }

    private static LevelTable[] Tables(ScalarGridSpec grid, ScalarLayout layout, float[] weights, RoundingRule rounding, Workers workers)
    {
        var tables = new List<LevelTable>();
        for (int first = 0; first < layout.Rows; first += layout.RowsPerGrid)
        {
            int width = layout.Granularity.Width(layout.Columns), count = Math.Min(layout.RowsPerGrid, layout.Rows - first);
            var sample = new GranuleSample(weights, [], Enumerable.Range(first, count).SelectMany(row => Enumerable
                .Range(0, layout.Granularity.ScaleColumns(layout.Columns)).Select(granule => (row * layout.Columns + granule * width,
                    Math.Min(width, layout.Columns - granule * width)))), 1);
            tables.AddRange(grid.Choose([sample], layout.Bits, rounding, workers));
        }
        return [.. tables];
    }
}
