using Vernier.Packing;
using Vernier.Packing.Vectors;
using Vernier.Quantization.Objectives;
using Vernier.Quantization.Recipes;
using Vernier.Quantization.Solvers;

namespace Vernier.Tests.Solvers;

/// <summary>Rows of zeros on codebooks that serve several rows, of every shape.</summary>
public sealed class ZeroRowTests
{
    [Theory]
    [InlineData(1, 2, 64, 0, 0)]
    [InlineData(1, 2, 64, 0, 2)]
    [InlineData(1, 3, 64, 0, 4)]
    [InlineData(2, 4, 64, 16, 0)]
    [InlineData(2, 6, 32, 0, 0)]
    [InlineData(4, 8, 64, 0, 0)]
    [InlineData(2, 4, 63, 0, 0)]
    public void TheyAreZeroAndOthersHardlyWorse(int dimension, int bits, int columns, int block, int rank)
    {
        const int Rows = 48;
        var layout = new VectorLayout(Rows, columns, dimension, bits, 16, columns) { BlockColumns = block, BookRank = rank };
        float[] weights = TinyModel.Gaussian(Rows * columns, 1, 0.2);
        MatrixOutcome before = Solve(weights, layout, columns);
        // One in the first codebook, and two in the last.
        int[] zeros = [3, 40, 47];
        foreach (int row in zeros)
            weights.AsSpan(row * columns, columns).Clear();
        MatrixOutcome after = Solve(weights, layout, columns);
        var decoded = new float[columns];
        for (int row = 0; row < Rows; row++)
        {
            after.Matrix.DequantizeRow(row, decoded);
            if (zeros.Contains(row))
                Assert.All(decoded, weight => Assert.Equal(0, weight));
            else
                Assert.Contains(decoded, weight => weight != 0);
        }
        // Of a codebook of four vectors one is a quarter.
        Assert.InRange(after.Report.Objective, 0, (bits == 2 ? 3 : 1.6) * before.Report.Objective);
        Assert.InRange(after.Report.Objective, 0, after.Report.Nearest * 1.02);
    }

    private static MatrixOutcome Solve(float[] weights, PackedLayout layout, int columns)
    {
        var gram = new double[columns * columns];
        for (int i = 0; i < columns; i++)
            gram[i * columns + i] = 1 + i % 3;
        return new MatrixSolver(RecipeCatalogue.Find("gptvq-descent").Solver).Solve(
            new MatrixProblem(layout, weights, 0, new LayerObjective(gram, columns)));
    }
}
