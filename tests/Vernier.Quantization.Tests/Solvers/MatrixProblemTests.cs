using Vernier.Grids;
using Vernier.Grids.Specs;
using Vernier.Grids.Uniform;
using Vernier.Levels;
using Vernier.Packing;
using Vernier.Packing.Scalar;
using Vernier.Quantization.Objectives;
using Vernier.Quantization.Recipes;
using Vernier.Quantization.Solvers;
using Vernier.Quantization.Solvers.Nearest;

namespace Vernier.Tests.Solvers;

/// <summary>A matrix that is to be solved, and the steps that it takes.</summary>
public class MatrixProblemTests
{
    private const int Rows = 6, Columns = 10;

    private static readonly float[] s_weights = TinyModel.Gaussian(Rows * Columns, 1, 0.2);

    [Theory]
    [InlineData(Rows * Columns - 1, Columns)]
    [InlineData(Rows * Columns + 1, Columns)]
    [InlineData(0, Columns)]
    [InlineData(Rows * Columns, Columns - 1)]
    [InlineData(Rows * Columns, 1)]
    public void ShapesThatDoNotGoTogetherAreRefused(int weights, int columns)
    {
        string message = Assert.Throws<ArgumentException>(() => new MatrixProblem(Layout(), new float[weights], 0, Gram(columns))).Message;
        Assert.Contains("do not have the shape that the layout gives", message, StringComparison.Ordinal);
    }

    [Fact]
    public void WithoutAnObjectiveNothingIsKnown()
    {
        var problem = new MatrixProblem(Layout(), s_weights, shift: -3);
        Assert.Equal((Rows, Columns, -3, false), (problem.Rows, problem.Columns, problem.Shift, problem.Objective.IsKnown));
        Assert.Equal((0.0, Columns), (problem.Objective.MeanDiagonal, problem.Objective.DeadChannels.Count));
        Assert.Same(s_weights, problem.Weights);
        Assert.Empty(problem.Importance);
        Assert.Null(problem.Grid);
        PackedLayout blocks = RecipeCatalogue.Find("gguf").Grid.LayoutOf(1, 256, 4, Granularity.Channel)!;
        Assert.Throws<InvalidCastException>(() => new MatrixProblem(blocks, new float[256]).Scalar);
    }

    [Fact]
    public void TheRelativeObjectiveIsAShareOfThatOfZeros()
    {
        var problem = new MatrixProblem(Layout(), s_weights, 0, Gram(Columns));
        Assert.Equal(1, problem.Relative(new float[Rows * Columns]), 1e-12);
        Assert.Equal(0, problem.Relative([.. s_weights]));
        Assert.Equal(0.25, problem.Relative(Array.ConvertAll(s_weights, weight => weight / 2)), 1e-6);
        Assert.Equal(4, problem.Relative(Array.ConvertAll(s_weights, weight => -weight)), 1e-6);
        Assert.Equal(0, new MatrixProblem(Layout(), new float[Rows * Columns], 0, Gram(Columns)).Relative(new float[Rows * Columns]));
    }

    [Fact]
    public void RowsHaveTheTablesOfTheirGroup()
    {
        LevelTable[] tables = [.. Enumerable.Range(0, 4).Select(_ => UniformGrid.Create(4, LevelLayout.Full))];
        var layout = new ScalarLayout(Rows, Columns, 4, Granularity.Channel, 4, 2, WideLevels: false, ZeroPoints: false);
        var problem = new MatrixProblem(layout, s_weights) { Tables = tables };
        foreach (int row in (int[])[0, 3])
            Assert.True(problem.TablesOf(row) == tables.AsSpan(0, 2));
        foreach (int row in (int[])[4, 5])
            Assert.True(problem.TablesOf(row) == tables.AsSpan(2, 2));
    }

