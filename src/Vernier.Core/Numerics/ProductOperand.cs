
namespace Vernier.Numerics;

/// <summary>
/// A factor of a product as the kernels see it: element (r, p) is data[r * rowStride + p * termStride], where r is the row or
/// column of the result that it contributes to and p the index summed over. One of the strides is 1.
/// </summary>
internal readonly unsafe struct ProductOperand<T>(T* data, long rowStride, long termStride)
    where T : unmanaged
{
    public readonly T* Data = data;
    public readonly long RowStride = rowStride, TermStride = termStride;

    public T* At(long r, long p) => Data + (r * RowStride) + (p * TermStride);
}
