using Vernier.Numerics;

namespace Vernier.Inference;

/// <summary>
/// The attention of a block: projections, optional norms of the heads, rotation, the store of keys and values, attention.
/// </summary>
internal sealed class AttentionPart
{
    private readonly ModelConfig _config;
    private readonly int _layer;
    private readonly LinearTable _linears;
    private readonly string[] _inputs;
    private readonly string _output;
    private readonly float[]? _queryNorm;
    private readonly float[]? _keyNorm;

    public AttentionPart(ModelConfig config, IWeightSource weights, int layer, LinearTable linears)
    {
        (_config, _layer, _linears) = (config, layer, linears);
        string prefix = $"model.layers.{layer}.self_attn.";
        int queries = config.HeadCount * config.HeadSize, keys = config.KeyValueHeadCount * config.HeadSize;
        _inputs = config.FusedProjections
            ? [linears.Load(weights, prefix + "qkv_proj", config.QueryKeyValueBias, queries + 2 * keys, config.HiddenSize)]
            : [
                linears.Load(weights, prefix + "q_proj", config.QueryKeyValueBias, queries, config.HiddenSize),
                linears.Load(weights, prefix + "k_proj", config.QueryKeyValueBias, keys, config.HiddenSize),
                linears.Load(weights, prefix + "v_proj", config.QueryKeyValueBias, keys, config.HiddenSize),
            ];
        _output = linears.Load(weights, prefix + "o_proj", config.OutputBias, config.HiddenSize, queries);
        if (config.QueryKeyNorm)
        {
            _queryNorm = weights.Vector(prefix + "q_norm.weight", config.HeadSize);
            _keyNorm = weights.Vector(prefix + "k_norm.weight", config.HeadSize);
        }
    }

    /// <summary>delta = W_o attention(x), for all rows of the pass.</summary>
    public void Forward(ReadOnlySpan<float> x, Span<float> delta, ForwardContext context)
    {
        int rows = context.Rows, width = _config.HeadCount * _config.HeadSize;
        (RowMatrix queries, RowMatrix keys, RowMatrix values) = Project(x, context);
        Place(queries, keys, values, context);
        float[] attended = context.Buffers.Attended(rows, width);
        ScaledDotProductAttention.Run(context, _layer, queries, new RowMatrix(attended, 0, width));
        _linears[_output].Apply(attended.AsSpan(0, rows * width), delta, rows);
    }

    private (RowMatrix Queries, RowMatrix Keys, RowMatrix Values) Project(ReadOnlySpan<float> x, ForwardContext context)
    {
        int rows = context.Rows;
        int queries = _config.HeadCount * _config.HeadSize, keys = _config.KeyValueHeadCount * _config.HeadSize;
        if (_config.FusedProjections)
        {
            int width = queries + 2 * keys;
            float[] fused = context.Buffers.Query(rows, width);
            _linears[_inputs[0]].Apply(x, fused.AsSpan(0, rows * width), rows);
            return (new(fused, 0, width), new(fused, queries, width), new(fused, queries + keys, width));
        }
        float[] q = context.Buffers.Query(rows, queries), k = context.Buffers.Key(rows, keys), v = context.Buffers.Value(rows, keys);
        _linears.Apply(_inputs, x, [q, k, v], rows);
        return (new(q, 0, queries), new(k, 0, keys), new(v, 0, keys));
    }

    /// <summary>Normalises and rotates queries and keys in place, and stores keys and values.</summary>
    private void Place(RowMatrix queries, RowMatrix keys, RowMatrix values, ForwardContext context)
    {
        RowMath.ForRows(context.Rows, (_config.HeadCount + 3 * _config.KeyValueHeadCount) * _config.HeadSize,
            new PlaceWork { Part = this, Context = context, Stores = context.Stores(_layer), Queries = queries, Keys = keys, Values = values });
    }

    private struct PlaceWork : ITeamWork
    {
        public AttentionPart Part;
        public ForwardContext Context;
        public LayerCache[] Stores;
        public RowMatrix Queries, Keys, Values;

        public readonly void Invoke(int index)
        {
            ModelConfig config = Part._config;
            int segment = Context.SegmentOf(index), keyWidth = config.KeyValueHeadCount * config.HeadSize;
            ForwardContext.Slot slot = Context[segment];
            int position = slot.Position + index - slot.FirstRow;
            Part.Prepare(Queries.Row(index, config.HeadCount * config.HeadSize), Part._queryNorm, slot.Rotary, position);
            Span<float> key = Keys.Row(index, keyWidth);
            Part.Prepare(key, Part._keyNorm, slot.Rotary, position);
            Stores[segment].Write(position, key, Values.Row(index, keyWidth));
        }
    }

    private void Prepare(Span<float> heads, float[]? norm, RotaryEmbedding rotary, int position)
    {
        for (; !heads.IsEmpty; heads = heads[_config.HeadSize..])
        {
            Span<float> head = heads[.._config.HeadSize];
            if (norm is not null)
                RowMath.RmsNorm(head, norm, _config.NormEpsilon, head);
            rotary.Rotate(head, position);
        }
    }
}
