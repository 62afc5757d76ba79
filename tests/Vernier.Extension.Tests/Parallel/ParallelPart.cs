using Vernier.Inference.Parts;
using Vernier.Inference.Passes;

namespace Vernier.Tests.Parallel;

/// <summary>Two parts on the same input: delta = mixer(x) + feed-forward(x).</summary>
public sealed class ParallelPart(IBlockPart mixer, IBlockPart feedForward) : IBlockPart
{
    public IReadOnlyList<LinearGroup> Groups => [.. mixer.Groups, .. feedForward.Groups];

    public LayerStateShape? State => mixer.State;

    public void Forward(ReadOnlySpan<float> x, Span<float> delta, ForwardContext context)
    {
        var other = new float[delta.Length];
        mixer.Forward(x, delta, context);
        feedForward.Forward(x, other, context);
        for (int i = 0; i < other.Length; i++)
            delta[i] += other[i];
    }
}
