using System.Runtime.InteropServices;
using Vernier.Inference.Configuration;
using Vernier.Numerics;

namespace Vernier.Inference.Passes;

/// <summary>
/// What the blocks share during one forward pass: the rows of all segments laid out one after the other, what each sequence has
/// behind it, the threads, and scratch memory that is kept from pass to pass.
/// </summary>
/// <remarks>
/// Blocks can be run one by one, as a layer-by-layer calibration does: <see cref="Begin"/>, then the blocks in order, then
/// <see cref="Commit"/>. Not safe for concurrent use.
/// </remarks>
public sealed class ForwardContext
{
    /// <summary>Query rows of one attention task.</summary>
    private const int RowsPerTask = 16;

    private readonly string _identity;
    private readonly Dictionary<LayerStateShape, List<LayerState>> _scratch = [];
    private readonly List<Slot> _slots = [];
    private readonly List<RowBlock> _blocks = [];
    private readonly HashSet<SequenceState> _seen = [];
    private int[] _slotOfRow = [];
    private int _scratchInUse;
    private LayerState[] _states = [];

    /// <summary>Makes a context for models of a configuration.</summary>
    /// <param name="config">The configuration.</param>
    /// <param name="workers">The threads that work; null, the default, for <see cref="Workers.Shared"/>.</param>
    public ForwardContext(ModelConfig config, Workers? workers = null)
    {
        ArgumentNullException.ThrowIfNull(config);
        _identity = config.Identity;
        Workers = workers ?? Workers.Shared;
    }

    /// <summary>The threads that work.</summary>
    public Workers Workers { get; }

    /// <summary>The number of tokens of all segments of the pass.</summary>
    public int Rows { get; private set; }

    /// <summary>The number of segments of the pass.</summary>
    public int SegmentCount => _slots.Count;

    /// <summary>Gives the pass up between two parts of a block, or two pieces of one.</summary>
    public CancellationToken Cancellation { get; private set; }

    /// <summary>While experts run, the rows of the pass that the layer at work sees, in their order; empty where it sees all.</summary>
    public ReadOnlyMemory<int> RoutedRows { get; internal set; }

    internal Scratch Buffers { get; } = new();

    internal IReadOnlyList<RowBlock> RowBlocks => _blocks;

    /// <summary>Lays out the rows of a pass.</summary>
    /// <param name="segments">The segments, at least one.</param>
    /// <param name="cancellation">Gives the pass up; without <see cref="Commit"/> it leaves the sequences as they were.</param>
    /// <exception cref="ArgumentException">
    /// There is no segment, a segment has no tokens, two share a state, a state belongs to another model or would
    /// hold more than its <see cref="SequenceState.MaxLength"/>.
    /// </exception>
    public void Begin(ReadOnlySpan<Segment> segments, CancellationToken cancellation = default)
    {
        Clear();
        Cancellation = cancellation;
        if (segments.IsEmpty)
            throw new ArgumentException("a forward pass needs at least one segment", nameof(segments));
        try
        {
            for (int i = 0; i < segments.Length; i++)
                Add(i, segments[i]);
        }
        catch
        {
            Clear();
            throw;
        }
        if (_slotOfRow.Length < Rows)
            _slotOfRow = new int[Rows];
        for (int i = 0; i < _slots.Count; i++)
        {
            Slot slot = _slots[i];
            _slotOfRow.AsSpan(slot.FirstRow, slot.Count).Fill(i);
            for (int row = 0; row < slot.Count; row += RowsPerTask)
                _blocks.Add(new RowBlock(i, row, Math.Min(RowsPerTask, slot.Count - row)));
        }
    }

    /// <summary>Adds the tokens of the pass to the sequences, after the last block. Without it the pass leaves them as they were.</summary>
    public void Commit()
    {
        foreach (Slot slot in _slots)
            slot.State?.Commit(slot.End);
    }

    /// <summary>The row of a segment's last token.</summary>
    public int LastRow(int segment) => _slots[segment].FirstRow + _slots[segment].Count - 1;

    /// <summary>Where a segment's rows are.</summary>
    /// <param name="segment">The segment, from 0.</param>
    /// <returns>Its first row, its rows, and the position of the first in its sequence.</returns>
    public (int FirstRow, int Rows, int Position) Place(int segment) =>
        (_slots[segment].FirstRow, _slots[segment].Count, _slots[segment].Position);

    /// <summary>What a layer keeps of the sequence of each segment, with room for the tokens of the pass; in an array that the next call
    /// fills again.</summary>
    /// <param name="layer">The layer.</param>
    /// <param name="shape">What it keeps: for sequences of which nothing is kept beyond the pass.</param>
    public ReadOnlyMemory<LayerState> States(int layer, LayerStateShape shape)
    {
        ArgumentNullException.ThrowIfNull(shape);
        if (_states.Length < SegmentCount)
            _states = new LayerState[SegmentCount];
        for (int segment = 0; segment < SegmentCount; segment++)
        {
            Slot slot = _slots[segment];
            LayerState state = slot.State?.Layer(layer) ?? ScratchState(slot.Scratch, shape);
            _states[segment] = state = state is JointState joint ? joint.Of(shape) : state;
            state.Reserve(slot.End);
        }
        return _states.AsMemory(0, SegmentCount);
    }

    internal Slot this[int segment] => _slots[segment];

    internal int SegmentOf(int row) => _slotOfRow[row];

    private LayerState ScratchState(int number, LayerStateShape shape)
    {
        if (!_scratch.TryGetValue(shape, out List<LayerState>? states))
            _scratch[shape] = states = [];
        while (states.Count <= number)
            states.Add(shape.Create(CachePrecision.Single));
        states[number].Truncate(0);
        return states[number];
    }

    private void Add(int index, Segment segment)
    {
        int count = segment.Tokens.Length, position = 0;
        if (count == 0)
            throw new ArgumentException($"segment {index} has no tokens");
        int reach = count;
        if (segment.State is { } state)
        {
            if (!_seen.Add(state))
                throw new ArgumentException($"segment {index} has the same state as one before it");
            if (state.Identity != _identity)
                throw new ArgumentException($"the state of segment {index} was made for another model");
            if (count > state.MaxLength - state.Length)
                throw new ArgumentException(
                    $"the state of segment {index} has {state.Length} tokens and takes at most {state.MaxLength}, not {count} more");
            position = state.Length;
            reach = state.MaxLength;
        }
        _slots.Add(new Slot(Rows, count, position, segment.State, segment.State is null ? _scratchInUse++ : -1, reach));
        Rows = checked(Rows + count);
    }

    private void Clear()
    {
        Rows = 0;
        _scratchInUse = 0;
        _slots.Clear();
        _blocks.Clear();
        _seen.Clear();
    }

    /// <summary>A segment in the pass.</summary>
    /// <param name="FirstRow">Its first row.</param>
    /// <param name="Count">Its rows.</param>
    /// <param name="Position">The position of its first row in its sequence.</param>
    /// <param name="State">What its sequence has behind it, or null.</param>
    /// <param name="Scratch">Without a state, which of the scratch states it has; otherwise -1.</param>
    /// <param name="Reach">The most tokens that the sequence will ever have.</param>
    internal readonly record struct Slot(int FirstRow, int Count, int Position, SequenceState? State, int Scratch, int Reach)
    {
        /// <summary>The tokens of the sequence after the pass.</summary>
        public int End => Position + Count;
    }

    /// <summary>Consecutive rows of a segment that one attention task computes.</summary>
    [StructLayout(LayoutKind.Auto)]
    internal readonly record struct RowBlock(int Segment, int First, int Count);
}
