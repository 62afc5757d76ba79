using System.Runtime.InteropServices;

namespace Vernier.Inference;

/// <summary>
/// What the blocks share during one forward pass: the rows of all segments laid out one after the other, the rotary angles,
/// the key/value store of each segment, and scratch memory that is kept from pass to pass.
/// </summary>
/// <remarks>
/// Blocks can be run one by one, as a layer-by-layer calibration does: <see cref="Begin"/>, then
/// <see cref="Block.Forward"/> for the blocks in order, then <see cref="Commit"/>. Not safe for concurrent use.
/// </remarks>
public sealed class ForwardContext
{
    /// <summary>Query rows of one attention task.</summary>
    private const int RowsPerTask = 16;

    private readonly RotaryEmbedding _shortRotary;
    private readonly RotaryEmbedding _longRotary;
    private readonly List<LayerCache> _scratch = [];
    private readonly List<Slot> _slots = [];
    private readonly List<RowBlock> _blocks = [];
    private readonly HashSet<KvCache> _seen = [];
    private int[] _slotOfRow = [];
    private int _scratchInUse;
    private LayerCache[] _stores = [];

    /// <summary>Makes a context for models of a configuration.</summary>
    public ForwardContext(ModelConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        Config = config;
        _shortRotary = new RotaryEmbedding(config.Rope, longContext: false);
        _longRotary = config.Rope.Scaling == RopeScaling.LongRope ? new RotaryEmbedding(config.Rope, longContext: true) : _shortRotary;
    }

    /// <summary>The configuration.</summary>
    public ModelConfig Config { get; }

    /// <summary>The number of tokens of all segments of the pass.</summary>
    public int Rows { get; private set; }

    /// <summary>The number of segments of the pass.</summary>
    public int SegmentCount => _slots.Count;

    internal Scratch Buffers { get; } = new();

    internal IReadOnlyList<RowBlock> RowBlocks => _blocks;

    /// <summary>Lays out the rows of a pass.</summary>
    /// <param name="segments">The segments, at least one.</param>
    /// <exception cref="ArgumentException">
    /// There is no segment, a segment has no tokens, two share a cache, a cache belongs to another configuration or would
    /// hold more than its <see cref="KvCache.MaxLength"/>.
    /// </exception>
    public void Begin(ReadOnlySpan<Segment> segments)
    {
        Clear();
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
            slot.Rotary.Ensure(slot.Position + slot.Count);
            for (int row = 0; row < slot.Count; row += RowsPerTask)
                _blocks.Add(new RowBlock(i, row, Math.Min(RowsPerTask, slot.Count - row)));
        }
    }

    /// <summary>Adds the tokens of the pass to the caches, after the last block. Without it the pass leaves them as they were.</summary>
    public void Commit()
    {
        foreach (Slot slot in _slots)
        {
            if (slot.Cache is { } cache)
                cache.Length = slot.Position + slot.Count;
        }
    }

    /// <summary>The row of a segment's last token.</summary>
    public int LastRow(int segment) => _slots[segment].FirstRow + _slots[segment].Count - 1;

    internal Slot this[int segment] => _slots[segment];

    internal int SegmentOf(int row) => _slotOfRow[row];

    /// <summary>Where a segment keeps the keys and values of a layer, with room for the tokens of the pass.</summary>
    internal LayerCache Store(int segment, int layer)
    {
        Slot slot = _slots[segment];
        LayerCache store = slot.Cache?.Layer(layer) ?? _scratch[slot.Scratch];
        store.Reserve(slot.Position + slot.Count);
        return store;
    }

    /// <summary>The stores of all segments, in an array that the next call fills again.</summary>
    internal LayerCache[] Stores(int layer)
    {
        if (_stores.Length < SegmentCount)
            _stores = new LayerCache[SegmentCount];
        for (int segment = 0; segment < SegmentCount; segment++)
            _stores[segment] = Store(segment, layer);
        return _stores;
    }

    private void Add(int index, Segment segment)
    {
        int count = segment.Tokens.Length, position = 0;
        if (count == 0)
            throw new ArgumentException($"segment {index} has no tokens");
        int reach = count;
        if (segment.Cache is { } cache)
        {
            if (!_seen.Add(cache))
                throw new ArgumentException($"segment {index} has the same cache as one before it");
            if (cache.Config != Config)
                throw new ArgumentException($"the cache of segment {index} was made for another model");
            if (count > cache.MaxLength - cache.Length)
                throw new ArgumentException($"the cache of segment {index} has {cache.Length} tokens and takes at most {cache.MaxLength}, not {count} more");
            position = cache.Length;
            reach = cache.MaxLength;
        }
        int scratch = segment.Cache is null ? _scratchInUse++ : -1;
        if (scratch == _scratch.Count)
            _scratch.Add(new FloatLayerCache(Config.KeyValueHeadCount, Config.HeadSize));
        RotaryEmbedding rotary = reach > Config.Rope.OriginalMaxPositions ? _longRotary : _shortRotary;
        _slots.Add(new Slot(Rows, count, position, segment.Cache, scratch, rotary));
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
    /// <param name="Cache">Its cache, or null.</param>
    /// <param name="Scratch">Without a cache, which scratch store it has; otherwise -1.</param>
    /// <param name="Rotary">Its angles.</param>
    internal readonly record struct Slot(int FirstRow, int Count, int Position, KvCache? Cache, int Scratch, RotaryEmbedding Rotary);

    /// <summary>Consecutive rows of a segment that one attention task computes.</summary>
    [StructLayout(LayoutKind.Auto)]
    internal readonly record struct RowBlock(int Segment, int First, int Count);
}
