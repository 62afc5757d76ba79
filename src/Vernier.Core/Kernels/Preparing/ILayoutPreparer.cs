using Vernier.Errors;
using Vernier.Numerics;
using Vernier.Packing;

namespace Vernier.Kernels.Preparing;

/// <summary>Makes matrices of one layout ready for the integer kernels of this machine. What is added to the codes is no part of
/// it.</summary>
public interface ILayoutPreparer
{
    /// <summary>
    /// Whether what a <see cref="PreparedRows"/> makes of a prepared matrix are, bit by bit, the weights that the matrix dequantizes to but
    /// for what is added. False by default.
    /// </summary>
    bool KeepsWeights => false;

    /// <summary>Prepares a matrix that is in memory.</summary>
    /// <param name="matrix">A matrix of the layout.</param>
    /// <param name="workers">The threads.</param>
    /// <returns>Null where no integer kernel serves.</returns>
    IPreparedMatrix? Prepare(PackedMatrix matrix, Workers workers);

    /// <summary>Prepares a matrix as it is read.</summary>
    /// <param name="layout">The layout.</param>
    /// <param name="arrays">The arrays of the matrix, of the types and shapes that the layout gives.</param>
    /// <param name="outliers">Receives what is to be added to some weights, or null.</param>
    /// <param name="workers">The threads.</param>
    /// <returns>Null where no integer kernel serves.</returns>
    /// <exception cref="InvalidFileException">An array holds what no writer writes.</exception>
    IPreparedMatrix? Prepare(PackedLayout layout, PackedArrays arrays, out Outliers? outliers, Workers workers)
    {
        ArgumentNullException.ThrowIfNull(layout);
        PackedMatrix matrix = layout.Read(arrays);
        outliers = matrix.Outliers;
        return Prepare(matrix, workers);
    }
}
