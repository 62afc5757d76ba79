using System.Numerics.Tensors;
using Vernier.Inference.Passes;
using Vernier.Numerics;

namespace Vernier.Inference.Parts;

/// <summary>A part of a block with the norms that stand before it and behind it: h += scale * after(part(norm(h))).</summary>
/// <param name="Norm">The norm before it; null for none.</param>
/// <param name="Part">The part.</param>
/// <param name="After">The norm behind it; null, the default, for none.</param>
/// <param name="Scale">What is added is multiplied by it. Default 1.</param>
public sealed record BlockStep(INorm? Norm, IBlockPart Part, INorm? After = null, float Scale = 1);

/// <summary>
/// One decoder block, put together from parts: for each step h += scale * after(part(norm(h))), with h the residual stream. Apart from its
/// places for linear layers it does not change, so that passes on several threads can share it.
/// </summary>
public sealed class Block
{
    private readonly int _width;
    private readonly BlockStep[] _steps;

    /// <summary>Puts a block together.</summary>
    /// <param name="layer">Its number, from 0.</param>
    /// <param name="width">The hidden size.</param>
    /// <param name="steps">Its parts in order, at least one; at most one of them keeps something of a sequence.</param>
    /// <exception cref="ArgumentException">There is no step, or more than one part keeps something of a sequence.</exception>
    public Block(int layer, int width, params IReadOnlyList<BlockStep> steps)
    {
        ArgumentNullException.ThrowIfNull(steps);
        ArgumentOutOfRangeException.ThrowIfNegative(layer);
        ArgumentOutOfRangeException.ThrowIfLessThan(width, 1);
        if (steps.Count == 0 || steps.Count(step => step.Part.State is not null) > 1)
            throw new ArgumentException("a block has at least one part, and at most one that keeps something of a sequence", nameof(steps));
        (Layer, _width, _steps) = (layer, width, [.. steps]);
        State = steps.Select(step => step.Part.State).FirstOrDefault(state => state is not null);
        Groups = [.. steps.SelectMany(step => step.Part.Groups)];
        Linears = [.. Groups.SelectMany(group => group.Slots)];
    }

    /// <summary>The block's number, from 0.</summary>
    public int Layer { get; }

    /// <summary>The places of its linear layers, in the order in which they are applied.</summary>
    public IReadOnlyList<LinearSlot> Linears { get; }

    /// <summary>The same, those together that have the same input.</summary>
    public IReadOnlyList<LinearGroup> Groups { get; }

    /// <summary>What it keeps of a sequence, or null.</summary>
    public LayerStateShape? State { get; }

    /// <summary>The place of a linear layer by the name of its weight.</summary>
    /// <exception cref="ArgumentException">There is no layer of that name.</exception>
    public LinearSlot this[string weightName] => Linears.FirstOrDefault(slot => slot.Name == weightName)
        ?? throw new ArgumentException(
            $"the block has no linear layer {weightName}; it has {string.Join(", ", Linears.Select(slot => slot.Name))}",
            nameof(weightName));

    /// <summary>Runs the block on all rows of a pass.</summary>
    /// <param name="hidden">The residual stream, rows x hidden size; changed in place.</param>
    /// <param name="context">The pass.</param>
    /// <exception cref="OperationCanceledException">The pass was given up; the residual stream is of no use.</exception>
    public void Forward(float[] hidden, ForwardContext context)
    {
        ArgumentNullException.ThrowIfNull(hidden);
        ArgumentNullException.ThrowIfNull(context);
        int rows = context.Rows, length = checked(rows * _width);
        ArgumentOutOfRangeException.ThrowIfLessThan(hidden.Length, length);
        float[] normed = context.Buffers.Normed(rows, _width), delta = context.Buffers.Delta(rows, _width);
        var work = new RowWork { Hidden = hidden, Normed = normed, Width = _width };
        foreach (BlockStep step in _steps)
        {
            context.Cancellation.ThrowIfCancellationRequested();
            RowMath.ForRows(context.Workers, rows, _width, work with { Norm = step.Norm, Next = true });
            step.Part.Forward(normed.AsSpan(0, length), delta.AsSpan(0, length), context);
            (work.Delta, work.After, work.Scale) = (delta, step.After, step.Scale);
        }
        RowMath.ForRows(context.Workers, rows, _width, work);
    }

    /// <summary>hidden += scale * after(delta), then normed = norm(hidden), each where it is given.</summary>
    private struct RowWork : ITeamWork
    {
        public float[] Hidden, Normed;
        public float[]? Delta;
        public INorm? Norm, After;
        public float Scale;
        public int Width;
        public bool Next;

        public readonly void Invoke(int index)
        {
            Span<float> line = Hidden.AsSpan(index * Width, Width);
            if (Delta is not null)
            {
                Span<float> delta = Delta.AsSpan(index * Width, Width);
                After?.Apply(delta, delta);
                if (Scale != 1)
                    TensorPrimitives.Multiply(delta, Scale, delta);
                TensorPrimitives.Add(line, delta, line);
            }
            if (Norm is not null)
                Norm.Apply(line, Normed.AsSpan(index * Width, Width));
            else if (Next)
                line.CopyTo(Normed.AsSpan(index * Width, Width));
        }
    }
}
