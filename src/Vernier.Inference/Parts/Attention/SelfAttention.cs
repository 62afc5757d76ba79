using System.Numerics.Tensors;
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
    private readonly bool _gated;

    /// <summary>Puts the part together.</summary>
    /// <param name="layer">The block's number.</param>
    /// <param name="shape">The heads.</param>
    /// <param name="inputs">Query, key and value, or all in one layer. Queries that are twice as wide have a gate behind each head: what is
    /// attended to is multiplied by its sigmoid.</param>
    /// <param name="output">The output projection.</param>
    /// <exception cref="ArgumentException">The layers do not fit together.</exception>
    public SelfAttention(int layer, AttentionShape shape, LinearGroup inputs, LinearGroup output)
    {
        ArgumentNullException.ThrowIfNull(shape);
        ArgumentNullException.ThrowIfNull(inputs);
        ArgumentNullException.ThrowIfNull(output);
        (_layer, _shape, _inputs, _output) = (layer, shape, inputs, output);
        int[] widths = inputs.Slots.Count == 1 ? [shape.QueryWidth + 2 * shape.KeyWidth]
            : [shape.QueryWidth, shape.KeyWidth, shape.KeyWidth], gated = [2 * shape.QueryWidth, shape.KeyWidth, shape.KeyWidth];
        _gated = inputs.Slots.Select(slot => slot.Outputs).SequenceEqual(gated);
        if (!_gated && !inputs.Slots.Select(slot => slot.Outputs).SequenceEqual(widths) || output.Slots is not [{ } last]
            || last.Inputs != shape.QueryWidth)
            throw new ArgumentException(
                $"the projections have not the widths of {shape.Heads} and {shape.KeyValueHeads} heads of {shape.HeadSize}",
                nameof(inputs));
        _state = new KeyValueShape(shape.KeyValueHeads, shape.HeadSize);
        Groups = [inputs, output];
    }

    /// <summary>How positions are told apart; null, the default, for not at all.</summary>
    public RotaryEmbedding? Rotary { get; init; }

    /// <summary>How scores become weights.</summary>
    public AttentionScores Scores { get; init; } = new();

    /// <summary>The norm of each query head; null, the default, for none.</summary>
    public INorm? QueryNorm { get; init; }

    /// <summary>The norm of each key head; null, the default, for none.</summary>
    public INorm? KeyNorm { get; init; }

    /// <summary>Whether <see cref="QueryNorm"/> and <see cref="KeyNorm"/> are norms of all heads together. Default false.</summary>
    public bool NormsWholeRows { get; init; }

    /// <summary>Whether the norms of the heads come after the rotation. Default false.</summary>
    public bool NormsAfterRotation { get; init; }

    /// <summary>How the outputs of one projection to all three follow each other. Default in blocks.</summary>
    public QueryKeyValueOrder Order { get; init; }

    /// <summary>The bound of the magnitude of queries, keys and values, behind norms of whole rows; null, the default, for none.</summary>
    public float? Clip { get; init; }

    /// <summary>What queries of a position are multiplied by; null, the default, for 1.</summary>
    public Func<int, float>? Temperature { get; init; }

    /// <summary>A norm of what is attended to, before the output projection; null, the default, for none.</summary>
    public INorm? OutputNorm { get; init; }

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
        ScaledDotProductAttention.Run(context, _shape, Scores, stores, queries, new RowMatrix(attended, 0, width));
        if (_gated || OutputNorm is not null)
            RowMath.ForRows(context.Workers, rows, 4 * width, new OutputWork { Part = this, Queries = queries, Attended = attended });
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
            if (Order == QueryKeyValueOrder.Heads)
                RowMath.ForRows(context.Workers, rows, width, new OrderWork { Shape = _shape, Fused = fused });
            return (new(fused, 0, width), new(fused, queries, width), new(fused, queries + keys, width));
        }
        int all = _gated ? 2 * queries : queries;
        float[] q = context.Buffers.Query(rows, all), k = context.Buffers.Key(rows, keys), v = context.Buffers.Value(rows, keys);
        _inputs.Apply(x, [q, k, v], rows, context.Workers);
        if (_gated)
            RowMath.ForRows(context.Workers, rows, all, new GateWork { Shape = _shape, Queries = q });
        return (new(q, 0, all), new(k, 0, keys), new(v, 0, keys));
    }

    /// <summary>Normalises and rotates queries and keys in place, and stores keys and values.</summary>
    private void Place(RowMatrix queries, RowMatrix keys, RowMatrix values, ReadOnlyMemory<LayerState> stores, ForwardContext context)
    {
        for (int segment = 0; segment < context.SegmentCount; segment++)
            Rotary?.Angles(context[segment].Reach, context[segment].End).Ensure(context[segment].End, context.Workers);
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
            RotaryAngles? angles = Part.Rotary?.Angles(slot.Reach, slot.End);
            Span<float> query = Queries.Row(index, Part._shape.QueryWidth), key = Keys.Row(index, keyWidth),
                value = Values.Row(index, keyWidth);
            if (Part.Clip is float bound)
                TensorPrimitives.Clamp(value, -bound, bound, value);
            Part.Prepare(query, Part.QueryNorm, angles, position);
            Part.Prepare(key, Part.KeyNorm, angles, position);
            if (Part.Temperature is not null)
                TensorPrimitives.Multiply(query, Part.Temperature(position), query);
            ((LayerCache)Stores.Span[segment]).Write(position, key, value);
        }
    }

    private void Prepare(Span<float> row, INorm? norm, RotaryAngles? angles, int position)
    {
        if (NormsWholeRows)
            norm?.Apply(row, row);
        if (Clip is float bound)
            TensorPrimitives.Clamp(row, -bound, bound, row);
        INorm? before = NormsWholeRows || NormsAfterRotation ? null : norm, after = NormsAfterRotation ? norm : null;
        for (; !row.IsEmpty; row = row[_shape.HeadSize..])
        {
            Span<float> head = row[.._shape.HeadSize];
            before?.Apply(head, head);
            angles?.Rotate(head, position);
            after?.Apply(head, head);
        }
    }

    /// <summary>From [key head][queries, key, value] to queries, keys, values.</summary>
    private struct OrderWork : ITeamWork
    {
        public AttentionShape Shape;
        public float[] Fused;

        public readonly void Invoke(int index)
        {
            int size = Shape.HeadSize, group = Shape.Heads / Shape.KeyValueHeads, width = Shape.QueryWidth + 2 * Shape.KeyWidth;
            Span<float> row = Fused.AsSpan(index * width, width);
            using var copy = new Memory.PooledArray<float>(width);
            row.CopyTo(copy.Span);
            for (int head = 0; head < Shape.KeyValueHeads; head++)
            {
                Span<float> own = copy.Span.Slice(head * (group + 2) * size, (group + 2) * size);
                own[..(group * size)].CopyTo(row[(head * group * size)..]);
                own.Slice(group * size, size).CopyTo(row[(Shape.QueryWidth + head * size)..]);
                own[((group + 1) * size)..].CopyTo(row[(Shape.QueryWidth + Shape.KeyWidth + head * size)..]);
            }
        }
    }

    /// <summary>From [head][query, gate] to queries, gates.</summary>
    private struct GateWork : ITeamWork
    {
        public AttentionShape Shape;
        public float[] Queries;

        public readonly void Invoke(int index)
        {
            int size = Shape.HeadSize, width = Shape.QueryWidth;
            Span<float> row = Queries.AsSpan(index * 2 * width, 2 * width);
            using var copy = new Memory.PooledArray<float>(2 * width);
            row.CopyTo(copy.Span);
            for (int head = 0; head < Shape.Heads; head++)
            {
                copy.Span.Slice(2 * head * size, size).CopyTo(row[(head * size)..]);
                copy.Span.Slice((2 * head + 1) * size, size).CopyTo(row[(width + head * size)..]);
            }
        }
    }

    private struct OutputWork : ITeamWork
    {
        public SelfAttention Part;
        public RowMatrix Queries;
        public float[] Attended;

        public readonly void Invoke(int index)
        {
            int width = Part._shape.QueryWidth;
            Span<float> row = Attended.AsSpan(index * width, width);
            if (Part._gated)
            {
                Span<float> gate = Queries.Row(index, 2 * width)[width..];
                TensorPrimitives.Sigmoid(gate, gate);
                TensorPrimitives.Multiply(row, gate, row);
            }
            Part.OutputNorm?.Apply(row, row);
        }
    }
}
