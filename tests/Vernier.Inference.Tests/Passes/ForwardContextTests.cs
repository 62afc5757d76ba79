using Vernier.Inference.Parts.Attention;
using Vernier.Inference.Passes;
using Vernier.Numerics;
using Vernier.Tests.Configuration;

namespace Vernier.Tests.Passes;

/// <summary>The rows of a pass, what its sequences have behind them, and passes that do not begin.</summary>
public class ForwardContextTests
{
    private static readonly KeyValueShape s_shape = new(2, 6);

    [Theory]
    [InlineData(new[] { 1 }, new[] { 0 })]
    [InlineData(new[] { 16 }, new[] { 5 })]
    [InlineData(new[] { 17, 1, 15 }, new[] { 0, 3, -1 })]
    [InlineData(new[] { 1, 1, 1, 1 }, new[] { -1, -1, 9, 0 })]
    [InlineData(new[] { 100, 24, 7 }, new[] { -1, 28, -1 })]
    public void RowsLieOneBehindTheOtherAndEachIsInOneTask(int[] counts, int[] behind)
    {
        ForwardContext context = Context();
        // A pass of more rows leaves nothing behind.
        context.Begin([new Segment(new int[128]), new Segment(new int[33])]);
        Segment[] segments = [.. counts.Select((count, i) => new Segment(new int[count], behind[i] < 0 ? null : State(behind[i])))];
        context.Begin(segments);
        Assert.Equal((counts.Sum(), counts.Length), (context.Rows, context.SegmentCount));
        int first = 0;
        for (int i = 0; i < counts.Length; i++)
        {
            Assert.Equal((first, counts[i], Math.Max(behind[i], 0)), context.Place(i));
            Assert.Equal(first + counts[i] - 1, context.LastRow(i));
            Assert.Equal(behind[i] < 0 ? counts[i] : 128, context[i].Reach);
            Assert.All(Enumerable.Range(first, counts[i]), row => Assert.Equal(i, context.SegmentOf(row)));
            first += counts[i];
        }
        (int, int)[] rows = [.. context.RowBlocks.SelectMany(
            block => Enumerable.Range(block.First, block.Count).Select(row => (block.Segment, row)))];
        Assert.Equal(counts.SelectMany((count, i) => Enumerable.Range(0, count).Select(row => (i, row))), rows);
        Assert.All(context.RowBlocks, block => Assert.InRange(block.Count, 1, 16));
    }

    [Fact]
    public void APassThatIsRefusedIsEmptyAndLeavesItsSequences()
    {
        ForwardContext context = Context();
        SequenceState state = State(3), full = State(128), other = State(0, """{"rope_theta":7}""");
        Segment good = new(new int[2], state);
        Refused("at least one segment");
        Refused("segment 1 has no tokens", good, new Segment(default, State(0)));
        Refused("segment 2 has the same state", good, new Segment(new int[1]), new Segment(new int[1], state));
        Refused("segment 1 was made for another model", good, new Segment(new int[1], other));
        Refused("segment 1 has 128 tokens and takes at most 128, not 1 more", good, new Segment(new int[1], full));
        Refused("segment 0 has 3 tokens and takes at most 128, not 126 more", new Segment(new int[126], state));
        Assert.Equal((3, 128, 0), (state.Length, full.Length, other.Length));
        context.Begin([good]);
        context.Commit();
        Assert.Equal(5, state.Length);

        void Refused(string words, params Segment[] segments)
        {
            context.Begin([good]);
            Refusal.Of<ArgumentException>(words, () => context.Begin(segments));
            Assert.Equal((0, 0, 0), (context.Rows, context.SegmentCount, context.RowBlocks.Count));
            context.Commit();
            Assert.Equal(3, state.Length);
        }
    }

    [Fact]
    public void TokensCountFromTheEndOfThePassOn()
    {
        ForwardContext context = Context();
        SequenceState first = State(0), second = State(60);
        context.Begin([new Segment(new int[70], first), new Segment(new int[5]), new Segment(new int[10], second)]);
        Assert.Equal((0, 60), (first.Length, second.Length));
        context.Commit();
        Assert.Equal((70, 70), (first.Length, second.Length));
        // Begun and never ended.
        context.Begin([new Segment(new int[4], first)]);
        context.Begin([new Segment(new int[1], second)]);
        context.Commit();
        Assert.Equal((70, 71), (first.Length, second.Length));
    }

