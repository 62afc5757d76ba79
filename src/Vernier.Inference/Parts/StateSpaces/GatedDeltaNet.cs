using System.Numerics.Tensors;
using Vernier.Inference.Passes;
using Vernier.Memory;
using Vernier.Numerics;

namespace Vernier.Inference.Parts.StateSpaces;

/// <summary>The sizes of a gated delta net.</summary>
/// <param name="KeyHeads">The heads of queries and keys.</param>
/// <param name="ValueHeads">The heads of values, a multiple of those of keys: consecutive ones share a key.</param>
/// <param name="KeySize">The coordinates of a query or key head.</param>
/// <param name="ValueSize">The coordinates of a value head.</param>
public sealed record DeltaShape(int KeyHeads, int ValueHeads, int KeySize, int ValueSize)
{
    /// <summary>The width of all keys.</summary>
    public int Keys => KeyHeads * KeySize;

    /// <summary>The width of all values.</summary>
    public int Values => ValueHeads * ValueSize;

    /// <summary>The channels of the convolution: queries, keys, values.</summary>
    public int Convolved => 2 * Keys + Values;
}

/// <summary>
/// The gated delta rule (Yang et al., 2024). For each head, with keys and queries of length 1, b_t = sigmoid, g_t = -exp(A_log) softplus:
/// <code>
/// S_t = exp(g_t) S_(t-1);   S_t += k_t (b_t (v_t - S_t^T k_t))^T;   y_t = S_t^T q_t / sqrt(key size)
/// </code>
/// then the norm of each head times SiLU of z.
/// </summary>
public sealed class GatedDeltaNet : IBlockPart
{
    private readonly int _layer;
    private readonly DeltaShape _sizes;
    private readonly LinearGroup _inputs, _output;
    private readonly CausalConvolution _convolution;
    private readonly RecurrentShape _shape;
    private readonly float[] _decay, _stepBias;
    private readonly GatedNorm _norm;

    /// <summary>Puts the part together.</summary>
    /// <param name="layer">The block's number.</param>
    /// <param name="sizes">The sizes.</param>
    /// <param name="inputs">The projections: to queries, keys, values and z together for each key head, and to b and a together for each;
    /// or four: to all queries, keys and values; to z; to b; to a.</param>
    /// <param name="output">Out.</param>
    /// <param name="convolution">Channels x length.</param>
    /// <param name="decayLog">A_log, one a value head.</param>
    /// <param name="stepBias">What is added to a, one a value head.</param>
    /// <param name="norm">The weights of the norm, one for each coordinate of a value head, and its epsilon.</param>
    public GatedDeltaNet(int layer, DeltaShape sizes, LinearGroup inputs, LinearGroup output, float[] convolution, float[] decayLog,
        float[] stepBias, (float[] Weight, float Epsilon) norm)
    {
        ArgumentNullException.ThrowIfNull(sizes);
        (_layer, _sizes, _inputs, _output, _stepBias) = (layer, sizes, inputs, output, stepBias);
        _decay = Array.ConvertAll(decayLog, value => -MathF.Exp(value));
        _norm = new GatedNorm(norm.Weight, norm.Epsilon, sizes.ValueHeads, normsFirst: true);
        _convolution = new CausalConvolution(convolution, null, sizes.Convolved, isSilu: true);
        _shape = new RecurrentShape(sizes.Convolved, _convolution.Length - 1, sizes.ValueHeads * sizes.KeySize * sizes.ValueSize);
        Groups = [inputs, output];
    }

    /// <inheritdoc/>
    public IReadOnlyList<LinearGroup> Groups { get; }

    /// <inheritdoc/>
    public LayerStateShape State => _shape;

    /// <inheritdoc/>
    public void Forward(ReadOnlySpan<float> x, Span<float> delta, ForwardContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        int rows = context.Rows, all = _sizes.Convolved + _sizes.Values + 2 * _sizes.ValueHeads;
        // In each row queries, keys, values, z, b, a.
        float[] line = context.Buffers.Gate(rows, all), y = context.Buffers.Inner(rows, _sizes.Values);
        Project(x, line, all, rows, context);
        RowMatrix convolved = new(line, 0, all), gate = new(line, _sizes.Convolved, all);
        (float[][] inputs, float[][] states) = RecurrentPass.Begin(_layer, _shape, context);
        _convolution.Run(convolved, inputs, context);
        context.Cancellation.ThrowIfCancellationRequested();
        var work = new Work { Part = this, Context = context, Rows = new(line, 0, all), Width = all, Y = y, States = states };
        context.Workers.Run(checked(_sizes.ValueHeads * context.SegmentCount), ref work);
        RowMath.ForRows(context.Workers, rows, 8 * _sizes.Values, new NormWork { Part = this, Gate = gate, Y = y });
        _output.Slots[0].Layer.Apply(y.AsSpan(0, rows * _sizes.Values), delta, rows, context.Workers);
    }

