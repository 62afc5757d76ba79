using Vernier.Errors;
using Vernier.Grids;
using Vernier.Grids.Specs;
using Vernier.Levels;
using Vernier.Packing;
using Vernier.Packing.Scalar;
using Vernier.Quantization.Allocation;
using Vernier.Quantization.Compensators;
using Vernier.Quantization.Objectives;
using Vernier.Quantization.Recipes;
using Vernier.Quantization.Solvers;
using Vernier.Quantization.Solvers.Nearest;
using Vernier.Quantization.Weights;

namespace Vernier.Quantization.Pipeline;

/// <summary>Solves the tensors of a plan: level tables, scales, codes, and what makes up for the error.</summary>
/// <param name="plan">The plan.</param>
/// <param name="shared">The tables that linear layers of a format share, where the grid is one for the network; see
/// <see cref="NetworkTables"/>.</param>
internal sealed class TensorSolver(QuantizationPlan plan, IReadOnlyDictionary<TensorFormat, LevelTable[]>? shared = null)
{
    private readonly Recipe _recipe = plan.Options.Recipe;
    private readonly MatrixSolver _solver = new(plan.Options.Recipe.Solver);

    /// <summary>The level tables of a matrix on a scalar grid: chosen by its weights alone, but for codebooks, in which columns count as in
    /// the step that makes the codes.</summary>
    /// <param name="planned">The matrix.</param>
    /// <param name="matrix">Its weights.</param>
    /// <param name="objective">The layer objective; null where nothing was observed.</param>
    public LevelTable[] TablesOf(TensorPlan planned, WeightMatrix matrix, LayerObjective? objective = null)
    {
        var layout = (ScalarLayout)planned.Layout!;
        var grid = (ScalarGridSpec)planned.Format!.Grid;
        RoundingRule rounding = _recipe.Rounding;
        bool choice = grid.HasChoice(layout.Bits);
        float[] importance = objective is not null && planned.Role == TensorRole.Linear && grid.CountsColumns
            ? _recipe.Solver[0].TableImportance(objective) : [];
        LevelTable[]? common = planned.Role == TensorRole.Linear ? shared?.GetValueOrDefault(planned.Format) : null;
        var tables = new List<LevelTable>();
        for (int row = 0; row < layout.Rows; row += layout.RowsPerGrid)
        {
            GranuleSample[] samples = common is not null || !choice ? []
                : [GranuleSampling.Take(matrix, layout.Granularity, row, Math.Min(layout.RowsPerGrid, layout.Rows - row), importance)];
            tables.AddRange(common ?? grid.Choose(samples, layout.Bits, rounding, plan.Workers));
        }
        return [.. tables];
    }

    /// <summary>How the scales of a matrix on a scalar grid are chosen.</summary>
    public IScaleFit FitOf(TensorPlan planned) => _recipe.FitOf((ScalarGridSpec)planned.Format!.Grid, planned.Role == TensorRole.Linear);

    /// <summary>Rounds a matrix to nearest, without data.</summary>
    /// <exception cref="InvalidFileException">Its importance has another number of columns.</exception>
    public PackedMatrix SolveNearest(TensorPlan planned)
    {
        WeightMatrix matrix = plan.Matrix(planned);
        // Rows of a scalar matrix are read one at a time.
        if (planned.Layout is ScalarLayout { OutlierValues: 0, Rank: 0 } scalar)
            return new NearestSolver(FitOf(planned)).Solve(matrix, scalar, TablesOf(planned, matrix), default);
        float[] values = matrix.ReadNormalized();
        PackedMatrix packed = planned.Layout is ScalarLayout { OutlierValues: 0 } plain
            ? new NearestSolver(FitOf(planned)).Solve(matrix, plain, TablesOf(planned, matrix), default)
            : new MatrixSolver([]).Solve(Problem(planned, matrix, values, null, [], default)).Matrix;
        if (planned.Layout!.Rank > 0)
            LowRankSolver.Compensate(packed, values, matrix.Shift, null, plan.Workers);
        return packed;
    }

    /// <summary>Solves a linear layer by the steps of the recipe.</summary>
    /// <param name="planned">The layer.</param>
    /// <param name="matrix">Its weights as they are stored.</param>
    /// <param name="values">The weights that are to be met, normalised: those, or ones moved towards another target.</param>
    /// <param name="objective">The layer objective.</param>
    /// <param name="samples">Inputs of the layer, n x C, where a step looks at single ones.</param>
    /// <param name="cancellation">Stops between two steps.</param>
    public MatrixOutcome Solve(TensorPlan planned, WeightMatrix matrix, float[] values, LayerObjective objective, float[] samples,
        CancellationToken cancellation)
    {
        MatrixOutcome outcome = _solver.Solve(Problem(planned, matrix, values, objective, samples, cancellation));
        if (outcome.Matrix.Layout.Rank == 0)
            return outcome;
        float[] quantized = LowRankSolver.Compensate(
            outcome.Matrix, values, matrix.Shift, _recipe.LowRank!.Weighted ? objective.Diagonal : null, plan.Workers);
        return outcome with { Report = outcome.Report with { Objective = objective.Relative(values, quantized) } };
    }

    private MatrixProblem Problem(TensorPlan planned, WeightMatrix matrix, float[] values, LayerObjective? objective, float[] samples,
        CancellationToken cancellation)
    {
        bool scalar = planned.Layout is ScalarLayout;
        return new MatrixProblem(planned.Layout!, values, matrix.Shift, objective)
        {
            Grid = planned.Format!.Grid,
            Tables = scalar ? TablesOf(planned, matrix, objective) : [],
            Fit = scalar ? FitOf(planned) : new ScaleSearch(),
            Importance = objective is null ? ImportanceOf(planned) : [],
            Samples = samples,
            Workers = plan.Workers,
            Cancellation = cancellation,
        };
    }

    private float[] ImportanceOf(TensorPlan planned)
    {
        if (plan.Options.Importance?.GetValueOrDefault(planned.Name) is not float[] importance)
            return [];
        return importance.Length == planned.Layout!.Columns ? importance
            : throw new InvalidFileException(plan.Checkpoint.FileOf(planned.Tensor), "importance-columns",
                $"its importance matrix has {importance.Length} numbers for {planned.Layout.Columns} columns",
                    "Give an importance matrix of this model", planned.Name);
    }
}
