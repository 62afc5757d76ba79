using Vernier.Files.Checkpoints;
using Vernier.Grids;
using Vernier.Grids.Codebook;
using Vernier.Grids.Specs;
using Vernier.Grids.Uniform;
using Vernier.Levels;
using Vernier.Numerics;
using Vernier.Packing;
using Vernier.Packing.Scalar;
using Vernier.Quantization.Solvers;
using Vernier.Quantization.Solvers.AdaRound;
using Vernier.Quantization.Solvers.Codebooks;
using Vernier.Quantization.Solvers.Jlcm;
using Vernier.Quantization.Solvers.Relaxed;
using Vernier.Quantization.Solvers.Scalar;
using Vernier.Quantization.Weights;

namespace Vernier.Tests.Solvers;

/// <summary>Learned scalar codebooks: k-means, and JLCM's joint learning.</summary>
public class CodebookTests
{
    private static readonly JlcmStep s_jlcm = new JlcmStep { Iterations = 120, LearningRate = 0.1, Penalty = 0.5 };

    /// <summary>The distortion of the best codebooks for a normal distribution, relative to its variance (Max, 1960).</summary>
    [Theory]
    [InlineData(2, 0.1175)]
    [InlineData(3, 0.03454)]
    [InlineData(4, 0.009497)]
    public void OnNormalWeightsItIsTheQuantizerOfLloydAndMax(int bits, double distortion)
    {
        using var folder = new TempFolder();
        (GranuleSample sample, float[] weights) = Sample(folder, TinyModel.Gaussian(16 * 2048, 1, 0.3), 2048);
        LevelTable table = Assert.Single(Choose(bits, 1, sample));
        double error = Error(sample, [table], []), norm = weights.Sum(weight => (double)weight * weight);
        Assert.InRange(error / norm, 0.93 * distortion, 1.02 * distortion);
        Assert.True(table.FitsInSByte);
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(8)]
    public void OnRealLayersCodebooksAreBetterThanUniformAndSeveralBetterThanOne(int bits)
    {
        using Checkpoint checkpoint = Checkpoint.Open(SharedData.Quill);
        foreach (string name in RealLayers.Names)
        {
            var matrix = new WeightMatrix(checkpoint, checkpoint[name]);
            var sample = GranuleSampling.Take(matrix, Granularity.Group(64), 0, matrix.Rows);
            double uniform = Error(sample, [UniformGrid.Create(bits, LevelLayout.Full)], []),
                one = Error(sample, Choose(bits, 1, sample), []);
            Assert.True(one < uniform, $"{name}: {one} against {uniform}");
            if (bits <= 4)
                Assert.True(Error(sample, Choose(bits, 8, sample), []) < one);
        }
    }

    [Fact]
    public void ColumnsThatCountMoreAreServedBetter()
    {
        using Checkpoint checkpoint = Checkpoint.Open(SharedData.Quill);
        double all = 0;
        foreach (string name in RealLayers.Names)
        {
            var matrix = new WeightMatrix(checkpoint, checkpoint[name]);
            float[] importance = ColumnWeights.Normalised(RealLayers.Objective(name).Diagonal);
            GranuleSample plain = GranuleSampling.Take(matrix, Granularity.Group(64), 0, matrix.Rows),
                weighted = GranuleSampling.Take(matrix, Granularity.Group(64), 0, matrix.Rows, importance);
            LevelTable[] alike = Choose(2, 1, plain), by = Choose(2, 1, weighted);
            double ratio = Error(weighted, by, importance) / Error(weighted, alike, importance);
            Assert.True(ratio < 1.02, $"{name}: {ratio}");
            all += ratio;
        }
        Assert.True(all < 0.99 * RealLayers.Names.Length, $"{all}");
    }

    [Theory]
    [InlineData(0f)]
    [InlineData(0.25f)]
    public void ConstantsAreCodebooksToo(float constant)
    {
        using var folder = new TempFolder();
        (GranuleSample sample, _) = Sample(folder, [.. Enumerable.Repeat(constant, 640)], 64);
        foreach (int tables in (int[])[1, 8])
            Assert.Equal(0, Error(sample, Choose(3, tables, sample), []), 1e-6);
    }

    [Fact]
    public void ACodebookIsRoundedToItsLargestNumber()
    {
        LevelTable table = CodebookGrid.Create(2, [0.3, -3, 1.5, 0], out double unit);
        Assert.Equal([-127, 0, 13, 64], table.Levels.ToArray());
        Assert.Equal(3, unit * 127 / 128, 1e-12);
        Assert.Equal(32767, CodebookGrid.Create(8, [.. Enumerable.Range(0, 256).Select(i => (double)i)], out _).Levels[^1]);
    }

