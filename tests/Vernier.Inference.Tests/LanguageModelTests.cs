using Vernier.Inference;
using Vernier.Inference.Parts;
using Vernier.Inference.Passes;
using Vernier.Inference.Weights;
using Vernier.Numerics;

namespace Vernier.Tests;

[UsesInstructions]
public class LanguageModelTests
{
    public static TheoryData<string> Names => [.. TinySpecs.All.Select(spec => spec.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void AgreesWithTheReference(string name)
    {
        (TinySpec spec, InferenceSession session, ReferenceDecoder reference) = Load(name);
        foreach (int length in new[] { 1, 2, 13, 31, 75 })
        {
            int[] tokens = Tokens(spec, length, seed: length);
            AssertClose(reference.Logits(tokens), session.Forward([new Segment(tokens)], LogitRows.All));
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void PiecesThroughACacheAgreeWithTheWhole(string name)
    {
        (TinySpec spec, InferenceSession session, ReferenceDecoder reference) = Load(name);
        int[] tokens = Tokens(spec, 75, seed: 1);
        double[][] expected = reference.Logits(tokens);
        SequenceState state = session.CreateState(tokens.Length);
        int[] pieces = [3, 1, 1, 7, 40, 1, 1, 1, 9, 8, 1, 1, 1];
        int done = 0;
        foreach (int piece in pieces)
        {
            ReadOnlySpan<float> logits = session.Forward([new Segment(tokens.AsMemory(done, piece), state)], LogitRows.All);
            AssertClose(expected[done..(done + piece)], logits);
            done += piece;
            Assert.Equal(done, state.Length);
        }
        Assert.Equal(tokens.Length, done);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void ABatchAgreesWithItsSequencesAlone(string name)
    {
        (TinySpec spec, InferenceSession session, ReferenceDecoder reference) = Load(name);
        int[][] texts = [Tokens(spec, 20, 1), Tokens(spec, 1, 2), Tokens(spec, 67, 3), Tokens(spec, 12, 4)];
        SequenceState state = session.CreateState(20), other = session.CreateState(67);
        session.Forward([new Segment(texts[0].AsMemory(0, 18), state), new Segment(texts[2].AsMemory(0, 66), other)], LogitRows.Last);
        Segment[] segments = [new(texts[0].AsMemory(18), state), new(texts[1]), new(texts[2].AsMemory(66), other), new(texts[3])];
        float[] last = session.Forward(segments, LogitRows.Last).ToArray();
        AssertClose([.. texts.Select(text => reference.Logits(text)[^1])], last);

        state.Truncate(18);
        other.Truncate(66);
        float[] all = new float[16 * spec.Vocabulary];
        session.Forward(segments, LogitRows.All, all);
        AssertClose([.. reference.Logits(texts[0])[18..], .. reference.Logits(texts[1]), reference.Logits(texts[2])[66],
            .. reference.Logits(texts[3])], all);
    }

    [Fact]
    public void TheNumberOfThreadsChangesNoBit()
    {
        (TinySpec spec, InferenceSession session, _) = Load("llama wide heads");
        Segment[] segments = [new(Tokens(spec, 90, 1)), new(Tokens(spec, 33, 2))];
        float[] many = session.Forward(segments, LogitRows.All).ToArray();
        foreach (int threads in (int[])[1, 2, 5])
        {
            using var workers = new Workers(threads);
            Assert.Equal(many, session.Model.CreateSession(workers).Forward(segments, LogitRows.All).ToArray());
        }
    }

    [Fact]
    public void HiddenRowsThroughTheHeadAreTheLogits()
    {
        (TinySpec spec, InferenceSession session, _) = Load("llama");
        int[] tokens = Tokens(spec, 9, 1);
        float[] logits = session.Forward([new Segment(tokens)], LogitRows.All).ToArray();
        float[] hidden = session.Hidden([new Segment(tokens)], LogitRows.All).ToArray();
        float[] some = new float[3 * spec.Vocabulary];
        session.Model.Head.Apply(hidden.AsSpan(4 * spec.Hidden, 3 * spec.Hidden), some, 3, session.Workers);
        for (int i = 0; i < some.Length; i++)
            Assert.Equal(logits[4 * spec.Vocabulary + i], some[i], 1e-5);
    }

    [Fact]
    public void BlocksRunOneByOneAndTakeOtherLinears()
    {
        (TinySpec spec, InferenceSession session, ReferenceDecoder reference) = Load("qwen2");
        LanguageModel model = session.Model;
        int[] tokens = Tokens(spec, 10, 1);
        const string Name = "model.layers.1.mlp.down_proj.weight";
        var counter = new CountingLinear(model.Blocks[1][Name].Layer);
        model.Blocks[1][Name].Layer = counter;
        AssertClose(reference.Logits(tokens), session.Forward([new Segment(tokens)], LogitRows.All));
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
        Assert.Contains("no linear layer", Assert.Throws<ArgumentException>(() => model.Blocks[0][Name]).Message, StringComparison.Ordinal);
        Assert.Contains("is 29 x 24, not 24 x 29",
            Assert.Throws<ArgumentException>(() => model.Blocks[1]["model.layers.1.mlp.up_proj.weight"].Layer = counter).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void WrongSegmentsAreRefusedAndLeaveTheCacheAsItWas()
    {
        (TinySpec spec, InferenceSession session, _) = Load("llama");
        SequenceState state = session.CreateState(5);
        int[] tokens = Tokens(spec, 4, 1);
        session.Forward([new Segment(tokens, state)], LogitRows.Last);
        AssertRefused(session, "at most 5", new Segment(tokens, state));
        AssertRefused(session, "same state", new Segment(tokens.AsMemory(0, 1), state), new Segment(tokens.AsMemory(0, 1), state));
        AssertRefused(session, "token 37", new Segment(new[] { 37 }, state));
        AssertRefused(session, "token -1", new Segment(new[] { -1 }, state));
        AssertRefused(session, "no tokens", new Segment(default, state));
        AssertRefused(session, "at least one segment");
        AssertRefused(session, "another model", new Segment(tokens, Load("qwen3").Session.CreateState()));
        Refusal.Of<ArgumentOutOfRangeException>("logits", () => session.Forward(
            [new Segment(new[] { 1 }, state), new Segment(tokens)], LogitRows.All, new float[spec.Vocabulary]));
        Refusal.Of<ArgumentOutOfRangeException>("length", () => state.Truncate(5));
        Assert.Equal(4, state.Length);
    }

    private static void AssertRefused(InferenceSession session, string words, params Segment[] segments) =>
        Assert.Contains(words, Assert.Throws<ArgumentException>(() => session.Forward(segments, LogitRows.Last)).Message,
            StringComparison.Ordinal);

    private static (TinySpec Spec, InferenceSession Session, ReferenceDecoder Reference) Load(string name)
    {
        TinySpec spec = TinySpecs.All.Single(spec => spec.Name == name);
        Dictionary<string, TinyTensor> tensors = spec.Tensors(seed: 42);
        using var folder = new TinyFolder(spec.Config(), tensors);
        return (spec, LanguageModel.Load(folder.Path).CreateSession(), new ReferenceDecoder(spec, tensors));
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

        public void Apply(ReadOnlySpan<float> x, Span<float> y, int rows, Workers workers)
        {
            Rows += rows;
            inner.Apply(x, y, rows, workers);
        }
    }
}
