using Vernier.Inference.Passes;
using Vernier.Numerics;

namespace Vernier.Inference.Parts.Attention;

/// <summary>The sizes of latent attention.</summary>
/// <param name="Heads">The heads.</param>
/// <param name="Plain">The coordinates of a query and key head that do not rotate.</param>
/// <param name="Rotary">Those that do; keys share them.</param>
/// <param name="Value">The coordinates of a value head.</param>
/// <param name="Latent">The width that keys and values are made from.</param>
public sealed record LatentShape(int Heads, int Plain, int Rotary, int Value, int Latent)
{
    /// <summary>The coordinates of a query head.</summary>
    public int Query => Plain + Rotary;
}

/// <summary>The layers of latent attention.</summary>
/// <param name="Query">To queries, or where they have a latent of their own to that.</param>
/// <param name="QueryNorm">The norm of that latent; null for none.</param>
/// <param name="QueryOut">From that latent to queries; null for none.</param>
/// <param name="Latent">To the latent of keys and values, and to the coordinates of keys that rotate.</param>
/// <param name="LatentNorm">The norm of the latent.</param>
/// <param name="KeyValue">From the latent to the rest of the keys and the values of each head.</param>
/// <param name="Output">Out.</param>
public sealed record LatentLayers(LinearSlot Query, INorm? QueryNorm, LinearSlot? QueryOut, LinearSlot Latent, INorm LatentNorm,
    LinearSlot KeyValue, LinearSlot Output);

/// <summary>
/// Attention the keys and values of which are made from a latent (DeepSeek-AI, 2024). Keys are what they are made to be and the rotated
/// coordinates that all heads share; values are as wide as keys in the cache, filled with zeros.
/// </summary>
public sealed class LatentAttention : IBlockPart
{
    private readonly int _layer;
    private readonly LatentShape _sizes;
    private readonly LatentLayers _layers;
    private readonly AttentionShape _shape;
    private readonly KeyValueShape _state;

    /// <summary>Puts the part together.</summary>
    /// <param name="layer">The block's number.</param>
    /// <param name="sizes">The sizes.</param>
    /// <param name="layers">The layers.</param>
    /// <exception cref="ArgumentException">They do not fit together.</exception>
    public LatentAttention(int layer, LatentShape sizes, LatentLayers layers)
    {
        ArgumentNullException.ThrowIfNull(sizes);
        ArgumentNullException.ThrowIfNull(layers);
        (_layer, _sizes, _layers) = (layer, sizes, layers);
        if ((layers.QueryOut ?? layers.Query).Outputs != sizes.Heads * sizes.Query || layers.Latent.Outputs != sizes.Latent + sizes.Rotary
            || layers.KeyValue.Outputs != sizes.Heads * (sizes.Plain + sizes.Value) || layers.Output.Inputs != sizes.Heads * sizes.Value
            || sizes.Value > sizes.Query)
            throw new ArgumentException("the layers do not fit together", nameof(layers));
        _shape = new AttentionShape(sizes.Heads, sizes.Heads, sizes.Query);
        _state = new KeyValueShape(sizes.Heads, sizes.Query);
        LinearGroup first = new(layers.Query, layers.Latent);
        LinearSlot?[] others = [layers.QueryOut, layers.KeyValue, layers.Output];
        Groups = [first, .. others.OfType<LinearSlot>().Select(slot => new LinearGroup(slot))];
    }

    /// <summary>How positions are told apart.</summary>
    public required RotaryEmbedding Rotary { get; init; }

    /// <summary>How scores become weights.</summary>
    public AttentionScores Scores { get; init; } = new();

    /// <inheritdoc/>
    public IReadOnlyList<LinearGroup> Groups { get; }

    /// <inheritdoc/>
    public LayerStateShape State => _state;