    private void Project(ReadOnlySpan<float> x, float[] line, int all, int rows, ForwardContext context)
    {
        float[] a = context.Buffers.Query(rows, _inputs.Slots[0].Outputs), b = context.Buffers.Key(rows, _inputs.Slots[1].Outputs);
        if (_inputs.Slots.Count == 2)
        {
            _inputs.Apply(x, [a, b], rows, context.Workers);
            RowMath.ForRows(context.Workers, rows, all, new HeadOrderWork { Sizes = _sizes, A = a, B = b, Line = line, All = all });
            return;
        }
        float[] c = context.Buffers.Value(rows, _sizes.ValueHeads), d = context.Buffers.Up(rows, _sizes.ValueHeads);
        _inputs.Apply(x, [a, b, c, d], rows, context.Workers);
        RowMath.ForRows(context.Workers, rows, all, new JoinWork { Parts = [a, b, c, d], Line = line, All = all,
            Widths = [_sizes.Convolved, _sizes.Values, _sizes.ValueHeads, _sizes.ValueHeads] });
    }

    /// <summary>From [key head][q, k, v.., z..] and [key head][b.., a..] to queries, keys, values, z, b, a.</summary>
    private struct HeadOrderWork : ITeamWork
    {
        public DeltaShape Sizes;
        public float[] A, B, Line;
        public int All;

        public readonly void Invoke(int index)
        {
            int group = Sizes.ValueHeads / Sizes.KeyHeads, key = Sizes.KeySize, values = group * Sizes.ValueSize,
                own = 2 * key + 2 * values;
            Span<float> row = Line.AsSpan(index * All, All);
            for (int head = 0; head < Sizes.KeyHeads; head++)
            {
                ReadOnlySpan<float> a = A.AsSpan((index * Sizes.KeyHeads + head) * own, own),
                    b = B.AsSpan((index * Sizes.KeyHeads + head) * 2 * group, 2 * group);
                a[..key].CopyTo(row[(head * key)..]);
                a.Slice(key, key).CopyTo(row[(Sizes.Keys + head * key)..]);
                a.Slice(2 * key, values).CopyTo(row[(2 * Sizes.Keys + head * values)..]);
                a[(2 * key + values)..].CopyTo(row[(Sizes.Convolved + head * values)..]);
                b[..group].CopyTo(row[(Sizes.Convolved + Sizes.Values + head * group)..]);
                b[group..].CopyTo(row[(Sizes.Convolved + Sizes.Values + Sizes.ValueHeads + head * group)..]);
            }
        }
    }

    private struct JoinWork : ITeamWork
    {
        public float[][] Parts;
        public int[] Widths;
        public float[] Line;
        public int All;

        public readonly void Invoke(int index)
        {
            for (int part = 0, at = index * All; part < Parts.Length; at += Widths[part], part++)
                Parts[part].AsSpan(index * Widths[part], Widths[part]).CopyTo(Line.AsSpan(at));
        }
    }

    /// <summary>One value head of one segment, token after token. The state is key size x value size.</summary>
    private struct Work : ITeamWork
    {
        public GatedDeltaNet Part;
        public ForwardContext Context;
        public RowMatrix Rows;
        public int Width;
        public float[] Y;
        public float[][] States;

        public readonly void Invoke(int index)
        {
            DeltaShape sizes = Part._sizes;
            (int segment, int head) = Math.DivRem(index, sizes.ValueHeads);
            (int first, int rows, _) = Context.Place(segment);
            int key = sizes.KeySize, value = sizes.ValueSize, keyHead = head / (sizes.ValueHeads / sizes.KeyHeads);
            Span<float> matrix = States[segment].AsSpan(head * key * value, key * value);
            using var buffer = new PooledArray<float>(2 * key + value);
            Span<float> q = buffer.Span[..key], k = buffer.Span.Slice(key, key), change = buffer.Span[(2 * key)..];
            for (int row = first; row < first + rows; row++)
            {
                ReadOnlySpan<float> line = Rows.Row(row, Width), v = line.Slice(2 * sizes.Keys + head * value, value);
                Unit(line.Slice(keyHead * key, key), 1 / MathF.Sqrt(key), q);
                Unit(line.Slice(sizes.Keys + keyHead * key, key), 1, k);
                int at = sizes.Convolved + sizes.Values + head;
                float share = 1 / (1 + MathF.Exp(-line[at]));
                float decay = MathF.Exp(Part._decay[head]
                    * ActivationFunctions.Softplus(line[at + sizes.ValueHeads] + Part._stepBias[head]));
                TensorPrimitives.Multiply(matrix, decay, matrix);
                change.Clear();
                for (int i = 0; i < key; i++)
                    TensorPrimitives.MultiplyAdd(matrix.Slice(i * value, value), k[i], change, change);
                TensorPrimitives.Subtract(v, change, change);
                TensorPrimitives.Multiply(change, share, change);
                Span<float> y = Y.AsSpan(row * sizes.Values + head * value, value);
                y.Clear();
                for (int i = 0; i < key; i++)
                {
                    Span<float> own = matrix.Slice(i * value, value);
                    TensorPrimitives.MultiplyAdd(change, k[i], own, own);
                    TensorPrimitives.MultiplyAdd(own, q[i], y, y);
                }
            }
        }

        private static void Unit(ReadOnlySpan<float> x, float scale, Span<float> y) =>
            TensorPrimitives.Multiply(x, scale / MathF.Sqrt(RowMath.Dot(x, x) + 1e-6f), y);
    }

    private struct NormWork : ITeamWork
    {
        public GatedDeltaNet Part;
        public RowMatrix Gate;
        public float[] Y;

        public readonly void Invoke(int index) =>
            Part._norm.Apply(Y.AsSpan(index * Part._sizes.Values, Part._sizes.Values), Gate.Row(index, Part._sizes.Values));
    }
}
