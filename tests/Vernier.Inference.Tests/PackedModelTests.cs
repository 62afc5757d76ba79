using Vernier.Inference;
using Vernier.Inference.Passes;
using Vernier.Inference.Weights;
using Vernier.Numerics;

namespace Vernier.Tests;

/// <summary>A small model whose linear layers are packed, by integer and by float products.</summary>
public class PackedModelTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(50)]
    public void IntegerProductsFollowFloatProducts(int outliers)
    {
        using PackedFolder folder = new(outliers);
        LanguageModel integer = LanguageModel.Load(folder.Path), single = LanguageModel.Load(folder.Path, PackedArithmetic.Float);
        InferenceSession integers = integer.CreateSession(), singles = single.CreateSession();
        Assert.All(integer.Blocks.SelectMany(block => block.Linears), slot => Assert.NotEqual("float", ((PackedLinear)slot.Layer).Kernel));
        Assert.All(single.Blocks.SelectMany(block => block.Linears), slot => Assert.Equal("float", ((PackedLinear)slot.Layer).Kernel));
        int[] tokens = [.. Enumerable.Range(0, 40).Select(i => i * 7 % integer.Config.VocabularySize)];
        float[] a = integers.Forward([new Segment(tokens)], LogitRows.All).ToArray(),
            b = singles.Forward([new Segment(tokens)], LogitRows.All).ToArray();
        double error = 0, norm = 0;
        for (int i = 0; i < a.Length; i++)
        {
            error += Math.Pow(a[i] - b[i], 2);
            norm += Math.Pow(b[i], 2);
        }
        Assert.InRange(Math.Sqrt(error / norm), 1e-6, 0.03);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(50)]
    public void LogitsDependNeitherOnThreadsNorOnBatches(int outliers)
    {
        using PackedFolder folder = new(outliers);
        LanguageModel model = LanguageModel.Load(folder.Path);
        int[] tokens = [.. Enumerable.Range(0, 23).Select(i => i * 5 % model.Config.VocabularySize)];
        float[] expected = [];
        foreach (int threads in (int[])[1, 2, 5])
        {
            using var workers = new Workers(threads);
            InferenceSession session = model.CreateSession(workers);
            float[] all = session.Forward([new Segment(tokens)], LogitRows.All).ToArray();
            expected = threads == 1 ? all : expected;
            Assert.Equal(expected, all);
            SequenceState state = session.CreateState();
            for (int i = 0; i < tokens.Length; i++)
            {
                float[] one = session.Forward([new Segment(tokens.AsMemory(i, 1), state)], LogitRows.Last).ToArray();
                Assert.Equal(expected.AsSpan(i * one.Length, one.Length).ToArray(), one);
            }
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(50)]
    public void ATokenAllocatesNoBuffers(int outliers)
    {
        using PackedFolder folder = new(outliers);
        InferenceSession session = LanguageModel.Load(folder.Path).CreateSession();
        SequenceState state = session.CreateState();
        int[] token = [3];
        session.Forward([new Segment(token, state)], LogitRows.Last);
        // Code that has run seldom is compiled without optimisation, and that may allocate: rounds until one comes after the compiler.
        const int Most = 20 * 32;
        long least = long.MaxValue;
        for (int round = 0; round < 5000 && least > Most; round++)
        {
            state.Truncate(1);
            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int i = 0; i < 20; i++)
                session.Forward([new Segment(token, state)], LogitRows.Last);
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }
        Assert.InRange(least, 0, Most);
    }
}
