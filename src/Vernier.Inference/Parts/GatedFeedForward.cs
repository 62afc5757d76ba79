using System.Numerics.Tensors;
using Vernier.Inference.Configuration;
using Vernier.Inference.Passes;
using Vernier.Numerics;

namespace Vernier.Inference.Parts;

/// <summary>The gated feed-forward of a block: W_down (act(W_gate x) * W_up x) (Shazeer, 2020).</summary>
public sealed class GatedFeedForward : IBlockPart
{
    /// <summary>Rows that are computed at once: enough to amortise the weights, few enough to bound the memory.</summary>
    private const int MaxRows = 1024;

    private const int ActivationPiece = 2048;

    private readonly LinearGroup _inputs;
    private readonly LinearGroup _output;
    private readonly Activation _activation;
    private readonly int _width;
    private readonly int _size;

    /// <summary>Puts the part together.</summary>
    /// <param name="inputs">Gate and up, or both in one layer, gate's outputs first.</param>
    /// <param name="output">Down.</param>
    /// <param name="activation">The gate's nonlinearity.</param>
    /// <exception cref="ArgumentException">The layers do not fit together.</exception>
    public GatedFeedForward(LinearGroup inputs, LinearGroup output, Activation activation)
    {
        ArgumentNullException.ThrowIfNull(inputs);
        ArgumentNullException.ThrowIfNull(output);
        (_inputs, _output, _activation, _width, _size) = (inputs, output, activation, inputs.Inputs, output.Inputs);
        if (inputs.Slots.Count > 2 || inputs.Slots.Sum(slot => slot.Outputs) != 2 * _size || inputs.Slots[0].Outputs % _size != 0
            || output.Slots is not [{ } down] || down.Outputs != _width)
            throw new ArgumentException($"gate and up do not have the {_size} inputs of down each, or down not their {_width}",
                nameof(output));
        Groups = [inputs, output];
    }

    /// <summary>A norm of gate times up, before down; null, the default, for none.</summary>
    public INorm? InnerNorm { get; init; }

    /// <summary>What gate and up are multiplied by, and what comes out. Default 1.</summary>
    public (float Gate, float Down) Scales { get; init; } = (1, 1);

    /// <inheritdoc/>
    public IReadOnlyList<LinearGroup> Groups { get; }

    /// <inheritdoc/>
    public LayerStateShape? State => null;

    /// <inheritdoc/>
    public void Forward(ReadOnlySpan<float> x, Span<float> delta, ForwardContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        for (int first = 0; first < context.Rows; first += MaxRows)
        {
            context.Cancellation.ThrowIfCancellationRequested();
            int rows = Math.Min(MaxRows, context.Rows - first);
            ForwardSome(x.Slice(first * _width, rows * _width), delta.Slice(first * _width, rows * _width), rows, context);
        }
    }

    private void ForwardSome(ReadOnlySpan<float> x, Span<float> delta, int rows, ForwardContext context)
    {
        (RowMatrix gate, RowMatrix up) = Project(x, rows, context);
        float[] inner = context.Buffers.Inner(rows, _size);
        // Pieces of 2048, so that one token's row is shared by the threads too.
        int pieces = (_size + ActivationPiece - 1) / ActivationPiece;
        RowMath.ForRows(context.Workers, rows * pieces, 8 * ActivationPiece,
            new ActivationWork { Part = this, Gate = gate, Up = up, Inner = inner, Pieces = pieces });
        if (InnerNorm is not null)
            RowMath.ForRows(context.Workers, rows, _size, new NormWork { Norm = InnerNorm, Inner = inner, Size = _size });
        _output.Slots[0].Layer.Apply(inner.AsSpan(0, rows * _size), delta, rows, context.Workers);
        if (Scales.Down != 1)
            TensorPrimitives.Multiply(delta, Scales.Down, delta);
    }

    private (RowMatrix Gate, RowMatrix Up) Project(ReadOnlySpan<float> x, int rows, ForwardContext context)
    {
        if (_inputs.Slots.Count == 1)
        {
            float[] fused = context.Buffers.Gate(rows, 2 * _size);
            _inputs.Slots[0].Layer.Apply(x, fused.AsSpan(0, rows * 2 * _size), rows, context.Workers);
            return (new(fused, 0, 2 * _size), new(fused, _size, 2 * _size));
        }
        float[] gate = context.Buffers.Gate(rows, _size), up = context.Buffers.Up(rows, _size);
        _inputs.Apply(x, [gate, up], rows, context.Workers);
        return (new(gate, 0, _size), new(up, 0, _size));
    }

    private struct ActivationWork : ITeamWork
    {
        public GatedFeedForward Part;
        public RowMatrix Gate, Up;
        public float[] Inner;
        public int Pieces;

        public readonly void Invoke(int index)
        {
            (int row, int piece) = Math.DivRem(index, Pieces);
            int size = Part._size, first = piece * ActivationPiece, count = Math.Min(ActivationPiece, size - first);
            Part.Activate(Gate.Row(row, size).Slice(first, count), Up.Row(row, size).Slice(first, count),
                Inner.AsSpan(row * size + first, count));
        }
    }

    private struct NormWork : ITeamWork
    {
        public INorm Norm;
        public float[] Inner;
        public int Size;

        public readonly void Invoke(int index) => Norm.Apply(Inner.AsSpan(index * Size, Size), Inner.AsSpan(index * Size, Size));
    }

    /// <summary>inner = act(gate) * up.</summary>
    private void Activate(Span<float> gate, ReadOnlySpan<float> up, Span<float> inner)
    {
        if (Scales.Gate != 1)
            TensorPrimitives.Multiply(gate, Scales.Gate, gate);
        ActivationFunctions.Apply(_activation, gate, inner);
        TensorPrimitives.Multiply(inner, up, inner);
    }
}
