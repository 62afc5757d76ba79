using Vernier.Files;
using Vernier.Files.Checkpoints;
using Vernier.Grids.Specs;
using Vernier.Packing;
using Vernier.Quantization.Weights;

namespace Vernier.Tests.Weights;

/// <summary>Matrices as they are read for solvers, and samples of them.</summary>
public sealed class WeightMatrixTests : IDisposable
{
    private readonly TempFolder _folder = new();
    private readonly List<Checkpoint> _open = [];

    public void Dispose()
    {
        _open.ForEach(checkpoint => checkpoint.Dispose());
        _folder.Dispose();
    }

    /// <summary>The power of two next above the largest weight.</summary>
    [Theory]
    [InlineData(1f, 1)]
    [InlineData(0.99999994f, 0)]
    [InlineData(-0.5f, 0)]
    [InlineData(0.49f, -1)]
    [InlineData(-3f, 2)]
    [InlineData(4f, 3)]
    [InlineData(1e-20f, -66)]
    [InlineData(1e-40f, -100)]
    [InlineData(1.5e38f, 127)]
    [InlineData(0f, 0)]
    public void WeightsAreDividedByAPowerOfTwoAboveThem(float largest, int shift)
    {
        float[] weights = [largest / 3, 0, largest, -largest / 2, -0f, largest / 7];
        WeightMatrix matrix = Matrix(2, 3, weights);
        Assert.Equal(shift, matrix.Shift);
        float[] normalised = matrix.ReadNormalized();
        Assert.All(weights.Zip(normalised), pair => Assert.Equal(pair.First, Math.ScaleB(pair.Second, shift)));
        Assert.All(normalised, weight => Assert.InRange(weight, -1, 1));
        var part = new float[4];
        matrix.ReadNormalized(0, 2, part);
        Assert.Equal(normalised[2..], part);
        var raw = new float[4];
        matrix.Read(0, 2, raw);
        Assert.Equal(weights[2..], raw);
        matrix.Normalize(raw);
        Assert.Equal(part, raw);
    }

    [Fact]
    public void AKnownShiftIsNotLookedFor()
    {
        float[] weights = [1, float.NaN];
        Assert.Equal(5, new WeightMatrix(Open(1, 2, weights, out TensorInfo tensor), tensor, shift: 5).Shift);
    }

    /// <summary>About 32768 weights and at least 16 granules, at even distances; all where they are no more.</summary>
    [Theory]
    [InlineData(4, 10, 4, 12, 4)]
    [InlineData(4, 10, 0, 4, 10)]
    [InlineData(4, 10, -1, 4, 10)]
    [InlineData(3, 7, 100, 3, 7)]
    [InlineData(200, 640, 64, 512, 64)]
    [InlineData(20, 40_000, 0, 16, 40_000)]
    public void SamplesAreGranulesAtEvenDistances(int rows, int columns, int group, int count, int length)
    {
        float[] weights = [.. Enumerable.Range(0, rows * columns).Select(i => (i + 1) / 1048576f)];
        WeightMatrix matrix = Matrix(rows, columns, weights);
        float[] importance = [.. Enumerable.Range(0, columns).Select(i => i + 0.5f)];
        GranuleSample sample = GranuleSampling.Take(matrix, new Granularity(group), 0, rows, importance),
            plain = GranuleSampling.Take(matrix, new Granularity(group), 0, rows);
        Assert.Equal((count, count), (sample.Count, plain.Count));
        Assert.Equal(length, sample.Weights(0).Length);
        Assert.Equal(Math.ScaleB(1, 2 * matrix.Shift), sample.ErrorUnit);
        for (int granule = 0; granule < count; granule++)
        {
            float[] found = sample.Weights(granule).ToArray();
            Assert.Equal(found, plain.Weights(granule).ToArray());
            int at = (int)Math.Round(Math.ScaleB(found[0], matrix.Shift + 20)) - 1;
            int width = group > 0 ? group : columns, perRow = (columns + width - 1) / width;
            Assert.Equal(rows * perRow * granule / count, at / columns * perRow + at % columns / width);
            Assert.Equal(0, at % columns % width);
            Assert.Equal(Math.Min(width, columns - at % columns), found.Length);
            Assert.All(found.Index(), pair => Assert.Equal(weights[at + pair.Index], Math.ScaleB(pair.Item, matrix.Shift)));
            Assert.Equal(importance[at % columns], sample.Importance(granule)[0]);
            Assert.True(plain.Importance(granule).IsEmpty);
        }
    }

