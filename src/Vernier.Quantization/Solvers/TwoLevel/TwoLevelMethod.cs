using System.Numerics.Tensors;
using Vernier.Numerics;
using Vernier.Packing;
using Vernier.Packing.TwoLevel;
using Vernier.Quantization.Objectives;
using Vernier.Quantization.Pipeline;
using Vernier.Quantization.Recipes;
using Vernier.Quantization.Solvers.Gptq;
using Vernier.Quantization.Solvers.Outliers;

namespace Vernier.Quantization.Solvers.TwoLevel;

/// <summary>DGQ as a method for whole matrices: scales by <see cref="TwoLevelSearch"/>, then the nearest codes or those of GPTQ.</summary>
internal sealed class TwoLevelMethod : GridMethod
{
    // The scale of a row of normalised weights is about 1 / 127 of the largest.
    private const float Unit = 1f / 128;

    /// <inheritdoc/>
    public override PackedLayout Layout(int rows, int columns, QuantizationOptions options) =>
        new TwoLevelLayout(rows, columns, options.LinearBits, Math.Max(0, options.Granularity.GroupColumns));

    /// <inheritdoc/>
    public override MatrixResult Solve(MatrixProblem problem, Recipe recipe)
    {
        var spec = (TwoLevelLayout)problem.Layout;
        OutlierSet? set = null;
        float[] weights = problem.Weights;
        if (spec.OutlierValues > 0)
        {
            set = OutlierSet.Largest(spec, Unit, weights);
            set.Take(weights);
            weights = set.Remaining(weights);
        }
        TwoLevelGrids byWeights = new TwoLevelSearch(spec, Unit, []).Run(weights);
        TwoLevelMatrix nearest = Pack(spec, byWeights, Nearest(spec, byWeights, weights), set, problem.Shift);
        if (problem.Objective is not LayerObjective objective)
            return new MatrixResult(nearest);
        double before = Relative(problem, nearest);
        if (objective.MeanDiagonal == 0)
            return new MatrixResult(nearest, before, before, 0, "no data: its inputs were zero on all tokens, or there were none");
        SolverStep step = recipe.Solver[0];
        TwoLevelGrids grids = step.Importance == ColumnImportance.Output ? new TwoLevelSearch(spec, Unit, Single(objective)).Run(weights) : byWeights;
        if (step.Method != SolverMethod.Gptq)
        {
            TwoLevelMatrix searched = Pack(spec, grids, Nearest(spec, grids, weights), set, problem.Shift);
            return new MatrixResult(searched, before, Relative(problem, searched));
        }
        int[] order = step.Order == ColumnOrder.Activation ? GptqFactor.ActivationOrder(objective) : GptqFactor.NaturalOrder(spec.Columns);
        if (GptqFactor.Create(objective, order, step.Damping) is not GptqFactor factor)
            return new MatrixResult(nearest, before, before, 0, "its Gram matrix can't be factored with any damping");
        TwoLevelMatrix solved = Pack(spec, grids, Sequential(spec, grids, weights, factor), set, problem.Shift);
        return new MatrixResult(solved, before, Relative(problem, solved), factor.Damping);
    }

    /// <inheritdoc/>
    /// <remarks>H in single precision, the factor of GPTQ, codes, and what is decoded; the search takes chunks of some 50 MB.</remarks>
    public override long WorkBytes(long rows, long columns, Recipe recipe) => 16 * columns * columns + 10 * rows * columns + 60_000_000;

    /// <inheritdoc/>
    public override (double Single, double Double) Operations(double rows, double columns, Recipe recipe) => (
        TwoLevelSearch.Operations(rows, columns, recipe.Group ?? 64) + (recipe.Solver[0].Method == SolverMethod.Gptq ? rows * columns * columns : 0),
        recipe.Solver[0].Method == SolverMethod.Gptq ? columns * columns * columns * 2 / 3 : 0);

    // Of mean diagonal 1, so that single precision holds it.
    private static float[] Single(LayerObjective objective)
    {
        var gram = new float[objective.Gram.Length];
        ParallelLoop.For(objective.Columns, row =>
        {
            for (int i = row * objective.Columns; i < (row + 1) * objective.Columns; i++)
                gram[i] = (float)(objective.Gram[i] / objective.MeanDiagonal);
        });
        return gram;
    }

    private static byte[] Nearest(TwoLevelLayout spec, TwoLevelGrids grids, float[] weights)
    {
        var codes = new byte[weights.Length];
        ParallelLoop.For(spec.Rows, row =>
        {
            for (int c = 0; c < spec.Columns; c++)
                codes[row * spec.Columns + c] = (byte)grids.Grid(row, c / spec.Width, Unit).Encode(weights[row * spec.Columns + c]);
        });
        return codes;
    }

    /// <summary>GPTQ on grids that are there already: see <see cref="GptqSolver"/>, whose formula this is, column by column.</summary>
    private static byte[] Sequential(TwoLevelLayout spec, TwoLevelGrids grids, float[] weights, GptqFactor factor)
    {
        int columns = spec.Columns;
        var codes = new byte[weights.Length];
        ParallelLoop.For(spec.Rows, row =>
        {
            using var buffer = new PooledArray<float>(columns);
            Span<float> line = buffer.Span;
            for (int place = 0; place < columns; place++)
                line[place] = weights[row * columns + factor.Order[place]];
            for (int place = 0; place < columns; place++)
            {
                int column = factor.Order[place];
                TwoLevelGrid grid = grids.Grid(row, column / spec.Width, Unit);
                int code = grid.Encode(line[place]);
                codes[row * columns + column] = (byte)code;
                Span<float> rest = line[(place + 1)..];
                TensorPrimitives.MultiplyAdd(factor.Carry.AsSpan(place * columns + place + 1, rest.Length), grid.Decode(code) - line[place], rest, rest);
            }
        });
        return codes;
    }

    private static TwoLevelMatrix Pack(TwoLevelLayout spec, TwoLevelGrids grids, byte[] codes, OutlierSet? set, int shift)
    {
        byte[] packed = new byte[checked(spec.Rows * spec.BytesPerRow)], zeros = new byte[checked(spec.Rows * spec.ZeroBytesPerRow)];
        for (int row = 0; row < spec.Rows; row++)
        {
            CodePacking.Pack(codes.AsSpan(row * spec.Columns, spec.Columns), spec.Bits, packed.AsSpan(row * spec.BytesPerRow, spec.BytesPerRow));
            CodePacking.Pack(grids.Zeros.AsSpan(row * spec.Groups, spec.Groups), spec.Bits, zeros.AsSpan(row * spec.ZeroBytesPerRow, spec.ZeroBytesPerRow));
        }
        return new TwoLevelMatrix(spec, MathF.ScaleB(Unit, shift), grids.Scales, grids.Factors, zeros, packed, set?.Pack(shift));
    }
}
