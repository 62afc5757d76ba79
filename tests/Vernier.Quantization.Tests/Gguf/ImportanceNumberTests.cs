using System.Runtime.InteropServices;
using Vernier.Errors;
using Vernier.Files.Gguf;
using Vernier.Inference.Models;
using Vernier.Quantization.Gguf;

namespace Vernier.Tests.Gguf;

/// <summary>The numbers of an importance matrix in a GGUF file.</summary>
public sealed class ImportanceNumberTests : IDisposable
{
    private const string Query = "blk.0.attn_q.weight", Sums = Query + ".in_sum2", Counts = Query + ".counts";

    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(4, new float[] { 2, 0, 0.5f })]
    [InlineData(0.5f, new float[] { 16, 0, 4 })]
    [InlineData(0, new float[] { 1, 1, 1 })]
    public void SumsAreDividedByTheirCount(float count, float[] expected)
    {
        IReadOnlyDictionary<string, float[]> read = Read((Sums, [8, 0, 2]), (Counts, [count]));
        Assert.Equal(expected, Assert.Single(read).Value);
        Assert.Equal("model.layers.0.self_attn.q_proj.weight", read.Keys.Single());
    }

    [Theory]
    [InlineData(126, -126)]
    [InlineData(30, 0)]
    [InlineData(31, -31)]
    [InlineData(-30, 0)]
    [InlineData(-31, 31)]
    [InlineData(-100, 100)]
    public void WhatIsBeyondTheRangeOfTheEncodingKeepsItsRatios(int exponent, int shift)
    {
        float[] values = Assert.Single(Read((Sums, [MathF.ScaleB(1, exponent), 0, MathF.ScaleB(1, exponent - 3)]), (Counts, [1]))).Value;
        Assert.Equal([MathF.ScaleB(1, exponent + shift), 0, MathF.ScaleB(1, exponent + shift - 3)], values);
    }

    [Fact]
    public void TensorsWithoutAPlaceInTheModelAreLeftOut()
    {
        Assert.Empty(Read(("blk.0.strange.weight.in_sum2", [1]), ("blk.0.strange.weight.counts", [1]), ("other", [1, 2])));
        Assert.Empty(Read(("other", [1])));
    }

    [Theory]
    [InlineData("no count")]
    [InlineData("count of another type")]
    [InlineData("sums of another type")]
    public void SumsWithoutTheirCountAreRefused(string what)
    {
        (string, float[])[] tensors = what switch
        {
            "no count" => [(Sums, [1, 2])],
            _ => [(Sums, [1, 2]), (Counts, [1])],
        };
        GgufTensorType half = GgufTensorType.TryGet("F16", out GgufTensorType? found) ? found : throw new InvalidOperationException();
        Refused(() => Read(name => what == "count of another type" && name == Counts || what == "sums of another type" && name == Sums
            ? half : GgufTensorType.F32, tensors), "its sums or its count are missing, or of another type or shape");
    }

    [Theory]
    [InlineData(-1f, 1f)]
    [InlineData(float.NaN, 1f)]
    [InlineData(float.PositiveInfinity, 1f)]
    [InlineData(1f, -1f)]
    [InlineData(1f, float.NaN)]
    [InlineData(1f, float.PositiveInfinity)]
    [InlineData(3e38f, 1e-10f)]
    public void NumbersThatAreNegativeOrNotFiniteAreRefused(float sum, float count) =>
        Refused(() => Read((Sums, [1, sum]), (Counts, [count])),
            float.IsFinite(count) && count >= 0 ? "a number is negative or not finite" : $"its count is {count}");

    private static void Refused(Action read, string problem)
    {
        InvalidFileException error = Assert.Throws<InvalidFileException>(read);
        Assert.Equal((ImportanceMatrix.Rule, Query), (error.Rule, error.Tensor));
        Assert.Contains(problem, error.Message, StringComparison.Ordinal);
    }

    private IReadOnlyDictionary<string, float[]> Read(params (string Name, float[] Values)[] tensors) =>
        Read(_ => GgufTensorType.F32, tensors);

    private IReadOnlyDictionary<string, float[]> Read(Func<string, GgufTensorType> type, params (string Name, float[] Values)[] tensors)
    {
        string path = _folder["m.gguf"];
        using (var writer = new GgufWriter(path, [KeyValuePair.Create("general.type", GgufValue.Of("imatrix"))],
            [.. tensors.Select(tensor => new GgufTensor(tensor.Name, type(tensor.Name), [tensor.Values.Length]))]))
        {
            foreach ((string name, float[] values) in tensors)
                writer.Write(name, type(name) == GgufTensorType.F32 ? MemoryMarshal.AsBytes(values.AsSpan())
                    : MemoryMarshal.AsBytes(Array.ConvertAll(values, value => (Half)value).AsSpan()));
            writer.Complete();
        }
        using var model = Model.Open(SharedData.Quill);
        return ImportanceMatrix.Read(path, model.Configuration);
    }
}
