using Vernier.Inference;
using Vernier.Inference.Parts;
using Vernier.Inference.Passes;
using Vernier.Inference.Sampling;
using Vernier.Inference.Weights;
using Vernier.Numerics;

namespace Vernier.Tests;

/// <summary>What several sessions share, and how a pass is given up.</summary>
public class SessionTests
{
    [Theory]
    [InlineData("llama")]
    [InlineData("phi3 longrope")]
    [InlineData("qwen2 layer types")]
    public void TwoSessionsAtOnceGiveTheLogitsOfOneAlone(string name)
    {
        LanguageModel model = Load(name);
        int[][] texts = [Tokens(model, 40, 1), Tokens(model, 40, 2)];
        float[][] alone = [.. texts.Select(text => Logits(Load(name), text, Workers.Shared))];
        var together = new float[texts.Length][];
        using var start = new Barrier(texts.Length);
        Thread[] threads = [.. texts.Select((text, i) => new Thread(() =>
        {
            using var workers = new Workers(2);
            start.SignalAndWait();
            for (int round = 0; round < 20; round++)
                together[i] = Logits(model, text, workers);
        }))];
        Array.ForEach(threads, thread => thread.Start());
        Array.ForEach(threads, thread => thread.Join());
        for (int i = 0; i < texts.Length; i++)
            Assert.Equal(alone[i], together[i]);
    }

    [Fact]
    public void AStateGoesOnInAModelThatWasLoadedAgain()
    {
        TinySpec spec = TinySpecs.All.Single(spec => spec.Name == "llama3 scaling");
        using var folder = new TinyFolder(spec.Config(), spec.Tensors(seed: 5));
        InferenceSession first = LanguageModel.Load(folder.Path).CreateSession(), second = LanguageModel.Load(folder.Path).CreateSession();
        int[] tokens = Tokens(first.Model, 12, 1);
        SequenceState state = first.CreateState(), whole = first.CreateState();
        first.Forward([new Segment(tokens.AsMemory(0, 7), state)], LogitRows.Last);
        float[] expected = first.Forward([new Segment(tokens, whole)], LogitRows.Last).ToArray();
        float[] actual = second.Forward([new Segment(tokens.AsMemory(7), state)], LogitRows.Last).ToArray();
        Assert.Equal(12, state.Length);
        for (int i = 0; i < expected.Length; i++)
            Assert.Equal(expected[i], actual[i], 1e-5);

        TinySpec other = spec with { Extra = new Dictionary<string, object?>(spec.Extra) { ["rope_theta"] = 301 } };
        using var changed = new TinyFolder(other.Config(), spec.Tensors(seed: 5));
        InferenceSession third = LanguageModel.Load(changed.Path).CreateSession();
        Assert.Contains("another model", Assert.Throws<ArgumentException>(
            () => third.Forward([new Segment(tokens.AsMemory(0, 1), state)], LogitRows.Last)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void APassThatIsGivenUpLeavesTheSequenceAsItWas()
    {
        LanguageModel model = Load("llama");
        InferenceSession session = model.CreateSession();
        int[] tokens = Tokens(model, 30, 3);
        SequenceState state = session.CreateState();
        session.Forward([new Segment(tokens.AsMemory(0, 10), state)], LogitRows.Last);
        using var stop = new CancellationTokenSource();
        LinearSlot slot = model.Blocks[^1].Linears[0];
        ILinear layer = slot.Layer;
        slot.Layer = new StoppingLinear(layer, stop);
        Assert.Throws<OperationCanceledException>(
            () => session.Forward([new Segment(tokens.AsMemory(10), state)], LogitRows.Last, stop.Token));
        slot.Layer = layer;
        Assert.Equal(10, state.Length);
        float[] expected = Logits(model, tokens, Workers.Shared),
            actual = session.Forward([new Segment(tokens.AsMemory(10), state)], LogitRows.Last).ToArray();
        for (int i = 0; i < expected.Length; i++)
            Assert.Equal(expected[i], actual[i], 1e-5);
        Assert.Equal(30, state.Length);
    }

    [Fact]
    public async Task TextIsWrittenOnOtherThreadsAsOnOnesOwn()
    {
        LanguageModel model = Load("llama");
        var options = new SamplingOptions { Temperature = 1.1, Seed = 4 };
        int[] prompt = [1, 5, 9], expected = [.. new Generator(model).Generate(prompt, options, 20, [])];
        var written = new List<int>();
        await foreach (int token in new Generator(model).GenerateAsync(prompt, options, 20, [], TestContext.Current.CancellationToken))
            written.Add(token);
        Assert.Equal(expected, written);

        using var stop = new CancellationTokenSource();
        await using IAsyncEnumerator<int> text = new Generator(model).GenerateAsync(prompt, options, 20, [], stop.Token)
            .GetAsyncEnumerator(TestContext.Current.CancellationToken);
        Assert.True(await text.MoveNextAsync());
        Assert.Equal(expected[0], text.Current);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await text.MoveNextAsync());
        Assert.ThrowsAny<OperationCanceledException>(() => new Generator(model).Generate(prompt, options, 20, [], stop.Token).First());
    }

    [Fact]
    public void WhatAStateTakesFollowsFromHeadsAndPrecision()
    {
        LanguageModel model = Load("llama");
        SequenceState exact = model.CreateSession().CreateState(),
            rounded = model.CreateSession(precision: CachePrecision.Int8).CreateState();
        // Two layers, two heads, keys of 6 and values of 6 padded to 16, 64 tokens at a time.
        Assert.Equal(2 * 2 * (6 + 16) * 64 * sizeof(float), exact.BytesFor(1));
        Assert.Equal(2 * exact.BytesFor(1), exact.BytesFor(65));
        Assert.Equal(2 * 2 * (6 + 16 + 2 * sizeof(float)) * 64, rounded.BytesFor(64));
        Assert.Equal(0, exact.BytesFor(0));
    }

    private static float[] Logits(LanguageModel model, int[] text, Workers workers)
    {
        InferenceSession session = model.CreateSession(workers);
        SequenceState state = session.CreateState();
        session.Hidden([new Segment(text.AsMemory(0, 25), state)], LogitRows.Last);
        return session.Forward([new Segment(text.AsMemory(25), state)], LogitRows.Last).ToArray();
    }

    private static LanguageModel Load(string name)
    {
        TinySpec spec = TinySpecs.All.Single(spec => spec.Name == name);
        using var folder = new TinyFolder(spec.Config(), spec.Tensors(seed: 42));
        return LanguageModel.Load(folder.Path);
    }

    private static int[] Tokens(LanguageModel model, int count, int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ => random.Next(model.Config.VocabularySize))];
    }

    private sealed class StoppingLinear(ILinear inner, CancellationTokenSource stop) : ILinear
    {
        public int Inputs => inner.Inputs;

        public int Outputs => inner.Outputs;

        public void Apply(ReadOnlySpan<float> x, Span<float> y, int rows, Workers workers)
        {
            stop.Cancel();
            inner.Apply(x, y, rows, workers);
        }
    }
}
