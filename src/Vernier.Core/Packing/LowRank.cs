using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using Vernier.Memory;
using Vernier.Numerics;

namespace Vernier.Packing;

/// <summary>
/// The low-rank companion of a packed matrix: w = decoded + sum over k of scale_k left_rk right_kc, the factors in 8 bits. See
/// <see cref="PackedLayout.Rank"/>.
/// <para>Z. Yao, X. Wu, C. Li, S. Youn, Y. He: ZeroQuant-V2: exploring post-training quantization in LLMs from comprehensive study to low
/// rank compensation, 2023.</para>
/// </summary>
public sealed class LowRank
{
    private readonly PackedLayout _layout;
    private readonly sbyte[] _left, _right;
    private readonly float[] _scales;

    // Rows x rank, and rank x columns with the scales: what products take.
    private readonly float[] _leftFactor, _rightFactor;

    /// <summary>Creates the companion over arrays that it keeps.</summary>
    /// <param name="layout">How the matrix is stored: its rank is that of the companion.</param>
    /// <param name="left">[rows, rank].</param>
    /// <param name="right">[rank, columns].</param>
    /// <param name="scales">[rank], finite.</param>
    /// <exception cref="ArgumentException">An array does not have the size that the layout gives, or a scale is not finite.</exception>
    public LowRank(PackedLayout layout, sbyte[] left, sbyte[] right, float[] scales)
    {
        ArgumentNullException.ThrowIfNull(layout);
        ArgumentNullException.ThrowIfNull(left);
        ArgumentNullException.ThrowIfNull(right);
        ArgumentNullException.ThrowIfNull(scales);
        int rank = layout.Rank;
        if (rank < 1 || left.Length != (long)layout.Rows * rank || right.Length != (long)rank * layout.Columns || scales.Length != rank)
            throw new ArgumentException("the factors do not have the size that the layout gives", nameof(layout));
        if (!Array.TrueForAll(scales, float.IsFinite))
            throw new ArgumentException("a scale is not finite", nameof(scales));
        (_layout, _left, _right, _scales) = (layout, left, right, scales);
        _leftFactor = Array.ConvertAll(left, value => (float)value);
        _rightFactor = Array.ConvertAll(right, value => (float)value);
        for (int k = 0; k < rank; k++)
        {
            Span<float> row = _rightFactor.AsSpan(k * layout.Columns, layout.Columns);
            TensorPrimitives.Multiply(row, scales[k], row);
        }
    }

    /// <summary>Adds the row of the product of the factors to the weights of a row.</summary>
    /// <param name="row">From 0.</param>
    /// <param name="weights">The row.</param>
    public void AddTo(int row, Span<float> weights)
    {
        weights = weights[.._layout.Columns];
        for (int k = 0; k < _layout.Rank; k++)
            TensorPrimitives.MultiplyAdd(_rightFactor.AsSpan(k * _layout.Columns, _layout.Columns), _leftFactor[row * _layout.Rank + k],
                weights, weights);
    }

    /// <summary>Y += (X R^T) L^T, with X in single precision. No result depends on the number of threads.</summary>
    /// <param name="x">Activations, rows x columns of the matrix.</param>
    /// <param name="rows">The number of rows of X.</param>
    /// <param name="y">rows x rows of the matrix.</param>
    /// <param name="workers">The threads.</param>
    public void AddProduct(ReadOnlySpan<float> x, int rows, Span<float> y, Workers workers)
    {
        using var inner = new PooledArray<float>(checked(rows * _layout.Rank));
        MatrixProduct.MultiplyTransposed(x, _rightFactor, inner.Span, rows, _layout.Rank, _layout.Columns, workers);
        MatrixProduct.Multiply(
            new ReadOnlyMatrixSpan<float>(inner.Span, rows, _layout.Rank),
            new ReadOnlyMatrixSpan<float>(_leftFactor, _layout.Rows, _layout.Rank).Transpose(),
            new MatrixSpan<float>(y, rows, _layout.Rows),
            ProductUpdate.Add,
            workers);
    }

    /// <summary>The stored arrays, in the order of <see cref="PackedLayout.Arrays"/>.</summary>
    internal IEnumerable<ReadOnlyMemory<byte>> ArrayBytes() =>
    [
        MemoryMarshal.AsBytes(_left.AsSpan()).ToArray(),
        MemoryMarshal.AsBytes(_right.AsSpan()).ToArray(),
        MemoryMarshal.AsBytes(_scales.AsSpan()).ToArray(),
    ];
}
