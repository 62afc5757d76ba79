using System.Numerics.Tensors;
using Vernier.Inference.Passes;
using Vernier.Inference.Weights;
using Vernier.Memory;
using Vernier.Numerics;

namespace Vernier.Inference.Parts.Experts;

/// <summary>
/// A mixture of experts (Shazeer et al., 2017): y = sum over the chosen experts of w_e expert_e(x), and what all tokens share. Each expert
/// sees the rows of the tokens that chose it, in their order, and only those.
/// </summary>
public sealed class ExpertFeedForward : IBlockPart
{
    private readonly ILinear _router;
    private readonly ExpertRouting _routing;
    private readonly Expert[] _experts;

    /// <summary>Puts a mixture together.</summary>
    /// <param name="router">Experts x hidden size, never quantized.</param>
    /// <param name="routing">How experts are chosen.</param>
    /// <param name="experts">The experts.</param>
    /// <param name="shared">An expert of all tokens, or null.</param>
    /// <exception cref="ArgumentException">The numbers of experts do not fit.</exception>
    public ExpertFeedForward(ILinear router, ExpertRouting routing, IReadOnlyList<Expert> experts, Expert? shared = null)
    {
        ArgumentNullException.ThrowIfNull(router);
        ArgumentNullException.ThrowIfNull(routing);
        ArgumentNullException.ThrowIfNull(experts);
        if (router.Outputs != routing.Experts || experts.Count != routing.Experts)
            throw new ArgumentException($"{experts.Count} experts, a router of {router.Outputs}", nameof(experts));
        (_router, _routing, _experts, Shared) = (router, routing, [.. experts], shared);
        Groups = [.. experts.Append(shared).OfType<Expert>().SelectMany(expert => new[] { expert.Inputs, expert.Output })];
    }

    /// <summary>What is added to the scores for the choice alone; empty, the default, for nothing.</summary>
    public float[] Correction { get; init; } = [];

    /// <summary>Whether the weights multiply what comes into an expert rather than what comes out (Llama 4). Default false.</summary>
    public bool WeighsInput { get; init; }

    /// <summary>The expert of all tokens, or null.</summary>
    public Expert? Shared { get; }

    /// <summary>1 x hidden size: the shared expert is multiplied by its sigmoid; null, the default, for not at all.</summary>
    public ILinear? SharedGate { get; init; }

    /// <inheritdoc/>
    public IReadOnlyList<LinearGroup> Groups { get; }

    /// <inheritdoc/>
    public LayerStateShape? State => null;

    /// <inheritdoc/>
    public void Forward(ReadOnlySpan<float> x, Span<float> delta, ForwardContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        int rows = context.Rows, width = _router.Inputs, choices = checked(rows * _routing.PerToken);
        using var logits = new PooledArray<float>(rows * _routing.Experts);
        using var chosen = new PooledArray<int>(choices);
        using var weights = new PooledArray<float>(choices);
        _router.Apply(x, logits.Span, rows, context.Workers);
        for (int row = 0; row < rows; row++)
        {
            _routing.Choose(logits.Span.Slice(row * _routing.Experts, _routing.Experts), Correction,
                chosen.Span.Slice(row * _routing.PerToken, _routing.PerToken),
                weights.Span.Slice(row * _routing.PerToken, _routing.PerToken));
        }
        delta.Clear();
        for (int expert = 0; expert < _experts.Length; expert++)
        {
            context.Cancellation.ThrowIfCancellationRequested();
            Run(expert, x, delta, chosen.Span, weights.Span, width, context);
        }
        if (Shared is not null)
            AddShared(x, delta, rows, width, context);
    }

