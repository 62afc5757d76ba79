using System.Numerics.Tensors;
using Vernier.Numerics;

namespace Vernier.Inference;

/// <summary>The gated feed-forward of a block: W_down (act(W_gate x) * W_up x) (Shazeer, 2020).</summary>
internal sealed class FeedForwardPart
{
    /// <summary>Rows that are computed at once: enough to amortise the weights, few enough to bound the memory.</summary>
    private const int MaxRows = 1024;

    private const int ActivationPiece = 2048;

    private readonly ModelConfig _config;
    private readonly LinearTable _linears;
    private readonly string[] _inputs;
    private readonly string _output;

    public FeedForwardPart(ModelConfig config, IWeightSource weights, int layer, LinearTable linears)
    {
        (_config, _linears) = (config, linears);
        string prefix = $"model.layers.{layer}.mlp.";
        int inner = config.IntermediateSize;
        _inputs = config.FusedProjections
            ? [linears.Load(weights, prefix + "gate_up_proj", config.FeedForwardBias, 2 * inner, config.HiddenSize)]
            : [
                linears.Load(weights, prefix + "gate_proj", config.FeedForwardBias, inner, config.HiddenSize),
                linears.Load(weights, prefix + "up_proj", config.FeedForwardBias, inner, config.HiddenSize),
            ];
        _output = linears.Load(weights, prefix + "down_proj", config.FeedForwardBias, config.HiddenSize, inner);
    }

    /// <summary>Computes rows x hidden from rows x hidden.</summary>
    public void Forward(ReadOnlySpan<float> x, Span<float> delta, ForwardContext context)
    {
        int width = _config.HiddenSize;
        for (int first = 0; first < context.Rows; first += MaxRows)
        {
            int rows = Math.Min(MaxRows, context.Rows - first);
            ForwardSome(x.Slice(first * width, rows * width), delta.Slice(first * width, rows * width), rows, context.Buffers);
        }
    }

    private void ForwardSome(ReadOnlySpan<float> x, Span<float> delta, int rows, Scratch buffers)
    {
        int size = _config.IntermediateSize;
        (RowMatrix gate, RowMatrix up) = Project(x, rows, buffers);
        float[] inner = buffers.Inner(rows, size);
        // Pieces of 2048, so that one token's row is shared by the threads too.
        int pieces = (size + ActivationPiece - 1) / ActivationPiece;
        RowMath.ForRows(rows * pieces, 8 * ActivationPiece, new ActivationWork { Part = this, Gate = gate, Up = up, Inner = inner, Pieces = pieces });
        _linears[_output].Apply(inner.AsSpan(0, rows * size), delta, rows);
    }

    private (RowMatrix Gate, RowMatrix Up) Project(ReadOnlySpan<float> x, int rows, Scratch buffers)
    {
        int size = _config.IntermediateSize;
        if (_config.FusedProjections)
        {
            float[] fused = buffers.Gate(rows, 2 * size);
            _linears[_inputs[0]].Apply(x, fused.AsSpan(0, rows * 2 * size), rows);
            return (new(fused, 0, 2 * size), new(fused, size, 2 * size));
        }
        float[] gate = buffers.Gate(rows, size), up = buffers.Up(rows, size);
        _linears.Apply(_inputs, x, [gate, up], rows);
        return (new(gate, 0, size), new(up, 0, size));
    }

    private struct ActivationWork : ITeamWork
    {
        public FeedForwardPart Part;
        public RowMatrix Gate, Up;
        public float[] Inner;
        public int Pieces;

        public readonly void Invoke(int index)
        {
            (int row, int piece) = Math.DivRem(index, Pieces);
            int size = Part._config.IntermediateSize, first = piece * ActivationPiece, count = Math.Min(ActivationPiece, size - first);
            Part.Activate(Gate.Row(row, size).Slice(first, count), Up.Row(row, size).Slice(first, count), Inner.AsSpan(row * size + first, count));
        }
    }

    /// <summary>inner = act(gate) * up. The tanh form of GELU is x sigmoid(2 sqrt(2/pi) (x + 0.044715 x^3)).</summary>
    private void Activate(ReadOnlySpan<float> gate, ReadOnlySpan<float> up, Span<float> inner)
    {
        if (_config.Activation == Activation.Silu)
        {
            TensorPrimitives.Sigmoid(gate, inner);
        }
        else
        {
            const float Slope = 1.5957691216f;
            TensorPrimitives.Multiply(gate, gate, inner);
            TensorPrimitives.Multiply(inner, 0.044715f * Slope, inner);
            TensorPrimitives.Add(inner, Slope, inner);
            TensorPrimitives.Multiply(inner, gate, inner);
            TensorPrimitives.Sigmoid<float>(inner, inner);
        }
        TensorPrimitives.Multiply(inner, gate, inner);
        TensorPrimitives.Multiply(inner, up, inner);
    }
}