    [Fact]
    public void ASampleOfSomeRowsIsFromThese()
    {
        float[] weights = [.. Enumerable.Range(0, 60).Select(i => i / 64f)];
        GranuleSample sample = GranuleSampling.Take(Matrix(6, 10, weights), Granularity.Channel, 4, 2);
        Assert.Equal(2, sample.Count);
        Assert.Equal(weights[40..50], sample.Weights(0).ToArray());
        Assert.Equal(weights[50..], sample.Weights(1).ToArray());
    }

    [Theory]
    [InlineData("a.weight", "F32", "64 32", TensorRole.Linear)]
    [InlineData("a.weight", "I32", "64 32", TensorRole.Other)]
    [InlineData("a.weight", "F32", "64 32 3", TensorRole.Other)]
    [InlineData("a.weight", "F32", "64", TensorRole.Other)]
    [InlineData("a.weight", "F32", "1 64", TensorRole.Other)]
    [InlineData("a.weight", "F32", "64 1", TensorRole.Other)]
    [InlineData("a.weight", "F32", "2 2", TensorRole.Linear)]
    [InlineData("a.weights", "F32", "64 32", TensorRole.Other)]
    [InlineData("model.LayerNorm.weight", "F16", "64 32", TensorRole.Other)]
    [InlineData("block.router.weight", "BF16", "64 32", TensorRole.Other)]
    [InlineData("my_output.weight", "F32", "64 32", TensorRole.Linear)]
    [InlineData("model.Embeddings.word.weight", "F32", "64 32", TensorRole.Embedding)]
    public void RolesFollowFromShapesAndTypesToo(string name, string type, string shape, TensorRole role) => Assert.Equal(role,
        TensorRoles.Of(new TensorInfo(name, Enum.Parse<ElementType>(type), [.. shape.Split(' ').Select(long.Parse)])));

    [Fact]
    public void TensorsAreTheSameWhereTypeShapeAndBytesAre()
    {
        Checkpoint one = Open(300, 1000, TinyModel.Gaussian(300_000, 1), out TensorInfo tensor),
            two = Open(300, 1000, TinyModel.Gaussian(300_000, 1), out TensorInfo same),
            shape = Open(1000, 300, TinyModel.Gaussian(300_000, 1), out TensorInfo turned);
        Assert.True(TensorBytes.AreSame(one, tensor, two, same));
        Assert.False(TensorBytes.AreSame(one, tensor, shape, turned));
        // Behind the first megabyte.
        float[] values = TinyModel.Gaussian(300_000, 1);
        values[^1] += 1;
        Assert.False(TensorBytes.AreSame(one, tensor, Open(300, 1000, values, out TensorInfo other), other));
        int[] rows = [.. Enumerable.Range(0, 300).Reverse()], columns = [.. Enumerable.Range(0, 1000).Select(i => i * 7 % 1000)];
        var order = new TensorOrder(rows, columns);
        Checkpoint moved = Open(300, 1000, order.Apply<float>(TinyModel.Gaussian(300_000, 1), 1000), out TensorInfo reordered);
        Assert.True(TensorBytes.AreSame(one, tensor, moved, reordered, order));
        Assert.False(TensorBytes.AreSame(one, tensor, moved, reordered));
    }

    private WeightMatrix Matrix(int rows, int columns, float[] weights) =>
        new(Open(rows, columns, weights, out TensorInfo tensor), tensor);

    private Checkpoint Open(int rows, int columns, float[] weights, out TensorInfo tensor)
    {
        string folder = _folder[$"{_open.Count}"];
        TinyModel.Write(folder, ("a.weight", [rows, columns], weights));
        Checkpoint checkpoint = Checkpoint.Open(folder);
        _open.Add(checkpoint);
        tensor = checkpoint["a.weight"];
        return checkpoint;
    }
}
