using System.Collections.Concurrent;
using Vernier.Errors;
using Vernier.Files.Checkpoints;
using Vernier.Numerics;
using Vernier.Packing;
using Vernier.Packing.Ggml;
using Vernier.Packing.Scalar;
using Vernier.Packing.Trits;
using Vernier.Packing.TwoLevel;
using Vernier.Packing.Vectors;

namespace Vernier.Kernels.Preparing;

/// <summary>
/// Makes packed matrices of any layout ready for the integer kernels of this machine. How each layout is prepared is looked up by its type; another assembly adds its own
/// with <see cref="Register{TLayout}"/>. A layout without a preparer is multiplied in single precision.
/// </summary>
public static class PreparedMatrices
{
    private static readonly ConcurrentDictionary<Type, ILayoutPreparer> s_preparers = new()
    {
        [typeof(ScalarLayout)] = new ScalarPreparer(),
        [typeof(VectorLayout)] = new VectorPreparer(),
        [typeof(BlockLayout)] = new BlockPreparer(),
        [typeof(TritLayout)] = new TritPreparer(),
        [typeof(TwoLevelLayout)] = new TwoLevelPreparer(),
    };

    /// <summary>Adds how a layout is prepared.</summary>
    /// <typeparam name="TLayout">The layout.</typeparam>
    /// <param name="preparer">What prepares its matrices.</param>
    /// <exception cref="ArgumentException">There is one for the layout already.</exception>
    public static void Register<TLayout>(ILayoutPreparer preparer)
        where TLayout : PackedLayout
    {
        ArgumentNullException.ThrowIfNull(preparer);
        if (!s_preparers.TryAdd(typeof(TLayout), preparer))
            throw new ArgumentException($"there is a preparer of {typeof(TLayout).Name} already", nameof(preparer));
    }

    /// <summary>Prepares the codes of a matrix, without what is added to them.</summary>
    /// <param name="matrix">The matrix.</param>
    /// <param name="workers">The threads.</param>
    /// <returns>Null where no integer kernel serves: the matrix is then multiplied in single precision.</returns>
    public static IPreparedMatrix? Prepare(this PackedMatrix matrix, Workers workers)
    {
        ArgumentNullException.ThrowIfNull(matrix);
        return Find(matrix.Layout)?.Prepare(matrix, workers);
    }

    /// <summary>Reads the arrays of one matrix into the order of the machine's kernels.</summary>
    /// <param name="checkpoint">The checkpoint.</param>
    /// <param name="name">The name of the matrix.</param>
    /// <param name="layout">How it is stored.</param>
    /// <param name="outliers">Receives what is to be added to some weights, or null.</param>
    /// <param name="lowRank">Receives the matrix of low rank that is to be added, or null.</param>
    /// <param name="workers">The threads.</param>
    /// <returns>Null where no integer kernel serves the matrix.</returns>
    /// <exception cref="InvalidFileException">An array is missing, of another type or shape, or holds what no writer writes.</exception>
    public static IPreparedMatrix? Read(Checkpoint checkpoint, string name, PackedLayout layout, out Outliers? outliers, out LowRank? lowRank, Workers workers)
    {
        ArgumentNullException.ThrowIfNull(checkpoint);
        ArgumentNullException.ThrowIfNull(layout);
        var arrays = PackedArrays.Find(checkpoint, name, layout);
        lowRank = arrays.LowRank(layout);
        outliers = null;
        return Find(layout)?.Prepare(layout, arrays, out outliers, workers);
    }

    /// <summary>The rows of a prepared matrix, so that its table need not be in memory beside it.</summary>
    /// <param name="layout">The layout that it had.</param>
    /// <param name="prepared">The matrix, made ready.</param>
    /// <returns>Null where they are not, bit by bit, those that the matrix dequantizes to.</returns>
    public static PreparedRows? Rows(PackedLayout layout, IPreparedMatrix prepared)
    {
        ArgumentNullException.ThrowIfNull(layout);
        return prepared is PreparedWeight weight && Find(layout) is { KeepsWeights: true } ? new PreparedRows(weight) : null;
    }

    private static ILayoutPreparer? Find(PackedLayout layout) => s_preparers.GetValueOrDefault(layout.GetType());
}
