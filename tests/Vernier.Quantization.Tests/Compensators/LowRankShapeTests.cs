using Vernier.Grids;
using Vernier.Grids.Uniform;
using Vernier.Numerics;
using Vernier.Packing;
using Vernier.Packing.Scalar;
using Vernier.Quantization.Compensators;
using Vernier.Quantization.Solvers;
using Vernier.Quantization.Solvers.Scalar;

namespace Vernier.Tests.Compensators;

/// <summary>Matrices of low rank beside codes, of any shape and size.</summary>
public class LowRankShapeTests
{
    [Theory]
    [InlineData(1, 1, 1, 0)]
    [InlineData(1, 9, 1, 0)]
    [InlineData(7, 1, 1, -90)]
    [InlineData(5, 24, 3, 0)]
    [InlineData(24, 5, 5, 100)]
    [InlineData(33, 70, 33, -60)]
    public void TheErrorFallsAndWhatIsPackedIsWhatIsTold(int rows, int columns, int rank, int shift)
    {
        var layout = (ScalarLayout)(new UniformGridSpec().LayoutOf(rows, columns, 2, Granularity.Channel) with { Rank = rank });
        var problem = new MatrixProblem(layout, TinyModel.Gaussian(rows * columns, 1, 0.2))
        {
            Tables = [UniformGrid.Create(2, LevelLayout.Full)],
        };
        var results = new List<(float[] Told, byte[] Bytes)>();
        foreach (int threads in (int[])[1, 3])
        {
            using var workers = new Workers(threads);
            var solution = ScalarSolution.Nearest(problem, []);
            ScalarMatrix packed = solution.Pack(shift);
            float[] told = LowRankSolver.Compensate(packed, problem.Weights, shift, null, workers);
            results.Add((told, [.. packed.ArrayBytes().SelectMany(array => array.ToArray())]));
            double before = Error(solution.Decode()), after = Error(told);
            Assert.True(after <= before);
            // Of full rank all is made up for but the rounding to 8 bits.
            Assert.True(rank < Math.Min(rows, columns) || after <= 2e-3 * before + 1e-12, $"{after} of {before}");
            var row = new float[columns];
            for (int r = 0; r < rows; r++)
            {
                packed.DequantizeRow(r, row);
                Assert.All(row.Index(), pair => Assert.Equal(Math.ScaleB(told[r * columns + pair.Index], shift), pair.Item));
            }
        }
        Assert.Equal(results[0].Told, results[1].Told);
        Assert.Equal(results[0].Bytes, results[1].Bytes);

        double Error(float[] values) => values.Zip(problem.Weights, (a, b) => Math.Pow((double)a - b, 2)).Sum();
    }

    [Fact]
    public void WhereNothingWasLostNothingIsAdded()
    {
        var layout = (ScalarLayout)(new UniformGridSpec().LayoutOf(4, 8, 2, Granularity.Channel) with { Rank = 2 });
        var problem = new MatrixProblem(layout, new float[32]) { Tables = [UniformGrid.Create(2, LevelLayout.Full)] };
        ScalarMatrix packed = ScalarSolution.Nearest(problem, []).Pack(0);
        Assert.All(LowRankSolver.Compensate(packed, problem.Weights, 0, new double[8], Workers.Shared), value => Assert.Equal(0, value));
        Assert.StartsWith("the layout has no matrix of low rank, or it is there already", Assert.Throws<InvalidOperationException>(
            () => LowRankSolver.Compensate(packed, problem.Weights, 0, null, Workers.Shared)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0, 0, 0)]
    [InlineData(1, 8L * 20 * 30 + 40L * 50, 33.0 * 2 * 10 * 600)]
    [InlineData(5, 8L * 20 * 30 + 40L * 5 * 50, 33.0 * 2 * 18 * 600)]
    public void ItTakesMemoryAndTimeByItsRank(int rank, long bytes, double operations)
    {
        PackedLayout layout = new UniformGridSpec().LayoutOf(20, 30, 4, Granularity.Channel) with { Rank = rank };
        Assert.Equal((bytes, operations), (LowRankSolver.WorkBytes(layout), LowRankSolver.Operations(layout)));
    }
}
