namespace Vernier.Inference.Weights;

/// <summary>An embedding table in single precision.</summary>
public sealed class FloatEmbedding : IEmbedding
{
    private readonly float[] _table;

    /// <summary>Wraps a table of count x width without copying it.</summary>
    /// <exception cref="ArgumentException">The array has another length.</exception>
    public FloatEmbedding(float[] table, int count, int width)
    {
        ArgumentNullException.ThrowIfNull(table);
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(width, 1);
        if (table.Length != (long)count * width)
            throw new ArgumentException($"{table.Length} numbers are not {count} x {width}", nameof(table));
        (_table, Count, Width) = (table, count, width);
    }

    /// <inheritdoc/>
    public int Count { get; }

    /// <inheritdoc/>
    public int Width { get; }

    /// <summary>The table, count x width, row-major.</summary>
    public ReadOnlySpan<float> Table => _table;

    /// <inheritdoc/>
    public void Lookup(int token, Span<float> row) => _table.AsSpan(token * Width, Width).CopyTo(row);
}
