using Vernier.Errors;
using Vernier.Grids;
using Vernier.Grids.Uniform;
using Vernier.Levels;
using Vernier.Packing;
using Vernier.Packing.Scalar;
using Vernier.Quantization.Compensators;
using Vernier.Quantization.Objectives;
using Vernier.Quantization.Recipes;
using Vernier.Quantization.Solvers;
using Vernier.Quantization.Weights;

namespace Vernier.Quantization.Pipeline;

/// <summary>The level tables of the matrices of a plan, and how their scales are chosen.</summary>
/// <param name="plan">The plan.</param>
/// <param name="shared">The tables of all linear layers, where the recipe has one grid for the network.</param>
internal sealed class LayerGrids(QuantizationPlan plan, LevelTable[]? shared)
{
    private readonly Recipe _recipe = plan.Options.Recipe;

    /// <summary>Chooses the tables of a matrix: by its weights alone, but for codebooks, in which columns count as in the step that makes the codes.</summary>
    /// <param name="planned">The matrix.</param>
    /// <param name="matrix">Its weights.</param>
    /// <param name="objective">The layer objective; null where nothing was observed.</param>
    public LevelTable[] Choose(PlannedTensor planned, WeightMatrix matrix, LayerObjective? objective = null)
    {
        var spec = (ScalarLayout)planned.Layout!;
        var search = new GridSearch(QuantizationPlan.GridOf(planned.Role, _recipe), spec.Bits, spec.Tables, _recipe.Rounding);
        float[] importance = objective is not null && planned.Role == TensorRole.Linear && _recipe.Grid.Kind == GridKind.Codebook ? ColumnWeights.Of(objective, _recipe.Solver[0]) : [];
        var grids = new List<LevelTable>();
        for (int row = 0; row < spec.Rows; row += spec.RowsPerGrid)
        {
            LevelTable[] tables = planned.Role == TensorRole.Linear && shared is not null ? shared
                : search.Choose(search.IsNeeded ? [GranuleSample.Take(matrix, spec.Granularity, row, Math.Min(spec.RowsPerGrid, spec.Rows - row), importance)] : []);
            grids.AddRange(tables);
        }
        return [.. grids];
    }

    /// <summary>How the scales of a matrix are chosen.</summary>
    public IScaleFit FitOf(TensorRole role)
    {
        GridPart part = QuantizationPlan.GridOf(role, _recipe);
        bool search = _recipe.Scale != ScaleRule.Largest;
        if (part.ScaleFormat != ScaleFormat.Half)
            return new FormatScale(part.ScaleFormat, search);
        if (part.Layouts.Contains(LevelLayout.Asymmetric))
            return search ? new AffineScaleSearch() : new AffineScaleSearch(steps: 1);
        if (_recipe.Scale == ScaleRule.Gradient && role == TensorRole.Linear)
            return new GradientScale(_recipe.Descent.Iterations, _recipe.Descent.LearningRate);
        IScaleFit fit = search ? new ScaleSearch(part.Mirror, _recipe.PreserveNorm) : new LargestScale(part.Mirror);
        return role == TensorRole.Linear && _recipe.Scale is (ScaleRule.PowerOfTwo or ScaleRule.PowerOfTwoRatios)
            ? new PowerOfTwoScale(fit, _recipe.Scale == ScaleRule.PowerOfTwoRatios)
            : fit;
    }

    // A layer of which nothing was observed: the largest weights are its outliers, the others are rounded to nearest.
    private ScalarMatrix SolveWithoutData(PlannedTensor planned, WeightMatrix matrix)
    {
        float[] values = matrix.ReadNormalized();
        var unknown = LayerObjective.Unknown(matrix.Columns);
        return new LayerSolver([]).Solve(new LayerProblem((ScalarLayout)planned.Layout!, Choose(planned, matrix), FitOf(planned.Role), values, unknown)).Solution.Pack(matrix.Shift);
    }

    /// <summary>Rounds a matrix to nearest.</summary>
    public PackedMatrix SolveNearest(PlannedTensor planned)
    {
        WeightMatrix matrix = plan.Matrix(planned);
        PackedMatrix packed = SolveCodes(planned, matrix);
        if (planned.Layout!.Rank > 0)
            LowRankSolver.Compensate(packed, matrix.ReadNormalized(), matrix.Shift, null);
        return packed;
    }

    private PackedMatrix SolveCodes(PlannedTensor planned, WeightMatrix matrix)
    {
        if (planned.Layout is not ScalarLayout scalar)
        {
            float[]? importance = plan.Options.Importance?.GetValueOrDefault(planned.Tensor.Name);
            if (importance is not null && importance.Length != matrix.Columns)
                throw new InvalidFileException(plan.Checkpoint.FileOf(planned.Tensor), "importance-columns", $"its importance matrix has {importance.Length} numbers for {matrix.Columns} columns", "Give an importance matrix of this model", planned.Tensor.Name);
            return GridMethod.Of(_recipe)!.Solve(new MatrixProblem(planned.Layout!, matrix.ReadNormalized(), matrix.Shift, null) { Importance = importance }, _recipe).Matrix;
        }
        if (scalar.OutlierValues > 0)
            return SolveWithoutData(planned, matrix);
        return new NearestSolver(FitOf(planned.Role)).Solve(matrix, scalar, Choose(planned, matrix), default);
    }
}
