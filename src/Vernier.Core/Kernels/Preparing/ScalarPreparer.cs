using Vernier.Levels;
using Vernier.Memory;
using Vernier.Numerics;
using Vernier.Packing;
using Vernier.Packing.Scalar;

namespace Vernier.Kernels.Preparing;

/// <summary>Prepares matrices of the scalar layout.</summary>
internal sealed class ScalarPreparer : ILayoutPreparer
{
    /// <inheritdoc/>
    public bool KeepsWeights => true;

    /// <inheritdoc/>
    public IPreparedMatrix? Prepare(PackedMatrix matrix, Workers workers) => PreparedWeight.Create((ScalarMatrix)matrix, workers);

    /// <inheritdoc/>
    /// <remarks>The codes are read piece by piece, so that they are never in memory twice.</remarks>
    public IPreparedMatrix? Prepare(PackedLayout layout, PackedArrays arrays, out Outliers? outliers, Workers workers)
    {
        var scalar = (ScalarLayout)layout;
        // The scales are copied; their memory serves the next matrix.
        using var scales = new PooledArray<Half>(scalar.Scales);
        scalar.ReadScales(arrays, scales.Span);
        LevelTable[] grids = scalar.ReadGrids(arrays);
        outliers = arrays.Outliers(scalar, grids[0].Unit);
        return PreparedWeight.Create(scalar, grids, scales.Memory, scalar.ZeroPoints ? arrays.Read<byte>("zeros") : [],
            (row, rows) => arrays.ReadOnce("codes", (long)row * scalar.BytesPerRow, rows), workers);
    }
}
