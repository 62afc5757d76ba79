using Vernier.Grids.Codebook;
using Vernier.Levels;
using Vernier.Quantization.Solvers.Scalar;

namespace Vernier.Quantization.Solvers.Codebooks;

/// <summary>The codebooks of a layer on a scalar grid, as numbers that can be learned.</summary>
internal static class ScalarCodebooks
{
    /// <summary>The values of the level tables at scale 1, [tables, 2^b].</summary>
    public static double[] Values(LevelTable[] grids) =>
        [.. grids.SelectMany(grid => grid.Values.ToArray().Select(value => (double)value))];

    /// <summary>
    /// The codebooks of least layer objective for the codes and scales as they are, rounded as they are stored: the frozen mapping of JLCM.
    /// Taken only if the objective
    /// falls.
    /// </summary>
    /// <param name="problem">The layer.</param>
    /// <param name="solution">Its solution, not changed.</param>
    /// <param name="iterations">The most conjugate gradients.</param>
    public static ScalarSolution Improve(MatrixProblem problem, ScalarSolution solution, int iterations)
    {
        double[] values = Values(solution.Grids);
        int groups = problem.Scalar.Grids / problem.Scalar.Tables;
        ScalarSolution found = Apply(problem, solution,
            LeastSquares.Minimise(MapOf(problem, solution), new FreeCodebooks(values.Length, groups), values, iterations));
        ScaleRefinement.Improve(problem, found);
        return problem.Relative(found) < problem.Relative(solution) ? found : solution;
    }

    /// <summary>How the weights follow from the codebooks of a solution.</summary>
    internal static CodebookMap MapOf(MatrixProblem problem, ScalarSolution solution)
    {
        int columns = problem.Columns, entries = 1 << problem.Scalar.Bits, width = solution.Width;
        var places = new int[solution.Codes.Length];
        problem.Workers.For(problem.Rows, row =>
        {
            for (int i = row * columns; i < (row + 1) * columns; i++)
                places[i] = problem.Scalar.GridOf(row, solution.Scales[solution.ScaleIndex(row, (i - row * columns) / width)]) * entries
                    + solution.Codes[i];
        });
        return new CodebookMap(problem.Objective, problem.Weights, 1, problem.Scalar.RowsPerGrid, problem.Scalar.Grids * entries, places,
            (row, column) => (float)solution.Scales[solution.ScaleIndex(row, column / width)]);
    }

    /// <summary>
    /// A solution with other codebooks as they are stored: each in ascending order, the codes with it, its largest number the largest
    /// level, which the scales make up for.
    /// </summary>
    /// <param name="problem">The layer.</param>
    /// <param name="solution">Codes and scales, not changed.</param>
    /// <param name="values">The values at scale 1, [tables, 2^b], in the order of the codes.</param>
    public static ScalarSolution Apply(MatrixProblem problem, ScalarSolution solution, double[] values)
    {
        int entries = 1 << problem.Scalar.Bits, tables = problem.Scalar.Tables, columns = problem.Columns;
        LevelTable[] grids = [.. solution.Grids];
        double[] units = new double[grids.Length];
        var ranks = new byte[values.Length];
        for (int g = 0; g < grids.Length; g++)
        {
            double[] own = values[(g * entries)..((g + 1) * entries)];
            byte[] order = [.. Enumerable.Range(0, entries).Select(i => (byte)i)];
            Array.Sort([.. own], order);
            for (int i = 0; i < entries; i++)
                ranks[g * entries + order[i]] = (byte)i;
            units[g] = 1;
            if (!Array.TrueForAll(own, value => value == 0))
                grids[g] = CodebookGrid.Create(problem.Scalar.Bits, own, out units[g]);
        }
        ScalarSolution result = solution.WithGrids(grids);
        problem.Workers.For(problem.Rows, row =>
        {
            for (int granule = 0; granule < solution.Granules; granule++)
            {
                int grid = problem.Scalar.GridOf(row, solution.Scales[solution.ScaleIndex(row, granule)]);
                for (int i = row * columns + granule * solution.Width;
                    i < row * columns + Math.Min(columns, (granule + 1) * solution.Width); i++)
                    result.Codes[i] = ranks[grid * entries + solution.Codes[i]];
            }
        });
        for (int i = 0; i < result.Scales.Length; i++)
        {
            int row = problem.Scalar.Granularity.GroupColumns < 0 ? 0 : i / solution.Granules;
            Half scale = StoredScale.Nearest((double)solution.Scales[i] * units[problem.Scalar.GridOf(row, solution.Scales[i])],
                BitConverter.HalfToUInt16Bits(solution.Scales[i]) & (tables - 1), tables);
            result.Scales[i] = Half.IsFinite(scale) ? scale : solution.Scales[i];
        }
        return result;
    }
}
