using Vernier.Inference.Passes;

namespace Vernier.Inference.Parts;

/// <summary>
/// One part of a block: a mixer, which lets tokens see those before them (attention, a state space), or a feed-forward, which takes each
/// token by itself. It keeps nothing of a pass, so that passes on several threads can share it.
/// </summary>
public interface IBlockPart
{
    /// <summary>The linear layers in the order in which they are applied, those together that have the same input.</summary>
    IReadOnlyList<LinearGroup> Groups { get; }

    /// <summary>What the part keeps of a sequence, or null.</summary>
    LayerStateShape? State { get; }

    /// <summary>delta = part(x), for all rows of the pass.</summary>
    /// <param name="x">rows x hidden size.</param>
    /// <param name="delta">Receives rows x hidden size.</param>
    /// <param name="context">The pass.</param>
    void Forward(ReadOnlySpan<float> x, Span<float> delta, ForwardContext context);
}
