namespace Vernier.Files;

/// <summary>The name, type and shape of one tensor of a checkpoint.</summary>
/// <param name="Name">The name, unique in its checkpoint.</param>
/// <param name="Type">The element type.</param>
/// <param name="Shape">The dimensions, outermost first; empty for a scalar. No dimension is negative.</param>
public sealed record TensorInfo(string Name, ElementType Type, IReadOnlyList<long> Shape)
{
    /// <summary>The number of elements: the product of the dimensions, 1 for a scalar.</summary>
    /// <exception cref="OverflowException">The product, taken from the left, exceeds 2^63 - 1.</exception>
    public long Count
    {
        get
        {
            long count = 1;
            for (int i = 0; i < Shape.Count; i++)
                count = checked(count * Shape[i]);
            return count;
        }
    }

    /// <summary>The number of bytes of the data: <see cref="Count"/> times the bits of an element, over 8.</summary>
    /// <exception cref="OverflowException">The number exceeds 2^63 - 1.</exception>
    public long Bytes => checked((long)((Int128)Count * Type.Bits() / 8));

    /// <summary>Whether name, type and all dimensions are the same.</summary>
    public bool Equals(TensorInfo? other) => other is not null && Name == other.Name && Type == other.Type && Shape.SequenceEqual(other.Shape);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Name, Type, Shape.Count);
}
