using Vernier.Inference;
using Vernier.Inference.Parts;
using Vernier.Inference.Passes;
using Vernier.Inference.Weights;
using Vernier.Numerics;

namespace Vernier.Tests.Passes;

/// <summary>What a sequence has behind it: going on, going back, giving up.</summary>
public class SequenceStateTests
{
    private static readonly int[] s_text = [.. Enumerable.Range(0, 90).Select(i => (i * i + 5) % 37)];

    public static TheoryData<CachePrecision> Precisions => [CachePrecision.Single, CachePrecision.Int8];

    [Theory]
    [MemberData(nameof(Precisions))]
    public void GoingBackIsAsIfTheRestHadNeverBeen(CachePrecision precision)
    {
        InferenceSession session = Load("llama").CreateSession(precision: precision);
        Assert.Equal(precision, session.Precision);
        SequenceState straight = session.CreateState(), winding = session.CreateState();
        Forward(session, straight, s_text[..70]);
        Forward(session, winding, [.. s_text[..70], .. s_text[..20]]);
        Assert.Equal((70, 90), (straight.Length, winding.Length));
        winding.Truncate(70);
        Assert.Equal(70, winding.Length);
        Assert.Equal(Forward(session, straight, s_text[70..]), Forward(session, winding, s_text[70..]));
        winding.Truncate(0);
        SequenceState fresh = session.CreateState();
        Assert.Equal(Forward(session, fresh, s_text[..66]), Forward(session, winding, s_text[..66]));
        Refusal.Of<ArgumentOutOfRangeException>("length", () => winding.Truncate(67));
        Refusal.Of<ArgumentOutOfRangeException>("length", () => winding.Truncate(-1));
        Assert.Equal(66, winding.Length);
    }

    [Theory]
    [MemberData(nameof(Precisions))]
    public void APassThatIsGivenUpLeavesAllItsSequences(CachePrecision precision)
    {
        LanguageModel model = Load("phi3 partial rotation and window");
        InferenceSession session = model.CreateSession(precision: precision);
        SequenceState[] disturbed = [session.CreateState(), session.CreateState()], calm = [session.CreateState(), session.CreateState()];
        for (int i = 0; i < 2; i++)
            Assert.Equal(Forward(session, calm[i], s_text[i..(60 + i)]), Forward(session, disturbed[i], s_text[i..(60 + i)]));
        using var stop = new CancellationTokenSource();
        LinearSlot slot = model.Blocks[1].Linears[^1];
        ILinear layer = slot.Layer;
        slot.Layer = new Stopping(layer, stop);
        Segment[] segments = [new(s_text.AsMemory(0, 9), disturbed[0]), new(s_text.AsMemory(20, 11), disturbed[1])];
        // The last layer of the last block: all is computed, and the pass counts.
        session.Forward(segments, LogitRows.Last, stop.Token);
        Assert.Equal([69, 71], disturbed.Select(state => state.Length));
        Array.ForEach(disturbed, state => state.Truncate(60));
        // A pass with the same token gets nowhere.
        Assert.Throws<OperationCanceledException>(() => session.Forward(segments, LogitRows.Last, stop.Token));
        slot.Layer = layer;
        Assert.Equal([60, 60], disturbed.Select(state => state.Length));
        for (int i = 0; i < 2; i++)
            Assert.Equal(Forward(session, calm[i], s_text[70..]), Forward(session, disturbed[i], s_text[70..]));
    }

    [Fact]
    public void AStateTakesAsMuchAsItWasMadeFor()
    {
        InferenceSession session = Load("llama").CreateSession();
        SequenceState state = session.CreateState(maxLength: 5);
        Assert.Equal((5, 128, 0), (state.MaxLength, session.CreateState().MaxLength, state.Length));
        Forward(session, state, s_text[..4]);
        string message = Assert.Throws<ArgumentException>(() => Forward(session, state, s_text[..2])).Message;
        Assert.Contains("has 4 tokens and takes at most 5, not 2 more", message, StringComparison.Ordinal);
        Forward(session, state, s_text[..1]);
        Assert.Equal(5, state.Length);
        Refusal.Of<ArgumentOutOfRangeException>("maxLength", () => session.CreateState(-1));
        Refusal.Of<ArgumentOutOfRangeException>("tokens", () => state.BytesFor(-1));
    }

    [Fact]
    public void SequencesOfOnePassDoNotSeeOneAnother()
    {
        InferenceSession session = Load("qwen3").CreateSession();
        SequenceState kept = session.CreateState();
        Forward(session, kept, s_text[..20]);
        int vocabulary = session.Model.Config.VocabularySize;
        float[] alone = Forward(session, session.CreateState(), s_text[30..40]);
        float[] together = session.Forward(
            [new(s_text.AsMemory(20, 3), kept), new(s_text.AsMemory(30, 10)), new(s_text.AsMemory(30, 10))], LogitRows.Last).ToArray();
        Assert.Equal(3 * vocabulary, together.Length);
        Assert.Equal(together[vocabulary..(2 * vocabulary)], together[(2 * vocabulary)..]);
        Assert.All(alone.Zip(together[vocabulary..]), pair => Assert.Equal(pair.First, pair.Second, 1e-5));
        float[] all = session.Forward([new(s_text.AsMemory(30, 10))], LogitRows.All).ToArray();
        Assert.Equal(10 * vocabulary, all.Length);
        Assert.All(alone.Zip(all[(9 * vocabulary)..]), pair => Assert.Equal(pair.First, pair.Second, 1e-5));
    }

    [Fact]
    public void ABufferOfLogitsIsLongEnough()
    {
        InferenceSession session = Load("llama").CreateSession();
        SequenceState state = session.CreateState();
        Segment[] segments = [new(s_text.AsMemory(0, 3), state)];
        var logits = new float[3 * 37];
        Refusal.Of<ArgumentOutOfRangeException>("logits", () => session.Forward(segments, LogitRows.All, logits.AsSpan(1)));
        Assert.Equal(0, state.Length);
        session.Forward(segments, LogitRows.All, logits);
        state.Truncate(0);
        Assert.Equal(logits, session.Forward(segments, LogitRows.All).ToArray());
        string message = Assert.Throws<ArgumentException>(() => Forward(session, state, [1, 37])).Message;
        Assert.Contains("token 37 of segment 0 is not in the vocabulary of 37", message, StringComparison.Ordinal);
        Refusal.Of<ArgumentException>("token -1 of segment 0 is not in the vocabulary", () => Forward(session, state, [-1]));
    }

    private static float[] Forward(InferenceSession session, SequenceState state, int[] tokens) =>
        session.Forward([new Segment(tokens, state)], LogitRows.Last).ToArray();

    private static LanguageModel Load(string name)
    {
        TinySpec spec = TinySpecs.All.Single(spec => spec.Name == name);
        using var folder = new TinyFolder(spec.Config(), spec.Tensors(seed: 21));
        return LanguageModel.Load(folder.Path);
    }

    private sealed class Stopping(ILinear inner, CancellationTokenSource stop) : ILinear
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
