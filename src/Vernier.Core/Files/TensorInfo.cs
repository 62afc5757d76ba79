namespace Vernier.Files;

/// <summary>The name, type and shape of one tensor of a checkpoint.</summary>
/// <param name="Name">The name, unique in its checkpoint.</param>
/// <param name="Type">The element type.</param>
/// <param name="Shape">The dimensions, outermost first; empty for a scalar. No dimension is negative.</param>
public sealed record TensorInfo(string Name, ElementType Type, IReadOnlyList<long> Shape)
{
    /// <summary>The number of elements: the product of the dimensions.</summary>
    public long Count => Shape.Aggregate(1L, (product, dimension) => checked(product * dimension));

    /// <summary>The number of bytes of the data.</summary>
    public long Bytes => checked(Count * Type.Size());
}