    private void Run(int expert, ReadOnlySpan<float> x, Span<float> delta, ReadOnlySpan<int> chosen, ReadOnlySpan<float> weights, int width,
        ForwardContext context)
    {
        int count = chosen.Count(expert);
        if (count == 0)
            return;
        using var input = new PooledArray<float>(count * width);
        using var output = new PooledArray<float>(count * width);
        using var routed = new PooledArray<int>(count);
        for (int place = 0, row = 0; place < chosen.Length; place++)
        {
            if (chosen[place] != expert)
                continue;
            routed.Span[row] = place / _routing.PerToken;
            Span<float> line = input.Span.Slice(row++ * width, width);
            x.Slice(place / _routing.PerToken * width, width).CopyTo(line);
            if (WeighsInput)
                TensorPrimitives.Multiply(line, weights[place], line);
        }
        context.RoutedRows = routed.Memory;
        try
        {
            Apply(_experts[expert], input.Span, output.Span, count, context);
        }
        finally
        {
            context.RoutedRows = default;
        }
        for (int place = 0, row = 0; place < chosen.Length; place++)
        {
            if (chosen[place] != expert)
                continue;
            Span<float> sum = delta.Slice(place / _routing.PerToken * width, width);
            TensorPrimitives.MultiplyAdd(output.Span.Slice(row++ * width, width), WeighsInput ? 1 : weights[place], sum, sum);
        }
    }

    private void AddShared(ReadOnlySpan<float> x, Span<float> delta, int rows, int width, ForwardContext context)
    {
        using var output = new PooledArray<float>(rows * width);
        using var gates = new PooledArray<float>(SharedGate is null ? 0 : rows);
        Apply(Shared!, x, output.Span, rows, context);
        SharedGate?.Apply(x, gates.Span, rows, context.Workers);
        for (int row = 0; row < rows; row++)
        {
            Span<float> sum = delta.Slice(row * width, width);
            float gate = SharedGate is null ? 1 : 1 / (1 + MathF.Exp(-gates.Span[row]));
            TensorPrimitives.MultiplyAdd(output.Span.Slice(row * width, width), gate, sum, sum);
        }
    }

    /// <summary>y = expert(x) for some rows.</summary>
    private static void Apply(Expert expert, ReadOnlySpan<float> x, Span<float> y, int rows, ForwardContext context)
    {
        int size = expert.Size;
        float[] inner = context.Buffers.Inner(rows, size);
        RowMatrix gate, up;
        if (expert.Inputs.Slots.Count == 2)
        {
            float[] gates = context.Buffers.Gate(rows, size), ups = context.Buffers.Up(rows, size);
            expert.Inputs.Apply(x, [gates, ups], rows, context.Workers);
            (gate, up) = (new(gates, 0, size), new(ups, 0, size));
        }
        else
        {
            int all = expert.Inputs.Slots[0].Outputs;
            float[] fused = context.Buffers.Gate(rows, all);
            expert.Inputs.Slots[0].Layer.Apply(x, fused.AsSpan(0, rows * all), rows, context.Workers);
            if (expert.IsInterleaved)
                RowMath.ForRows(context.Workers, rows, all, new ParityWork { Fused = fused, Size = size });
            (gate, up) = (new(fused, 0, all), new(fused, all - size, all));
        }
        RowMath.ForRows(context.Workers, rows, 8 * size, new ActivationWork { Expert = expert, Gate = gate, Up = up, Inner = inner });
        expert.Output.Slots[0].Layer.Apply(inner.AsSpan(0, rows * size), y, rows, context.Workers);
    }

    /// <summary>From gate, up, gate, up .. to gates, ups.</summary>
    private struct ParityWork : ITeamWork
    {
        public float[] Fused;
        public int Size;

        public readonly void Invoke(int index)
        {
            Span<float> row = Fused.AsSpan(index * 2 * Size, 2 * Size);
            using var copy = new PooledArray<float>(2 * Size);
            row.CopyTo(copy.Span);
            for (int i = 0; i < Size; i++)
                (row[i], row[Size + i]) = (copy.Span[2 * i], copy.Span[2 * i + 1]);
        }
    }

    private struct ActivationWork : ITeamWork
    {
        public Expert Expert;
        public RowMatrix Gate, Up;
        public float[] Inner;

        public readonly void Invoke(int index) => Expert.Activate(Gate.Row(index, Expert.Size), Up.Row(index, Expert.Size),
            Inner.AsSpan(index * Expert.Size, Expert.Size));
    }
}
