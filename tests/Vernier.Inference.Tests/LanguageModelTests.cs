using Vernier.Inference;
using Vernier.Numerics;

namespace Vernier.Tests;

public class LanguageModelTests
{
    public static TheoryData<string> Names => [.. TinySpecs.All.Select(spec => spec.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void AgreesWithTheReference(string name)
    {
        (TinySpec spec, LanguageModel model, ReferenceDecoder reference) = Load(name);
        foreach (int length in new[] { 1, 2, 13, 31, 75 })
        {
            int[] tokens = Tokens(spec, length, seed: length);
            AssertClose(reference.Logits(tokens), model.Forward([new Segment(tokens)], LogitRows.All));
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void PiecesThroughACacheAgreeWithTheWhole(string name)
    {
        (TinySpec spec, LanguageModel model, ReferenceDecoder reference) = Load(name);
        int[] tokens = Tokens(spec, 75, seed: 1);
        double[][] expected = reference.Logits(tokens);
        KvCache cache = model.CreateCache(tokens.Length);
        int[] pieces = [3, 1, 1, 7, 40, 1, 1, 1, 9, 8, 1, 1, 1];
        int done = 0;
        foreach (int piece in pieces)
        {
            ReadOnlySpan<float> logits = model.Forward([new Segment(tokens.AsMemory(done, piece), cache)], LogitRows.All);
            AssertClose(expected[done..(done + piece)], logits);
            done += piece;
            Assert.Equal(done, cache.Length);
        }
        Assert.Equal(tokens.Length, done);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void ABatchAgreesWithItsSequencesAlone(string name)
    {
        (TinySpec spec, LanguageModel model, ReferenceDecoder reference) = Load(name);
        int[][] texts = [Tokens(spec, 20, 1), Tokens(spec, 1, 2), Tokens(spec, 67, 3), Tokens(spec, 12, 4)];
        KvCache cache = model.CreateCache(20), other = model.CreateCache(67);
        model.Forward([new Segment(texts[0].AsMemory(0, 18), cache), new Segment(texts[2].AsMemory(0, 66), other)], LogitRows.Last);
        Segment[] segments = [new(texts[0].AsMemory(18), cache), new(texts[1]), new(texts[2].AsMemory(66), other), new(texts[3])];
        float[] last = model.Forward(segments, LogitRows.Last).ToArray();
        AssertClose([.. texts.Select(text => reference.Logits(text)[^1])], last);

        cache.Truncate(18);
        other.Truncate(66);
        float[] all = new float[16 * spec.Vocabulary];
        model.Forward(segments, LogitRows.All, all);
        AssertClose([.. reference.Logits(texts[0])[18..], .. reference.Logits(texts[1]), reference.Logits(texts[2])[66], .. reference.Logits(texts[3])], all);
    }

    [Fact]
    public void TheNumberOfThreadsChangesNoBit()
    {
        (TinySpec spec, LanguageModel model, _) = Load("llama wide heads");
        Segment[] segments = [new(Tokens(spec, 90, 1)), new(Tokens(spec, 33, 2))];
        float[] many = model.Forward(segments, LogitRows.All).ToArray();
        int threads = ParallelLoop.MaxThreads;
        try
        {
            ParallelLoop.MaxThreads = 1;
            Assert.Equal(many, model.Forward(segments, LogitRows.All).ToArray());
            ParallelLoop.MaxThreads = 5;
            Assert.Equal(many, model.Forward(segments, LogitRows.All).ToArray());
        }
        finally
        {
            ParallelLoop.MaxThreads = threads;
        }
    }

    [Fact]
    public void HiddenRowsThroughTheHeadAreTheLogits()
    {
        (TinySpec spec, LanguageModel model, _) = Load("llama");
        int[] tokens = Tokens(spec, 9, 1);
        float[] logits = model.Forward([new Segment(tokens)], LogitRows.All).ToArray();
        float[] hidden = model.Hidden([new Segment(tokens)], LogitRows.All).ToArray();
        float[] some = new float[3 * spec.Vocabulary];
        model.Head.Apply(hidden.AsSpan(4 * spec.Hidden, 3 * spec.Hidden), some, 3);
        for (int i = 0; i < some.Length; i++)
            Assert.Equal(logits[4 * spec.Vocabulary + i], some[i], 1e-5);
    }

    [Fact]
    public void BlocksRunOneByOneAndTakeOtherLinears()
    {
        (TinySpec spec, LanguageModel model, ReferenceDecoder reference) = Load("qwen2");
        int[] tokens = Tokens(spec, 10, 1);
        const string Name = "model.layers.1.mlp.down_proj.weight";
        var counter = new CountingLinear(model.Blocks[1].Linears[Name]);
        model.Blocks[1].Replace(Name, counter);
        AssertClose(reference.Logits(tokens), model.Forward([new Segment(tokens)], LogitRows.All));
        Assert.Equal(10, counter.Rows);
        Assert.Equal(7, model.Blocks[0].Linears.Count);

        var context = new ForwardContext(model.Config);
        context.Begin([new Segment(tokens)]);
        float[] hidden = new float[tokens.Length * spec.Hidden];
        for (int row = 0; row < tokens.Length; row++)
            model.Embedding.Lookup(tokens[row], hidden.AsSpan(row * spec.Hidden, spec.Hidden));
        foreach (Block block in model.Blocks)
            block.Forward(hidden, context);
        Assert.Equal(20, counter.Rows);
        Assert.Throws<ArgumentException>(() => model.Blocks[0].Replace(Name, counter));
        Assert.Throws<ArgumentException>(() => model.Blocks[1].Replace("model.layers.1.mlp.up_proj.weight", counter));
    }

    [Fact]
    public void WrongSegmentsAreRefusedAndLeaveTheCacheAsItWas()
    {
        (TinySpec spec, LanguageModel model, _) = Load("llama");
        KvCache cache = model.CreateCache(5);
        int[] tokens = Tokens(spec, 4, 1);
        model.Forward([new Segment(tokens, cache)], LogitRows.Last);
        AssertRefused(model, "at most 5", new Segment(tokens, cache));
        AssertRefused(model, "same cache", new Segment(tokens.AsMemory(0, 1), cache), new Segment(tokens.AsMemory(0, 1), cache));
        AssertRefused(model, "token 37", new Segment(new[] { 37 }, cache));
        AssertRefused(model, "token -1", new Segment(new[] { -1 }, cache));
        AssertRefused(model, "no tokens", new Segment(default, cache));
        AssertRefused(model, "at least one segment");
        AssertRefused(model, "another model", new Segment(tokens, Load("qwen3").Model.CreateCache()));
        Assert.Throws<ArgumentOutOfRangeException>(() => model.Forward([new Segment(new[] { 1 }, cache), new Segment(tokens)], LogitRows.All, new float[spec.Vocabulary]));
        Assert.Throws<ArgumentOutOfRangeException>(() => cache.Truncate(5));
        Assert.Equal(4, cache.Length);
    }

    private static void AssertRefused(LanguageModel model, string words, params Segment[] segments) =>
        Assert.Contains(words, Assert.Throws<ArgumentException>(() => model.Forward(segments, LogitRows.Last)).Message, StringComparison.Ordinal);

    private static (TinySpec Spec, LanguageModel Model, ReferenceDecoder Reference) Load(string name)
    {
        TinySpec spec = TinySpecs.All.Single(spec => spec.Name == name);
        Dictionary<string, TinyTensor> tensors = spec.Tensors(seed: 42);
        using var folder = new TinyFolder(spec.Config(), tensors);
        return (spec, LanguageModel.Load(folder.Path), new ReferenceDecoder(spec, tensors));
    }

    private static int[] Tokens(TinySpec spec, int count, int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ => random.Next(spec.Vocabulary))];
    }

    private static void AssertClose(double[][] expected, ReadOnlySpan<float> actual)
    {
        int width = expected[0].Length;
        Assert.Equal(expected.Length * width, actual.Length);
        for (int i = 0; i < actual.Length; i++)
            Assert.Equal(expected[i / width][i % width], actual[i], 1e-4);
    }

    private sealed class CountingLinear(ILinear inner) : ILinear
    {
        public int Rows { get; private set; }
        public int Inputs => inner.Inputs;
        public int Outputs => inner.Outputs;

        public void Apply(ReadOnlySpan<float> x, Span<float> y, int rows)
        {
            Rows += rows;
            inner.Apply(x, y, rows);
        }
    }
}
