namespace Vernier.Files.Foreign;

/// <summary>A weight that another tool packed: what it is made of, and what its codes stand for. Safe for concurrent use.</summary>
/// <param name="name">The name that it has where nobody packed it.</param>
/// <param name="shape">Its shape, no side of it 0; outputs x inputs for a linear layer.</param>
/// <param name="codes">The tensor of the codes.</param>
/// <param name="others">What else it is made of.</param>
internal abstract class ForeignWeight(string name, IReadOnlyList<long> shape, StoredPart codes, params IReadOnlyList<StoredPart?> others)
{
    /// <summary>The weight as it is shown: in single precision.</summary>
    public TensorInfo Info { get; } = new(name, ElementType.F32, shape);

    /// <summary>The tensor of the codes.</summary>
    public StoredPart Codes => codes;

    /// <summary>All tensors that it is made of.</summary>
    public IEnumerable<StoredPart> Parts => others.OfType<StoredPart>().Prepend(codes);

    /// <summary>The weights that share these parts.</summary>
    public virtual long Sharing => 1;

    /// <summary>The bytes of the parts in their files.</summary>
    public long StoredBytes => Parts.Sum(part => part.Info.Bytes) / Sharing;

    /// <summary>Reads consecutive elements.</summary>
    /// <param name="first">The index of the first, in row-major order.</param>
    /// <param name="destination">Receives as many as it is long.</param>
    public void Read(long first, Span<float> destination)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(first);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(first, Info.Count - destination.Length);
        long columns = shape[^1];
        while (!destination.IsEmpty)
        {
            (long row, long column) = Math.DivRem(first, columns);
            int count = (int)Math.Min(destination.Length, columns - column);
            ReadRow(row, column, destination[..count]);
            destination = destination[count..];
            first += count;
        }
    }

    /// <summary>Reads consecutive elements of one row, not none.</summary>
    /// <param name="row">The row.</param>
    /// <param name="column">The column of the first.</param>
    /// <param name="destination">Receives as many as it is long.</param>
    protected abstract void ReadRow(long row, long column, Span<float> destination);
}
