using Vernier.Inference.Passes;
using Vernier.Numerics;

namespace Vernier.Inference.Parts.Attention;

/// <summary>
/// Attention over the tokens before and their own: projections, optional norms of the heads, rotation, the store of keys and values,
/// softmax(q K^T / sqrt(d)) V, and the output projection (Vaswani et al., 2017).
/// </summary>
public sealed class SelfAttention : IBlockPart
{
    private readonly int _layer;
    private readonly AttentionShape _shape;
    private readonly LinearGroup _inputs;
    private readonly LinearGroup _output;
    private readonly KeyValueShape _state;

    /// <summary>Puts the part together.</summary>
    /// <param name="layer">The block's number.</param>
    /// <param name="shape">The heads.</param>
    /// <param name="inputs">Query, key and value, or all in one layer in this order.</param>
    /// <param name="output">The output projection.</param>
    /// <exception cref="ArgumentException">The layers do not fit together.</exception>
    public SelfAttention(int layer, AttentionShape shape, LinearGroup inputs, LinearGroup output)
    {
        ArgumentNullException.ThrowIfNull(shape);
        ArgumentNullException.ThrowIfNull(inputs);
        ArgumentNullException.ThrowIfNull(output);
        (_layer, _shape, _inputs, _output) = (layer, shape, inputs, output);
        int[] widths = inputs.Slots.Count == 1 ? [shape.QueryWidth + 2 * shape.KeyWidth]
            : [shape.QueryWidth, shape.KeyWidth, shape.KeyWidth];
        if (!inputs.Slots.Select(slot => slot.Outputs).SequenceEqual(widths) || output.Slots is not [{ } last]
            || last.Inputs != shape.QueryWidth)
            throw new ArgumentException(
                $"the projections have not the widths of {shape.Heads} and {shape.KeyValueHeads} heads of {shape.HeadSize}",
                nameof(inputs));
        _state = new KeyValueShape(shape.KeyValueHeads, shape.HeadSize);
        Groups = [inputs, output];
    }

    /// <summary>How positions are told apart; null, the default, for not at all.</summary>
    public RotaryEmbedding? Rotary { get; init; }

    /// <summary>The norm of each query head; null, the default, for none.</summary>
    public INorm? QueryNorm { get; init; }

    /// <summary>The norm of each key head; null, the default, for none.</summary>
    public INorm? KeyNorm { get; init; }

    /// <inheritdoc/>
    public IReadOnlyList<LinearGroup> Groups { get; }

    /// <inheritdoc/>
    public LayerStateShape State => _state;

    /// <inheritdoc/>
    public void Forward(ReadOnlySpan<float> x, Span<float> delta, ForwardContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        int rows = context.Rows, width = _shape.QueryWidth;
        (RowMatrix queries, RowMatrix keys, RowMatrix values) = Project(x, context);
        ReadOnlyMemory<LayerState> stores = context.States(_layer, _state);
        Place(queries, keys, values, stores, context);
        context.Cancellation.ThrowIfCancellationRequested();
        float[] attended = context.Buffers.Attended(rows, width);
        ScaledDotProductAttention.Run(context, _shape, stores, queries, new RowMatrix(attended, 0, width));
        _output.Slots[0].Layer.Apply(attended.AsSpan(0, rows * width), delta, rows, context.Workers);
    }

    private (RowMatrix Queries, RowMatrix Keys, RowMatrix Values) Project(ReadOnlySpan<float> x, ForwardContext context)
    {
        int rows = context.Rows, queries = _shape.QueryWidth, keys = _shape.KeyWidth;
        if (_inputs.Slots.Count == 1)
        {
            int width = queries + 2 * keys;
            float[] fused = context.Buffers.Query(rows, width);
            _inputs.Slots[0].Layer.Apply(x, fused.AsSpan(0, rows * width), rows, context.Workers);
            return (new(fused, 0, width), new(fused, queries, width), new(fused, queries + keys, width));
        }
        float[] q = context.Buffers.Query(rows, queries), k = context.Buffers.Key(rows, keys), v = context.Buffers.Value(rows, keys);
        _inputs.Apply(x, [q, k, v], rows, context.Workers);
        return (new(q, 0, queries), new(k, 0, keys), new(v, 0, keys));
    }

    /// <summary>Normalises and rotates queries and keys in place, and stores keys and values.</summary>
    private void Place(RowMatrix queries, RowMatrix keys, RowMatrix values, ReadOnlyMemory<LayerState> stores, ForwardContext context)
    {
        for (int segment = 0; segment < context.SegmentCount; segment++)
            Rotary?.Angles(context[segment].Reach).Ensure(context[segment].End, context.Workers);
        RowMath.ForRows(context.Workers, context.Rows, _shape.QueryWidth + 3 * _shape.KeyWidth,
            new PlaceWork { Part = this, Context = context, Stores = stores, Queries = queries, Keys = keys, Values = values });
    }

    private struct PlaceWork : ITeamWork
    {
        public SelfAttention Part;
        public ForwardContext Context;
        public ReadOnlyMemory<LayerState> Stores;
        public RowMatrix Queries, Keys, Values;

        public readonly void Invoke(int index)
        {
            int segment = Context.SegmentOf(index), keyWidth = Part._shape.KeyWidth;
            ForwardContext.Slot slot = Context[segment];
            int position = slot.Position + index - slot.FirstRow;
            RotaryAngles? angles = Part.Rotary?.Angles(slot.Reach);
            Part.Prepare(Queries.Row(index, Part._shape.QueryWidth), Part.QueryNorm, angles, position);
            Span<float> key = Keys.Row(index, keyWidth);
            Part.Prepare(key, Part.KeyNorm, angles, position);
            ((LayerCache)Stores.Span[segment]).Write(position, key, Values.Row(index, keyWidth));
        }
    }

    private void Prepare(Span<float> heads, INorm? norm, RotaryAngles? angles, int position)
    {
        for (; !heads.IsEmpty; heads = heads[_shape.HeadSize..])
        {
            Span<float> head = heads[.._shape.HeadSize];
            norm?.Apply(head, head);
            angles?.Rotate(head, position);
        }
    }
}
