using System.Numerics.Tensors;
using Vernier.Inference.Passes;
using Vernier.Numerics;

namespace Vernier.Inference.Parts.StateSpaces;

/// <summary>The sizes of a Mamba-2 layer.</summary>
/// <param name="Heads">The heads.</param>
/// <param name="HeadSize">The channels of a head.</param>
/// <param name="State">The state of a channel.</param>
/// <param name="Groups">The groups of heads that share B and C.</param>
public sealed record Mamba2Shape(int Heads, int HeadSize, int State, int Groups)
{
    /// <summary>The channels of all heads.</summary>
    public int Inner => Heads * HeadSize;

    /// <summary>The channels of the convolution: x, B and C.</summary>
    public int Convolved => Inner + 2 * Groups * State;
}

/// <summary>
/// The state space of Mamba-2 (Dao and Gu, 2024). For each head, with a step d_t and a matrix S of channels x state:
/// <code>
/// S_t = exp(d_t A) S_(t-1) + d_t x_t B_t^T,   y_t = S_t C_t + D x_t
/// </code>
/// with A = -exp(A_log), one number a head; then a norm with the gate z.
/// </summary>
public sealed class Mamba2Mixer : IBlockPart
{
    private readonly int _layer;
    private readonly Mamba2Shape _sizes;
    private readonly CausalConvolution _convolution;
    private readonly RecurrentShape _shape;
    private readonly float[] _decay, _direct, _stepBias;
    private readonly GatedNorm _norm;
    private readonly (float Least, float Most) _steps;
    private readonly float[] _scales;

    /// <summary>Puts the part together.</summary>
    internal Mamba2Mixer(int layer, Mamba2Shape sizes, LinearSlot input, LinearSlot output, Mamba2Tensors tensors)
    {
        (_layer, _sizes) = (layer, sizes);
        if (input.Outputs != sizes.Inner + sizes.Convolved + sizes.Heads || output.Inputs != sizes.Inner)
            throw new ArgumentException("the layers do not fit together", nameof(input));
        _decay = Array.ConvertAll(tensors.DecayLog, value => -MathF.Exp(value));
        (_direct, _stepBias, _norm, _steps, _scales) = (tensors.Direct, tensors.StepBias, tensors.Norm, tensors.Steps, tensors.Scales);
        _convolution = new CausalConvolution(tensors.Convolution, tensors.ConvolutionBias, sizes.Convolved, isSilu: true);
        _shape = new RecurrentShape(sizes.Convolved, _convolution.Length - 1, sizes.Inner * sizes.State);
        Groups = [new LinearGroup(input), new LinearGroup(output)];
    }

    /// <inheritdoc/>
    public IReadOnlyList<LinearGroup> Groups { get; }

    /// <inheritdoc/>
    public LayerStateShape State => _shape;

    /// <inheritdoc/>
    public void Forward(ReadOnlySpan<float> x, Span<float> delta, ForwardContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        int rows = context.Rows, inner = _sizes.Inner, all = inner + _sizes.Convolved + _sizes.Heads;
        float[] projected = context.Buffers.Query(rows, all), y = context.Buffers.Inner(rows, inner);
        Groups[0].Slots[0].Layer.Apply(x, projected.AsSpan(0, rows * all), rows, context.Workers);
        for (int row = 0; row < rows && _scales.Length > 0; row++)
            Scale(projected.AsSpan(row * all, all));
        RowMatrix gate = new(projected, 0, all), convolved = new(projected, inner, all), steps = new(projected, inner + _sizes.Convolved,
            all);
        (float[][] inputs, float[][] states) = RecurrentPass.Begin(_layer, _shape, context);
        _convolution.Run(convolved, inputs, context);
        context.Cancellation.ThrowIfCancellationRequested();
        var work = new Work { Part = this, Context = context, Convolved = convolved, Steps = steps, Y = y, States = states };
        context.Workers.Run(checked(_sizes.Heads * context.SegmentCount), ref work);
        RowMath.ForRows(context.Workers, rows, 8 * inner, new NormWork { Part = this, Gate = gate, Y = y });
        Groups[1].Slots[0].Layer.Apply(y.AsSpan(0, rows * inner), delta, rows, context.Workers);
    }

    // Multipliers of z, x, B, C and the steps (Falcon-H1).
    private void Scale(Span<float> row)
    {
        int shared = _sizes.Groups * _sizes.State, at = 0;
        foreach ((int width, float scale) in (ReadOnlySpan<(int, float)>)[(_sizes.Inner, _scales[0]), (_sizes.Inner, _scales[1]),
            (shared, _scales[2]), (shared, _scales[3]), (_sizes.Heads, _scales[4])])
        {
            TensorPrimitives.Multiply(row.Slice(at, width), scale, row.Slice(at, width));
            at += width;
        }
    }

    /// <summary>One head of one segment, token after token.</summary>
    private struct Work : ITeamWork
    {
        public Mamba2Mixer Part;
        public ForwardContext Context;
        public RowMatrix Convolved, Steps;
        public float[] Y;
        public float[][] States;

        public readonly void Invoke(int index)
        {
            Mamba2Shape sizes = Part._sizes;
            (int segment, int head) = Math.DivRem(index, sizes.Heads);
            (int first, int rows, _) = Context.Place(segment);
            int size = sizes.HeadSize, state = sizes.State, group = head / (sizes.Heads / sizes.Groups);
            Span<float> matrix = States[segment].AsSpan(head * size * state, size * state);
            for (int row = first; row < first + rows; row++)
            {
                ReadOnlySpan<float> line = Convolved.Row(row, sizes.Convolved), x = line.Slice(head * size, size),
                    b = line.Slice(sizes.Inner + group * state, state),
                    c = line.Slice(sizes.Inner + (sizes.Groups + group) * state, state);
                float step = ActivationFunctions.Softplus(Steps.Row(row, sizes.Heads)[head] + Part._stepBias[head]);
                step = Math.Clamp(step, Part._steps.Least, Part._steps.Most);
                float decay = MathF.Exp(step * Part._decay[head]);
                Span<float> y = Y.AsSpan(row * sizes.Inner + head * size, size);
                for (int i = 0; i < size; i++)
                {
                    Span<float> channel = matrix.Slice(i * state, state);
                    y[i] = Part._direct[head] * x[i] + StateStep.Run(channel, decay, step * x[i], b, c);
                }
            }
        }
    }

    private struct NormWork : ITeamWork
    {
        public Mamba2Mixer Part;
        public RowMatrix Gate;
        public float[] Y;

        public readonly void Invoke(int index) =>
            Part._norm.Apply(Y.AsSpan(index * Part._sizes.Inner, Part._sizes.Inner), Gate.Row(index, Part._sizes.Inner));
    }
}