    [Theory]
    [InlineData(new double[] { 1, 2, 3 }, "3 numbers are not the 4 of 2 bits")]
    [InlineData(new double[] { 1, 2, 3, 4, 5 }, "5 numbers are not the 4 of 2 bits")]
    [InlineData(new double[] { 0, 0, 0, 0 }, "a codebook holds finite numbers that are not all 0")]
    [InlineData(new double[] { 0, 0, 0, double.NaN }, "a codebook holds finite numbers that are not all 0")]
    [InlineData(new double[] { 1, 0, double.NegativeInfinity, 2 }, "a codebook holds finite numbers that are not all 0")]
    public void WhatIsNoCodebookIsRefused(double[] values, string message) => Assert.StartsWith(message,
        Assert.Throws<ArgumentException>(() => CodebookGrid.Create(2, values, out _)).Message, StringComparison.Ordinal);

    [Fact]
    public void WithCodesFrozenTheCodebookIsWeightedLeastSquares()
    {
        foreach (string name in RealLayers.Names)
        {
            MatrixProblem problem = RealLayers.Problem(name, "kmeans", 2, Granularity.Group(64));
            ScalarSolution start = ScalarSolution.Nearest(problem, []);
            CodebookMap map = ScalarCodebooks.MapOf(problem, start);
            double[] values = ScalarCodebooks.Values(start.Grids), found = LeastSquares.Minimise(map, new FreeCodebooks(4, 1), values, 50),
                unit = new double[4];
            // The four normal equations, solved directly.
            double[] matrix = new double[16], right = map.Gather(map.Residual(unit));
            for (int i = 0; i < 4; i++)
            {
                unit[i] = 1;
                map.Gather(map.Image(unit)).CopyTo(matrix, 4 * i);
                unit[i] = 0;
            }
            Assert.True(Cholesky.TryFactor(new MatrixSpan<double>(matrix, 4, 4), out _, Workers.Shared));
            Cholesky.Solve(new ReadOnlyMatrixSpan<double>(matrix, 4, 4), new MatrixSpan<double>(right, 4, 1), Workers.Shared);
            for (int i = 0; i < 4; i++)
                Assert.Equal(right[i], found[i], 1e-4);
            ScalarSolution improved = ScalarCodebooks.Improve(problem, start, 50);
            Assert.True(problem.Relative(improved) < problem.Relative(start), name);
            CheckHard(problem, improved);
        }
    }

    [Fact]
    public void OtherNumbersInAnyOrderAreStoredAsTheyAre()
    {
        MatrixProblem problem = RealLayers.Problem(RealLayers.Names[0], "kmeans", 2, Granularity.Group(64));
        ScalarSolution start = ScalarSolution.Nearest(problem, []),
            same = ScalarCodebooks.Apply(problem, start, ScalarCodebooks.Values(start.Grids));
        float[] before = start.Decode(), after = same.Decode();
        Assert.All(before.Zip(after), pair => Assert.Equal(pair.First, pair.Second, 2e-3 * Math.Abs(pair.First) + 1e-7));
        ScalarSolution turned = ScalarCodebooks.Apply(problem, start, [0.75, 0.5, -0.25, -1]);
        float[] decoded = turned.Decode();
        for (int i = 0; i < decoded.Length; i++)
        {
            double expected = (double)start.Scales[i / 64] * ((double[])[0.75, 0.5, -0.25, -1])[start.Codes[i]];
            Assert.Equal(expected, decoded[i], 5e-3 * Math.Abs((double)start.Scales[i / 64]));
        }
    }

    [Fact]
    public void TheExactGradientIsLargestForTheFarthestCodewordTheProximalForTheNearest()
    {
        MatrixProblem problem = RealLayers.Problem(RealLayers.Names[0], "kmeans", 3, Granularity.Group(64));
        ScalarSolution start = ScalarSolution.Nearest(problem, []);
        JointCodebook exact = new(problem, start, s_jlcm with { Gradient = MappingGradient.Exact }), proximal = new(problem, start, s_jlcm);
        float[] distances = [0.01f, 0.1f, 0.5f, 1, 3];
        for (int i = 1; i < distances.Length; i++)
        {
            Assert.True(exact.Pull(distances[i], 0.4f) > exact.Pull(distances[i - 1], 0.4f));
            Assert.True(proximal.Pull(distances[i], 0.4f) < proximal.Pull(distances[i - 1], 0.4f));
        }
        Assert.All(distances, distance => Assert.Equal(-proximal.Pull(distance, 0.4f), proximal.Pull(-distance, 0.4f)));
    }

