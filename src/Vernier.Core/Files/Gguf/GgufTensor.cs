namespace Vernier.Files.Gguf;

/// <summary>The name, type and shape of a tensor of a GGUF file.</summary>
/// <param name="Name">The name, unique in its file.</param>
/// <param name="Type">How its numbers are stored.</param>
/// <param name="Shape">The dimensions, outermost first, as everywhere in the house; the file has them the other way round.</param>
public sealed record GgufTensor(string Name, GgufTensorType Type, IReadOnlyList<long> Shape)
{
    /// <summary>The number of elements.</summary>
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

    /// <summary>The length of a row.</summary>
    public long Columns => Shape.Count == 0 ? 1 : Shape[^1];

    /// <summary>The number of bytes of the data.</summary>
    public long Bytes => checked((long)((Int128)Count / Type.BlockColumns * Type.BlockBytes));

    /// <summary>Whether name, type and all dimensions are the same.</summary>
    public bool Equals(GgufTensor? other) => other is not null && Name == other.Name && Type == other.Type && Shape.SequenceEqual(other.Shape);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Name, Type, Shape.Count);
}
