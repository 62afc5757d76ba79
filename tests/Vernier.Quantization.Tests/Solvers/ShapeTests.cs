using Vernier.Grids.Vectors;
using Vernier.Numerics;
using Vernier.Packing;
using Vernier.Quantization.Recipes;
using Vernier.Quantization.Solvers;
using Vernier.Quantization.Solvers.Nearest;

namespace Vernier.Tests.Solvers;

/// <summary>What holds of the steps of every recipe, on shapes that end anywhere.</summary>
public class ShapeTests
{
    private static readonly (int Rows, int Columns)[] s_shapes = [(5, 1), (1, 7), (9, 33), (70, 17), (3, 200)];

    public static TheoryData<string, int, int> Cases
    {
        get
        {
            var data = new TheoryData<string, int, int>();
            foreach (Recipe recipe in RecipeCatalogue.All.Where(recipe => recipe.NeedsCalibration))
            {
                foreach ((int rows, int columns) in s_shapes)
                {
                    if (new ShapedProblem(rows, columns).LayoutOf(recipe) is not null)
                        data.Add(recipe.Name, rows, columns);
                }
            }
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void TheResultIsSoundAndTheSameOnAnyNumberOfThreads(string name, int rows, int columns)
    {
        Recipe recipe = RecipeCatalogue.Find(name);
        var shaped = new ShapedProblem(rows, columns);
        var outcomes = new List<MatrixOutcome>();
        foreach (int threads in (int[])[1, 3])
        {
            using var workers = new Workers(threads);
            outcomes.Add(new MatrixSolver(recipe.Solver).Solve(shaped.Of(recipe, workers)));
        }
        Assert.All(outcomes, outcome => Assert.Equal(Bytes(outcomes[0]), Bytes(outcome)));
        Assert.All(outcomes, outcome => Assert.Equal(outcomes[0].Report with { Seconds = 0 }, outcome.Report with { Seconds = 0 }));

        MatrixReport report = outcomes[0].Report;
        Assert.Equal((null, columns > ShapedProblem.Dead ? 1 : 0), (report.Fallback, report.DeadChannels));
        MatrixProblem problem = shaped.Of(recipe, Workers.Shared);
        float[] decoded = Decode(outcomes[0].Matrix);
        Assert.All(decoded, weight => Assert.InRange(weight, -1.6f, 1.6f));
        Assert.Equal(problem.Relative(decoded), report.Objective, 1e-5 * (report.Objective + 1e-9));
        Assert.Equal(problem.Layout.StoredBytes, outcomes[0].Matrix.ArrayBytes().Sum(array => (long)array.Length));
        // What begins at the nearest never rises above it.
        if (recipe.Solver[0] is NearestStep { Importance: ColumnImportance.None })
            Assert.InRange(report.Objective, 0, report.Nearest * (1 + 1e-6));
        else
            Assert.InRange(report.Objective, 0, 1.1 * report.Nearest + 1e-6);
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void ARowOfZerosStaysOneWhereTheGridHasZero(string name, int rows, int columns)
    {
        Recipe recipe = RecipeCatalogue.Find(name);
        // Codebooks of vectors serve several rows, and need not hold a vector of zeros.
        if (rows == 1 || !recipe.Grid.HasZero || recipe.Grid is VectorGridSpec)
            return;
        MatrixOutcome outcome = new MatrixSolver(recipe.Solver).Solve(new ShapedProblem(rows, columns).Of(recipe, Workers.Shared));
        Assert.All(Decode(outcome.Matrix)[..columns], weight => Assert.Equal(0, weight));
    }

    /// <summary>The codes follow from how large errors are beside each other, not from how large inputs are.</summary>
    [Theory]
    [InlineData("gptq", -30)]
    [InlineData("gptq", 40)]
    [InlineData("quantease", -30)]
    [InlineData("quantease-outliers", 20)]
    [InlineData("kmeans-hessian", 40)]
    [InlineData("gptvq", -20)]
    [InlineData("dgq", 20)]
    [InlineData("gguf", -20)]
    [InlineData("jlcm", 10)]
    [InlineData("adaround", -10)]
    public void InputsOfAnotherSizeGiveTheSameCodes(string name, int exponent)
    {
        Recipe recipe = RecipeCatalogue.Find(name);
        var shaped = new ShapedProblem(6, 256);
        MatrixOutcome[] outcomes = [.. ((int[])[0, exponent]).Select(power => new MatrixSolver(recipe.Solver)
            .Solve(shaped.Of(recipe, Workers.Shared, MathF.ScaleB(1, power))))];
        Assert.Equal(Bytes(outcomes[0]), Bytes(outcomes[1]));
        Assert.Equal(outcomes[0].Report.Objective, outcomes[1].Report.Objective, 1e-6);
    }

    private static byte[] Bytes(MatrixOutcome outcome) => [.. outcome.Matrix.ArrayBytes().SelectMany(array => array.ToArray())];

    private static float[] Decode(PackedMatrix packed)
    {
        var weights = new float[packed.Rows * packed.Columns];
        for (int row = 0; row < packed.Rows; row++)
            packed.DequantizeRow(row, weights.AsSpan(row * packed.Columns, packed.Columns));
        return weights;
    }
}