    [Fact]
    public void LearningMovesMostChangedWeightsByOneCodeword()
    {
        foreach (string name in RealLayers.Names.Skip(2))
        {
            MatrixProblem problem = RealLayers.Problem(name, "kmeans", 3, Granularity.Group(64));
            ScalarSolution start = ScalarSolution.Nearest(problem, []),
                learned = new JointCodebook(problem, start, s_jlcm with { Iterations = 40, Neighbours = 5, FreezeCodebook = true }).Run();
            int[] moves = [.. start.Codes.Zip(learned.Codes, (a, b) => Math.Abs(a - b)).Where(move => move > 0)];
            Assert.True(moves.Length > 0.02 * start.Codes.Length, $"{name}: {moves.Length}");
            Assert.True(moves.Count(move => move == 1) > 0.9 * moves.Length, $"{name}: {moves.Count(move => move == 1)} of {moves.Length}");
        }
    }

    [Fact]
    public void OnAFrozenUniformCodebookWithTwoNeighboursItIsLearnedRounding()
    {
        foreach (string name in RealLayers.Names.Skip(2))
        {
            MatrixProblem problem = RealLayers.Problem(name, "rtn", 3, Granularity.Group(64));
            ScalarSolution start = ScalarSolution.Nearest(problem, []);
            ScalarSolution learned = new JointCodebook(
                problem, start, s_jlcm with { Iterations = 300, Neighbours = 2, FreezeCodebook = true }).Run();
            Assert.Equal(start.Scales, learned.Scales);
            for (int i = 0; i < learned.Codes.Length; i++)
            {
                int row = i / problem.Columns, below = start.Grid(row, i % problem.Columns / start.Width).Below(problem.Weights[i]);
                Assert.InRange(learned.Codes[i], Math.Min(below, start.Codes[i]), Math.Max(below + 1, start.Codes[i]));
            }
            AdaRoundStep up = new AdaRoundStep { Iterations = 300, LearningRate = 0.1, Penalty = 50 };
            double nearest = problem.Relative(start), found = problem.Relative(learned),
                rounded = problem.Relative(new AdaRoundSolver(problem, start, up).Run());
            Assert.True(found < 0.7 * nearest && found < 1.15 * rounded, $"{name}: {found}, learned rounding {rounded}, nearest {nearest}");
        }
    }

    [Fact]
    public void JointLearningIsBetterThanTheFrozenMapping()
    {
        foreach (int bits in (int[])[2, 3])
        {
            foreach (string name in RealLayers.Names.Skip(2))
            {
                MatrixProblem problem = RealLayers.Problem(name, "kmeans", bits, Granularity.Group(64));
                ScalarSolution start = ScalarSolution.Nearest(problem, []);
                ScalarSolution frozen = ScalarCodebooks.Improve(problem, start, 50),
                    joint = LearnedTables.Keep(problem, start.Copy(), new JointCodebook(problem, start, s_jlcm));
                Assert.True(problem.Relative(joint) < 0.9 * problem.Relative(frozen),
                    $"{name}: {problem.Relative(joint)} against {problem.Relative(frozen)}");
                CheckHard(problem, joint);
            }
        }
    }

    private static LevelTable[] Choose(int bits, int tables, GranuleSample sample) =>
        new CodebookGridSpec { Mirror = true, Tables = tables }.Choose([sample], bits, RoundingRule.Nearest, Workers.Shared);

    private static double Error(GranuleSample sample, LevelTable[] tables, float[] importance)
    {
        var fit = new ScaleSearch(true);
        return Enumerable.Range(0, sample.Count).Sum(
            granule => sample.ErrorUnit * fit.Fit(sample.Weights(granule), importance.Length == 0 ? []
            : sample.Importance(granule), tables, default).Error);
    }

    private static (GranuleSample Sample, float[] Weights) Sample(TempFolder folder, float[] weights, int columns)
    {
        TinyModel.Write(folder["m"], ("a.weight", [weights.Length / columns, columns], weights));
        using Checkpoint checkpoint = Checkpoint.Open(folder["m"]);
        return (GranuleSampling.Take(new WeightMatrix(checkpoint, checkpoint["a.weight"]), Granularity.Channel, 0,
            weights.Length / columns), weights);
    }

    /// <summary>What was solved is what is packed: 8-bit levels, and the objective of what is read back.</summary>
    private static void CheckHard(MatrixProblem problem, ScalarSolution solution)
    {
        ScalarMatrix packed = solution.Pack(0);
        Assert.All(packed.Grids, grid => Assert.True(grid.FitsInSByte));
        Assert.Equal(problem.Scalar.StoredBytes, packed.ArrayBytes().Sum(array => (long)array.Length));
        float[] decoded = solution.Decode(), row = new float[problem.Columns];
        for (int r = 0; r < problem.Rows; r++)
        {
            packed.DequantizeRow(r, row);
            Assert.Equal(decoded[(r * problem.Columns)..((r + 1) * problem.Columns)], row);
        }
    }
}
