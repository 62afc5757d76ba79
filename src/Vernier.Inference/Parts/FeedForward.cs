using Vernier.Inference.Configuration;
using Vernier.Inference.Passes;
using Vernier.Numerics;

namespace Vernier.Inference.Parts;

/// <summary>The feed-forward of a block without a gate: W_down act(W_up x) (Vaswani et al., 2017).</summary>
public sealed class FeedForward : IBlockPart
{
    private const int MaxRows = 1024, Piece = 2048;

    private readonly LinearGroup _input;
    private readonly LinearGroup _output;
    private readonly Activation _activation;

    /// <summary>Puts the part together.</summary>
    /// <param name="input">Up.</param>
    /// <param name="output">Down.</param>
    /// <param name="activation">The nonlinearity.</param>
    /// <exception cref="ArgumentException">The layers do not fit together.</exception>
    public FeedForward(LinearGroup input, LinearGroup output, Activation activation)
    {
        ArgumentNullException.ThrowIfNull(input);
        ArgumentNullException.ThrowIfNull(output);
        if (input.Slots is not [{ } up] || output.Slots is not [{ } down] || up.Outputs != down.Inputs || down.Outputs != up.Inputs)
            throw new ArgumentException("up and down do not fit together", nameof(output));
        (_input, _output, _activation) = (input, output, activation);
        Groups = [input, output];
    }

    /// <inheritdoc/>
    public IReadOnlyList<LinearGroup> Groups { get; }

    /// <inheritdoc/>
    public LayerStateShape? State => null;

    /// <inheritdoc/>
    public void Forward(ReadOnlySpan<float> x, Span<float> delta, ForwardContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        int width = _input.Inputs, size = _output.Inputs, pieces = (size + Piece - 1) / Piece;
        for (int first = 0; first < context.Rows; first += MaxRows)
        {
            context.Cancellation.ThrowIfCancellationRequested();
            int rows = Math.Min(MaxRows, context.Rows - first);
            float[] up = context.Buffers.Up(rows, size), inner = context.Buffers.Inner(rows, size);
            _input.Slots[0].Layer.Apply(x.Slice(first * width, rows * width), up.AsSpan(0, rows * size), rows, context.Workers);
            RowMath.ForRows(context.Workers, rows * pieces, 8 * Piece,
                new ActivationWork { Activation = _activation, Up = up, Inner = inner, Size = size, Pieces = pieces });
            _output.Slots[0].Layer.Apply(inner.AsSpan(0, rows * size), delta.Slice(first * width, rows * width), rows, context.Workers);
        }
    }

    private struct ActivationWork : ITeamWork
    {
        public Activation Activation;
        public float[] Up, Inner;
        public int Size, Pieces;

        public readonly void Invoke(int index)
        {
            (int row, int piece) = Math.DivRem(index, Pieces);
            int first = piece * Piece, count = Math.Min(Piece, Size - first);
            ActivationFunctions.Apply(Activation, Up.AsSpan(row * Size + first, count), Inner.AsSpan(row * Size + first, count));
        }
    }
}
