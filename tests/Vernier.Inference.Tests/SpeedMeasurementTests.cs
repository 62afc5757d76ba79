using Vernier.Inference;
using Vernier.Inference.Parts;
using Vernier.Inference.Passes;
using Vernier.Inference.Sampling;
using Vernier.Inference.Weights;
using Vernier.Numerics;

namespace Vernier.Tests;

/// <summary>What a measurement reads and asks for, and what a generator asks of its session.</summary>
public class SpeedMeasurementTests
{
    private static readonly SamplingOptions s_free = new() { Temperature = 1.3, Seed = 3 };

    [Fact]
    public void TheBytesOfATokenAreThoseOfAllLinearLayers()
    {
        // Per block: query and output of 24 x 24, key and value of 12 x 24, three of 29 x 24; the head of 37 x 24.
        LanguageModel single = Load();
        Assert.Equal(4 * (2 * (2 * 24 * 24 + 2 * 12 * 24 + 3 * 29 * 24) + 37 * 24),
            new SpeedMeasurement(single.CreateSession()).WeightBytes);
        using var folder = new PackedFolder(outliers: 0, bits: 4);
        LanguageModel packed = LanguageModel.Load(folder.Path);
        Assert.Equal(packed.Blocks.SelectMany(block => block.Linears).Select(slot => slot.Layer).Append(packed.Head)
            .Sum(layer => ((PackedLinear)layer).Layout.StoredBytes), new SpeedMeasurement(packed.CreateSession()).WeightBytes);
    }

    [Fact]
    public void APromptIsOnePassAndGenerationOneForEachToken()
    {
        LanguageModel model = Load();
        var counter = new Counting(model.Blocks[0].Linears[^1].Layer);
        model.Blocks[0].Linears[^1].Layer = counter;
        var measurement = new SpeedMeasurement(model.CreateSession());
        Assert.InRange(measurement.Prompt(24), 1e-9, 600);
        Assert.Equal([24], counter.Rows);
        counter.Rows.Clear();
        Assert.InRange(measurement.Generate(7, 3), 1e-9, 600);
        Assert.Equal([7, 1, 1, 1], counter.Rows);
        counter.Rows.Clear();
        Assert.InRange(measurement.Generate(127, 1), 1e-9, 600);
        Refusal.Of<ArgumentOutOfRangeException>("tokens", () => measurement.Prompt(0));
        Refusal.Of<ArgumentOutOfRangeException>("context", () => measurement.Generate(0, 1));
        Refusal.Of<ArgumentOutOfRangeException>("tokens", () => measurement.Generate(1, 0));
        Assert.Equal([127, 1], counter.Rows);
    }

    [Theory]
    [InlineData(0, 5, 32)]
    [InlineData(1, 1, 1)]
    [InlineData(5, 9, 2)]
    [InlineData(4, 3, 4)]
    [InlineData(3, 128, 100)]
    public void TextsAreWrittenInBatches(int sequences, int length, int batch)
    {
        LanguageModel model = Load();
        var counter = new Counting(model.Blocks[1].Linears[0].Layer);
        model.Blocks[1].Linears[0].Layer = counter;
        int[][] texts = new Generator(model).Sample(sequences, length, s_free, batch);
        Assert.Equal(sequences, texts.Length);
        Assert.All(texts, text => Assert.Equal((length, 1), (text.Length, text[0])));
        // The last token of a text is drawn and never run.
        Assert.Equal(sequences * (length - 1), counter.Rows.Sum());
        Assert.All(counter.Rows, rows => Assert.InRange(rows, 1, batch));
        Assert.Equal((sequences + batch - 1) / batch * (length - 1), counter.Rows.Count);
    }

    [Fact]
    public void NoTextHasAnEndAndEachDependsOnItsNumberAlone()
    {
        LanguageModel model = Load();
        int[][] texts = new Generator(model).Sample(9, 60, s_free with { Temperature = 50 }, batch: 4);
        Assert.All(texts, text => Assert.DoesNotContain(2, text));
        Assert.Equal(36, texts.SelectMany(text => text).Distinct().Count());
        Assert.Equal(texts[..3], new Generator(model).Sample(3, 60, s_free with { Temperature = 50 }, batch: 1));
        Refusal.Of<ArgumentOutOfRangeException>("batch", () => new Generator(model).Sample(1, 2, s_free, batch: 0));
        Refusal.Of<ArgumentOutOfRangeException>("sequences", () => new Generator(model).Sample(-1, 2, s_free));
        Refusal.Of<ArgumentException>("token 37 of segment 0", () => new Generator(model).Sample(1, 2, s_free, firstToken: 37));
        Refusal.Of<ArgumentNullException>("session", () => new Generator((InferenceSession)null!));
        Refusal.Of<ArgumentOutOfRangeException>("TopP", () => new Generator(model).Generate(new[] { 1 }, s_free with { TopP = 0 }, 1));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(5)]
    public void WritingThatIsGivenUpLeavesTheSessionToOthers(int passes)
    {
        LanguageModel model = Load();
        InferenceSession session = model.CreateSession();
        SequenceState state = session.CreateState();
        session.Forward([new Segment(new[] { 1, 5, 9 }, state)], LogitRows.Last);
        using var stop = new CancellationTokenSource();
        LinearSlot slot = model.Blocks[0].Linears[0];
        ILinear layer = slot.Layer;
        slot.Layer = new Counting(layer) { Limit = passes, Stop = stop };
        Assert.Throws<OperationCanceledException>(() => new Generator(session).Sample(2, 20, s_free, cancellation: stop.Token));
        slot.Layer = layer;
        Assert.Equal(3, state.Length);
        float[] after = session.Forward([new Segment(new[] { 4 }, state)], LogitRows.Last).ToArray();
        InferenceSession fresh = model.CreateSession();
        SequenceState other = fresh.CreateState();
        fresh.Forward([new Segment(new[] { 1, 5, 9 }, other)], LogitRows.Last);
        Assert.Equal(fresh.Forward([new Segment(new[] { 4 }, other)], LogitRows.Last).ToArray(), after);
        Assert.Equal(new Generator(model).Sample(2, 20, s_free), new Generator(session).Sample(2, 20, s_free));
    }

    private static LanguageModel Load()
    {
        using var folder = new TinyFolder(TinySpecs.Llama.Config(), TinySpecs.Llama.Tensors(seed: 8));
        return LanguageModel.Load(folder.Path);
    }

    /// <summary>Notes the rows of each pass, and gives up the one after so many.</summary>
    private sealed class Counting(ILinear inner) : ILinear
    {
        public List<int> Rows { get; } = [];

        public int Limit { get; init; } = int.MaxValue;

        public CancellationTokenSource? Stop { get; init; }

        public int Inputs => inner.Inputs;

        public int Outputs => inner.Outputs;

        public void Apply(ReadOnlySpan<float> x, Span<float> y, int rows, Workers workers)
        {
            if (Rows.Count == Limit)
                Stop!.Cancel();
            Rows.Add(rows);
            inner.Apply(x, y, rows, workers);
        }
    }
}
