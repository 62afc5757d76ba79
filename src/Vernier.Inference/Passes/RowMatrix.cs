namespace Vernier.Inference.Passes;

/// <summary>A matrix inside a buffer: row r begins at offset + r stride. A slice of a fused projection is one.</summary>
internal readonly record struct RowMatrix(float[] Buffer, int Offset, int Stride)
{
    /// <summary>The first entries of a row.</summary>
    public Span<float> Row(int row, int length) => Buffer.AsSpan(checked(Offset + row * Stride), length);
}