    [Fact]
    public void OtherWeightsKeepAllElse()
    {
        using var stop = new CancellationTokenSource();
        var fit = new LargestScale();
        var problem = new MatrixProblem(Layout(), s_weights, 5, Gram(Columns))
        {
            Grid = new UniformGridSpec(), Tables = [UniformGrid.Create(4, LevelLayout.Full)], Fit = fit, Importance = new float[Columns],
            Samples = new float[3 * Columns], Cancellation = stop.Token,
        };
        var others = new float[Rows * Columns];
        MatrixProblem other = problem.WithWeights(others);
        Assert.Same(others, other.Weights);
        Assert.Equal((problem.Layout, problem.Shift, problem.Cancellation), (other.Layout, other.Shift, other.Cancellation));
        Assert.Same(problem.Objective, other.Objective);
        Assert.Same(problem.Grid, other.Grid);
        Assert.Same(problem.Tables, other.Tables);
        Assert.Same(fit, other.Fit);
        Assert.Same(problem.Importance, other.Importance);
        Assert.Same(problem.Samples, other.Samples);
        Assert.Same(problem.Workers, other.Workers);
        Assert.Equal("layout", Assert.Throws<ArgumentException>(() => problem.WithWeights(new float[1])).ParamName);
    }

    [Fact]
    public void AStepThatCanNotBeTakenEndsTheWay()
    {
        var taken = new List<string>();
        var reason = new Fallback("too-hot", "the day is too hot");
        MatrixSolver Solver(params SolverStep[] steps) => new(steps);
        MatrixReport report = Solver(new NearestStep(), new Told(taken, "a", reason), new Told(taken, "b", null)).Solve(Problem()).Report;
        Assert.Equal(["a"], taken);
        Assert.Equal((reason, report.Nearest), (report.Fallback, report.Objective));
        Assert.True(report.Nearest is > 0 and < 0.02);
        MatrixOutcome whole = Solver(new NearestStep(), new Told(taken, "c", null), new Told(taken, "d", null)).Solve(Problem());
        Assert.Equal(["a", "c", "d"], taken);
        Assert.Equal((null, 0, 0.0), (whole.Report.Fallback, whole.Report.DeadChannels, whole.Report.Damping));
        // Without data no step is taken.
        MatrixProblem blank = Problem(new LayerObjective(new double[Columns * Columns], Columns));
        Assert.Equal(Fallback.NoData, Solver(new Told(taken, "e", null)).Solve(blank).Report.Fallback);
        Assert.Equal(3, taken.Count);
        Assert.Equal("the day is too hot", reason.ToString());
        Assert.Equal(["no-data", "not-factored", "own-target"],
            new[] { Fallback.NoData, Fallback.NotFactored, Fallback.OwnTarget }.Select(fallback => fallback.Reason));
    }

    [Fact]
    public void SolvingStopsBetweenTwoSteps()
    {
        using var stop = new CancellationTokenSource();
        var taken = new List<string>();
        MatrixProblem problem = Problem(cancellation: stop.Token);
        var solver = new MatrixSolver([new NearestStep(), new Told(taken, "a", null, stop.Cancel), new Told(taken, "b", null)]);
        Assert.Throws<OperationCanceledException>(() => solver.Solve(problem));
        Assert.Equal(["a"], taken);
    }

    private static MatrixProblem Problem(LayerObjective? objective = null, CancellationToken cancellation = default) =>
        new(Layout(), s_weights, 0, objective ?? Gram(Columns))
        {
            Tables = [UniformGrid.Create(4, LevelLayout.Full)],
            Cancellation = cancellation,
        };

    private static PackedLayout Layout() => new UniformGridSpec().LayoutOf(Rows, Columns, 4, Granularity.Channel);

    private static LayerObjective Gram(int columns)
    {
        var gram = new double[columns * columns];
        for (int i = 0; i < columns; i++)
            gram[i * columns + i] = i + 1;
        return new LayerObjective(gram, columns);
    }

    private sealed record Told(List<string> Taken, string Name, Fallback? Reason, Action? Action = null) : SolverStep
    {
        public override string? ProblemWith(GridSpec grid, SolutionFamily family) => null;

        public override Fallback? Apply(SolverState state)
        {
            Taken.Add(Name);
            Action?.Invoke();
            return Reason;
        }

        public override StepCost Cost(PackedLayout layout, SolutionFamily family) => default;
    }
}
