using Vernier.Files.Gguf.Blocks;
using Vernier.Numerics;
using Vernier.Packing.Ggml;
using Vernier.Quantization.Objectives;
using Vernier.Quantization.Recipes;
using Vernier.Quantization.Solvers;
using Vernier.Quantization.Solvers.Blocks;
using Vernier.Quantization.Solvers.Gptq;
using Vernier.Quantization.Solvers.QuantEase;

namespace Vernier.Tests.Solvers;

/// <summary>The block formats of ggml, solved on real layers, against what ggml itself makes of them.</summary>
public class BlockSolverTests
{
    public static TheoryData<string> Formats => [.. BlockFormats.All.Select(format => format.Name)];

    /// <summary>With data the layer objective is below that of ggml's encoding, alone and with the importance of the same inputs.</summary>
    [Theory]
    [MemberData(nameof(Formats))]
    public void WithDataTheObjectiveIsBelowThatOfGgml(string name)
    {
        foreach (string layer in RealLayers.Names[..2])
        {
            (BlockLayout layout, float[] weights, LayerObjective objective) = Problem(layer, name);
            var solved = (BlockMatrix)new MatrixSolver([new GptqStep(), new QuantEaseStep()])
                .Solve(new MatrixProblem(layout, weights, 0, objective)).Matrix;
            double ours = objective.Relative(weights, Decode(solved)),
                alone = objective.Relative(weights, Decode(Encoded(weights, layout, []))),
                important = objective.Relative(weights, Decode(Encoded(weights, layout, [.. objective.Diagonal.Select(x => (float)x)])));
            Assert.InRange(ours, 0, alone);
            Assert.InRange(ours, 0, important);
        }
    }

    /// <summary>Without data the squared error of every block, weights counted by their size, is at most that of ggml's encoding.</summary>
    [Theory]
    [MemberData(nameof(Formats))]
    public void WithoutDataNoBlockIsFartherFromItsWeightsThanThatOfGgml(string name)
    {
        (BlockLayout layout, float[] weights, _) = Problem(RealLayers.Names[2], name);
        float[] ours = Decode(new BlockMatrix(layout, BlockSearch.Run(weights, layout, [], Workers.Shared))),
            theirs = Decode(Encoded(weights, layout, []));
        var sizes = new float[layout.Format.BlockColumns];
        bool better = false;
        for (int first = 0; first < weights.Length; first += sizes.Length)
        {
            BlockSearch.Sizes(weights.AsSpan(first, sizes.Length), sizes);
            double own = Error(ours, first), other = Error(theirs, first);
            Assert.InRange(own, 0, other * (1 + 1e-9));
            better |= own < 0.999 * other;
        }
        Assert.True(better);

        double Error(float[] decoded, int first) =>
            Enumerable.Range(0, sizes.Length).Sum(i =>
                sizes[i] * (double)(decoded[first + i] - weights[first + i]) * (decoded[first + i] - weights[first + i]));
    }

    private static (BlockLayout Layout, float[] Weights, LayerObjective Objective) Problem(string layer, string format)
    {
        MatrixProblem problem = RealLayers.Problem(layer, "rtn", 4, Vernier.Packing.Granularity.Channel);
        Assert.True(BlockFormats.TryGet(format, out BlockFormat? found));
        return (new BlockLayout(problem.Rows, problem.Columns, found), problem.Weights, problem.Objective);
    }

    private static BlockMatrix Encoded(float[] weights, BlockLayout layout, float[] importance)
    {
        var bytes = new byte[layout.Rows * layout.BytesPerRow];
        layout.Format.EncodeRows(weights, layout.Columns, importance, bytes, Workers.Shared);
        return new BlockMatrix(layout, bytes);
    }

    private static float[] Decode(BlockMatrix matrix)
    {
        var weights = new float[matrix.Rows * matrix.Columns];
        for (int row = 0; row < matrix.Rows; row++)
            matrix.DequantizeRow(row, weights.AsSpan(row * matrix.Columns, matrix.Columns));
        return weights;
    }
}
