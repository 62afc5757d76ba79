using Vernier.Numerics;
using Vernier.Packing;

namespace Vernier.Kernels.Preparing;

/// <summary>Prepares matrices of a layout whose codes several parts make into weights; see <see cref="PanelSource"/>.</summary>
/// <typeparam name="TMatrix">The matrices of the layout.</typeparam>
public abstract class SourcePreparer<TMatrix> : ILayoutPreparer
    where TMatrix : PackedMatrix
{
    /// <inheritdoc/>
    public virtual bool KeepsWeights => false;

    /// <summary>What the integer kernels multiply: codes, and parts that are added up.</summary>
    /// <param name="matrix">The matrix.</param>
    /// <param name="workers">The threads.</param>
    public abstract PanelSource Source(TMatrix matrix, Workers workers);

    /// <inheritdoc/>
    public IPreparedMatrix? Prepare(PackedMatrix matrix, Workers workers)
    {
        ArgumentNullException.ThrowIfNull(matrix);
        return PreparedWeight.Create(Source((TMatrix)matrix, workers), workers);
    }
}
