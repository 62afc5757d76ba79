using Vernier.Inference;
using Vernier.Inference.Passes;
using Vernier.Inference.Sampling;
using Vernier.Numerics;

namespace Vernier.Tests;

public class GeneratorTests
{
    private static readonly SamplingOptions Free = new() { Temperature = 1.2, Seed = 11 };

    [Fact]
    public void TheSameSeedWritesTheSameTexts()
    {
        var generator = new Generator(Load());
        int[][] texts = generator.Sample(6, 20, Free, batch: 3);
        Assert.Equal(texts, generator.Sample(6, 20, Free, batch: 3));
        Assert.Equal(texts, generator.Sample(6, 20, Free, batch: 2));
        Assert.Equal(texts, generator.Sample(6, 20, Free));
        Assert.Equal(texts[..2], generator.Sample(2, 20, Free));
        Assert.NotEqual(texts, generator.Sample(6, 20, Free with { Seed = 12 }));
        Assert.Equal(6, texts.Select(text => string.Join(' ', text)).Distinct().Count());
        Assert.All(texts, text =>
        {
            Assert.Equal(20, text.Length);
            Assert.Equal(1, text[0]);
            Assert.DoesNotContain(2, text);
        });
    }

    [Fact]
    public void TheNumberOfThreadsChangesNoText()
    {
        LanguageModel model = Load();
        int[][] texts = new Generator(model).Sample(5, 30, Free);
        foreach (int threads in (int[])[1, 3])
        {
            using var workers = new Workers(threads);
            Assert.Equal(texts, new Generator(model.CreateSession(workers)).Sample(5, 30, Free));
        }
    }

    [Fact]
    public void GreedyTextIsTheArgumentOfTheMaximumStepByStep()
    {
        LanguageModel model = Load();
        int[] prompt = [1, 5, 9];
        int[] written = [.. new Generator(model).Generate(prompt, SamplingOptions.Greedy, 12, [])];
        Assert.Equal(12, written.Length);
        List<int> text = [.. prompt];
        foreach (int token in written)
        {
            Assert.Equal(new Sampler(SamplingOptions.Greedy)
                .Next(model.CreateSession().Forward([new Segment(text.ToArray())], LogitRows.Last)), token);
            text.Add(token);
        }
    }

    [Fact]
    public void GenerationStopsBeforeAStopTokenAndWhereTheContextEnds()
    {
        LanguageModel model = Load();
        var generator = new Generator(model);
        int[] free = [.. generator.Generate(new[] { 1 }, Free, 500, [])];
        Assert.Equal(128, free.Length);
        int stop = free[20];
        int[] stopped = [.. generator.Generate(new[] { 1 }, Free, 500, [stop])];
        Assert.Equal(free.TakeWhile(token => token != stop), stopped);
        Assert.Single(generator.Generate(new int[128], Free, 500, []));
        Assert.Empty(generator.Generate(new[] { 1 }, Free, 0));
        int[] natural = [.. generator.Generate(new[] { 1 }, Free, 500)];
        Assert.Equal(free.TakeWhile(token => token != 2), natural);
    }

    [Fact]
    public void APromptLongerThanOnePassIsTheSamePrompt()
    {
        TinySpec spec = TinySpecs.Llama with { Extra = new() { ["max_position_embeddings"] = 1200 } };
        using var folder = new TinyFolder(spec.Config(), spec.Tensors(1));
        LanguageModel model = LanguageModel.Load(folder.Path);
        int[] prompt = [.. Enumerable.Range(0, 1100).Select(i => i * i % spec.Vocabulary)];
        int first = new Generator(model).Generate(prompt, SamplingOptions.Greedy, 1, []).Single();
        Assert.Equal(new Sampler(SamplingOptions.Greedy).Next(model.CreateSession().Forward([new Segment(prompt)], LogitRows.Last)), first);
    }

    [Fact]
    public void WrongArgumentsAreRefusedAtOnce()
    {
        var generator = new Generator(Load());
        Refusal.Of<ArgumentException>("the prompt has no tokens", () => generator.Generate(default, Free, 1));
        Refusal.Of<ArgumentException>("more than the model's context of 128", () => generator.Generate(new int[129], Free, 1));
        Refusal.Of<ArgumentOutOfRangeException>("maxTokens", () => generator.Generate(new[] { 1 }, Free, -1));
        Refusal.Of<ArgumentOutOfRangeException>("length", () => generator.Sample(1, 129, Free));
        Refusal.Of<ArgumentOutOfRangeException>("length", () => generator.Sample(1, 0, Free));
        Refusal.Of<ArgumentException>("no begin-of-text token", () => new Generator(Load(("bos_token_id", null))).Sample(1, 4, Free));
        Assert.Equal([3, 3], new Generator(Load(("bos_token_id", null))).Sample(2, 1, Free, firstToken: 3).Select(text => text.Single()));
    }

    private static LanguageModel Load(params (string Key, object? Value)[] entries)
    {
        TinySpec spec = TinySpecs.Llama with { Extra = entries.ToDictionary(entry => entry.Key, entry => entry.Value) };
        using var folder = new TinyFolder(spec.Config(), spec.Tensors(seed: 8));
        return LanguageModel.Load(folder.Path);
    }
}