    [Fact]
    public void WhatIsNotKeptIsScratchOfItsSegmentAndShape()
    {
        ForwardContext context = Context();
        SequenceState state = State(0);
        context.Begin([new Segment(new int[3]), new Segment(new int[2], state), new Segment(new int[70])]);
        LayerState[] states = [.. context.States(1, s_shape).Span];
        Assert.Equal(3, states.Distinct().Count());
        Assert.Same(states[1], state.Layer(1));
        Assert.NotSame(state.Layer(0), state.Layer(1));
        // Of equal shape the scratch serves layer after layer; what is kept does not.
        LayerState[] next = [.. context.States(0, new KeyValueShape(2, 6)).Span];
        Assert.Equal((true, false, true),
            (ReferenceEquals(states[0], next[0]), ReferenceEquals(states[1], next[1]), ReferenceEquals(states[2], next[2])));
        LayerState[] wide = [.. context.States(0, new KeyValueShape(1, 20)).Span];
        Assert.NotSame(states[0], wide[0]);
        // There is room for the tokens of the pass: two chunks for 70, and the third does not exist.
        var cache = (LayerCache)states[2];
        Assert.Equal(6 * 64, cache.Keys(1, 1, []).Length);
        Refusal.Of<ArgumentOutOfRangeException>("index", () => cache.Keys(2, 0, []).Length);
        Refusal.Of<ArgumentNullException>("shape", () => context.States(0, null!));
        Refusal.Of<InvalidOperationException>("layer 1 keeps nothing", () =>
        {
            var bare = new SequenceState(ConfigText.Read("llama", "{}"), [s_shape, null]);
            context.Begin([new Segment(new int[1], bare)]);
            context.States(1, s_shape);
        });
    }

    [Fact]
    public void AStateSumsTheBytesOfItsLayers()
    {
        var config = ConfigText.Read("llama", "{}");
        SequenceState state = new(config, [s_shape, null, new KeyValueShape(1, 20)], 9), empty = new(config, [null, null]);
        Assert.Equal(4L * 64 * (2 * (6 + 16) + 20 + 32), state.BytesFor(1));
        Assert.Equal((9, 128, 0L), (state.MaxLength, empty.MaxLength, empty.BytesFor(1000)));
        Assert.Equal(state.BytesFor(64) + state.BytesFor(1), state.BytesFor(65));
        Refusal.Of<ArgumentOutOfRangeException>("maxLength", () => new SequenceState(config, [], -1));
        Refusal.Of<ArgumentNullException>("layers", () => new SequenceState(config, null!));
        Refusal.Of<ArgumentNullException>("config", () => new SequenceState(null!, []));
        Refusal.Of<ArgumentNullException>("config", () => new ForwardContext(null!));
    }

    [Fact]
    public void ThreadsAreThoseThatAreGiven()
    {
        using var workers = new Workers(1);
        Assert.Same(workers, new ForwardContext(ConfigText.Read("llama", "{}"), workers).Workers);
        Assert.Same(Workers.Shared, Context().Workers);
        using var stop = new CancellationTokenSource();
        ForwardContext context = Context();
        context.Begin([new Segment(new int[1])], stop.Token);
        Assert.Equal(stop.Token, context.Cancellation);
        context.Begin([new Segment(new int[1])]);
        Assert.False(context.Cancellation.CanBeCanceled);
    }

    private static ForwardContext Context() => new(ConfigText.Read("llama", "{}"));

    private static SequenceState State(int length, string changes = "{}")
    {
        var config = ConfigText.Read("llama", changes);
        var state = new SequenceState(config, [s_shape, s_shape]);
        if (length == 0)
            return state;
        var context = new ForwardContext(config);
        context.Begin([new Segment(new int[length], state)]);
        context.Commit();
        return state;
    }
}
