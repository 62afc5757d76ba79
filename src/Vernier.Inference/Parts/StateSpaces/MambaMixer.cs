using System.Numerics.Tensors;
using Vernier.Inference.Passes;
using Vernier.Numerics;

namespace Vernier.Inference.Parts.StateSpaces;

/// <summary>
/// The selective state space of Mamba (Gu and Dao, 2023). For each channel, with a step d_t, vectors B_t and C_t made from the input:
/// <code>
/// h_t = exp(d_t A) h_(t-1) + d_t B_t x_t,   y_t = C_t h_t + D x_t
/// </code>
/// with A = -exp(A_log), and y multiplied by the SiLU of a second projection of the input.
/// </summary>
public sealed class MambaMixer : IBlockPart
{
    private const int ChannelsPerTask = 16;

    private readonly int _layer, _inner, _state, _rank;
    private readonly CausalConvolution _convolution;
    private readonly RecurrentShape _shape;
    private readonly float[] _decay, _direct;

    /// <summary>Puts the part together.</summary>
    /// <param name="layer">The block's number.</param>
    /// <param name="layers">The projections: to x and z; from x to step, B and C; from step to steps; out.</param>
    /// <param name="convolution">Weight, channels x length, and bias or null.</param>
    /// <param name="decayLog">A_log, channels x state.</param>
    /// <param name="direct">D.</param>
    public MambaMixer(int layer, IReadOnlyList<LinearSlot> layers, (float[] Weight, float[]? Bias) convolution, float[] decayLog,
        float[] direct)
    {
        ArgumentNullException.ThrowIfNull(layers);
        ArgumentNullException.ThrowIfNull(direct);
        (_layer, _inner, _direct) = (layer, direct.Length, direct);
        _decay = Array.ConvertAll(decayLog, value => -MathF.Exp(value));
        _state = decayLog.Length / _inner;
        _rank = layers[2].Inputs;
        if (layers[0].Outputs != 2 * _inner || layers[1].Outputs != _rank + 2 * _state || layers[2].Outputs != _inner)
            throw new ArgumentException("the layers do not fit together", nameof(layers));
        _convolution = new CausalConvolution(convolution.Weight, convolution.Bias, _inner, isSilu: true);
        _shape = new RecurrentShape(_inner, _convolution.Length - 1, _inner * _state);
        Groups = [.. layers.Select(slot => new LinearGroup(slot))];
    }

    /// <summary>The norms of step, B and C (Falcon-Mamba, Jamba); null, the default, for none.</summary>
    public (INorm Step, INorm B, INorm C)? Norms { get; init; }

    /// <inheritdoc/>
    public IReadOnlyList<LinearGroup> Groups { get; }

    /// <inheritdoc/>
    public LayerStateShape State => _shape;

    /// <inheritdoc/>
    public void Forward(ReadOnlySpan<float> x, Span<float> delta, ForwardContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        int rows = context.Rows, chosen = _rank + 2 * _state;
        float[] projected = context.Buffers.Query(rows, 2 * _inner);
        Groups[0].Slots[0].Layer.Apply(x, projected.AsSpan(0, rows * 2 * _inner), rows, context.Workers);
        RowMatrix inner = new(projected, 0, 2 * _inner), gate = new(projected, _inner, 2 * _inner);
        (float[][] inputs, float[][] states) = RecurrentPass.Begin(_layer, _shape, context);
        _convolution.Run(inner, inputs, context);

        // The projections take rows without gaps.
        float[] dense = context.Buffers.Inner(rows, _inner), parameters = context.Buffers.Key(rows, chosen),
            small = context.Buffers.Value(rows, _rank), steps = context.Buffers.Up(rows, _inner);
        for (int row = 0; row < rows; row++)
            inner.Row(row, _inner).CopyTo(dense.AsSpan(row * _inner));
        Groups[1].Slots[0].Layer.Apply(dense.AsSpan(0, rows * _inner), parameters.AsSpan(0, rows * chosen), rows, context.Workers);
        for (int row = 0; row < rows; row++)
        {
            Span<float> line = parameters.AsSpan(row * chosen, chosen), step = line[.._rank];
            if (Norms is var (ofStep, ofB, ofC))
            {
                ofStep.Apply(step, step);
                ofB.Apply(line.Slice(_rank, _state), line.Slice(_rank, _state));
                ofC.Apply(line[(_rank + _state)..], line[(_rank + _state)..]);
            }
            step.CopyTo(small.AsSpan(row * _rank));
        }
        Groups[2].Slots[0].Layer.Apply(small.AsSpan(0, rows * _rank), steps.AsSpan(0, rows * _inner), rows, context.Workers);
        context.Cancellation.ThrowIfCancellationRequested();
        var work = new Work { Part = this, Context = context, X = dense, Gate = gate, Steps = steps, Parameters = parameters,
            States = states };
        context.Workers.Run(checked((_inner + ChannelsPerTask - 1) / ChannelsPerTask * context.SegmentCount), ref work);
        Groups[3].Slots[0].Layer.Apply(dense.AsSpan(0, rows * _inner), delta, rows, context.Workers);
    }

    /// <summary>Some channels of one segment, token after token; y takes the place of x.</summary>
    private struct Work : ITeamWork
    {
        public MambaMixer Part;
        public ForwardContext Context;
        public float[] X, Steps, Parameters;
        public RowMatrix Gate;
        public float[][] States;

        public readonly void Invoke(int index)
        {
            int inner = Part._inner, size = Part._state, chosen = Part._rank + 2 * size,
                tasks = (inner + ChannelsPerTask - 1) / ChannelsPerTask;
            (int segment, int task) = Math.DivRem(index, tasks);
            (int first, int rows, _) = Context.Place(segment);
            int channel = task * ChannelsPerTask, end = Math.Min(inner, channel + ChannelsPerTask);
            using var buffer = new Memory.PooledArray<float>(size);
            Span<float> factor = buffer.Span;
            for (int row = first; row < first + rows; row++)
            {
                ReadOnlySpan<float> parameters = Parameters.AsSpan(row * chosen, chosen);
                ReadOnlySpan<float> b = parameters.Slice(Part._rank, size), c = parameters.Slice(Part._rank + size, size);
                ReadOnlySpan<float> gates = Gate.Row(row, inner);
                for (int i = channel; i < end; i++)
                {
                    Span<float> state = States[segment].AsSpan(i * size, size);
                    ref float place = ref X[row * inner + i];
                    float step = ActivationFunctions.Softplus(Steps[row * inner + i]), x = place;
                    TensorPrimitives.Multiply(Part._decay.AsSpan(i * size, size), step, factor);
                    TensorPrimitives.Exp<float>(factor, factor);
                    TensorPrimitives.Multiply(state, factor, state);
                    TensorPrimitives.MultiplyAdd(b, step * x, state, state);
                    float y = TensorPrimitives.Dot<float>(state, c) + Part._direct[i] * x, gate = gates[i];
                    place = y * (gate / (1 + MathF.Exp(-gate)));
                }
            }
        }
    }
}
