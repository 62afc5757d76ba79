using Vernier.Files;
using Vernier.Files.Gguf.Blocks;
using Vernier.Grids.Ggml;

namespace Vernier.Quantization.Allocation;

/// <summary>Gives each tensor a block format of ggml, as the mixes of GGUF files do. Tensors on other grids keep their formats.</summary>
/// <param name="formatOf">The block format of a tensor; null for one that stays as it is.</param>
public sealed class BlockFormatAllocator(Func<TensorInfo, BlockFormat?> formatOf) : IAllocator
{
    /// <inheritdoc/>
    public IReadOnlyList<TensorFormat?> Allocate(IReadOnlyList<TensorCandidate> tensors)
    {
        ArgumentNullException.ThrowIfNull(tensors);
        return [.. tensors.Select(candidate => candidate.Format is not { Grid: GgmlGridSpec grid } format ? candidate.Format
            : formatOf(candidate.Tensor) is BlockFormat block ? format with { Grid = grid with { Format = block } }
            : null)];
    }
}