    /// <inheritdoc/>
    public void Forward(ReadOnlySpan<float> x, Span<float> delta, ForwardContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        int rows = context.Rows, query = _layers.Query.Outputs, latent = _sizes.Latent + _sizes.Rotary, width = _shape.QueryWidth,
            each = _layers.KeyValue.Outputs;
        float[] q = context.Buffers.Query(rows, Math.Max(query, width)), joined = context.Buffers.Key(rows, latent);
        Groups[0].Apply(x, [q, joined], rows, context.Workers);
        if (_layers.QueryOut is LinearSlot second)
        {
            float[] low = context.Buffers.Gate(rows, query);
            for (int row = 0; row < rows; row++)
                _layers.QueryNorm!.Apply(q.AsSpan(row * query, query), low.AsSpan(row * query, query));
            second.Layer.Apply(low.AsSpan(0, rows * query), q.AsSpan(0, rows * width), rows, context.Workers);
        }
        float[] normed = context.Buffers.Up(rows, _sizes.Latent), made = context.Buffers.Value(rows, each);
        for (int row = 0; row < rows; row++)
            _layers.LatentNorm.Apply(joined.AsSpan(row * latent, _sizes.Latent), normed.AsSpan(row * _sizes.Latent, _sizes.Latent));
        _layers.KeyValue.Layer.Apply(normed.AsSpan(0, rows * _sizes.Latent), made.AsSpan(0, rows * each), rows, context.Workers);
        ReadOnlyMemory<LayerState> stores = context.States(_layer, _state);
        for (int segment = 0; segment < context.SegmentCount; segment++)
            Rotary.Angles(context[segment].Reach, context[segment].End).Ensure(context[segment].End, context.Workers);
        RowMath.ForRows(context.Workers, rows, 4 * width,
            new PlaceWork { Part = this, Context = context, Stores = stores, Queries = q, Joined = joined, Made = made });
        context.Cancellation.ThrowIfCancellationRequested();
        float[] attended = context.Buffers.Attended(rows, width), dense = context.Buffers.Inner(rows, _layers.Output.Inputs);
        ScaledDotProductAttention.Run(context, _shape, Scores, stores, new RowMatrix(q, 0, width), new RowMatrix(attended, 0, width));
        for (int row = 0; row < rows * _sizes.Heads; row++)
            attended.AsSpan(row * _sizes.Query, _sizes.Value).CopyTo(dense.AsSpan(row * _sizes.Value));
        _layers.Output.Layer.Apply(dense.AsSpan(0, rows * _layers.Output.Inputs), delta, rows, context.Workers);
    }

    private struct PlaceWork : ITeamWork
    {
        public LatentAttention Part;
        public ForwardContext Context;
        public ReadOnlyMemory<LayerState> Stores;
        public float[] Queries, Joined, Made;

        public readonly void Invoke(int index)
        {
            LatentShape sizes = Part._sizes;
            int segment = Context.SegmentOf(index), width = Part._shape.QueryWidth, own = sizes.Plain + sizes.Value;
            ForwardContext.Slot slot = Context[segment];
            int position = slot.Position + index - slot.FirstRow;
            RotaryAngles angles = Part.Rotary.Angles(slot.Reach, slot.End);
            Span<float> shared = Joined.AsSpan(index * (sizes.Latent + sizes.Rotary) + sizes.Latent, sizes.Rotary);
            angles.Rotate(shared, position);
            using var buffer = new Memory.PooledArray<float>(2 * width);
            Span<float> keys = buffer.Span[..width], values = buffer.Span[width..];
            values.Clear();
            for (int head = 0; head < sizes.Heads; head++)
            {
                angles.Rotate(Queries.AsSpan(index * width + head * sizes.Query + sizes.Plain, sizes.Rotary), position);
                ReadOnlySpan<float> made = Made.AsSpan((index * sizes.Heads + head) * own, own);
                made[..sizes.Plain].CopyTo(keys[(head * sizes.Query)..]);
                shared.CopyTo(keys[(head * sizes.Query + sizes.Plain)..]);
                made[sizes.Plain..].CopyTo(values[(head * sizes.Query)..]);
            }
            ((LayerCache)Stores.Span[segment]).Write(position, keys, values);
        }
    }
}
