using Vernier.Files.Gguf.Blocks;

namespace Vernier.Packing.Ggml;

/// <summary>A weight matrix in a block format of ggml.</summary>
public sealed class BlockMatrix : PackedMatrix
{
    private readonly BlockFormat _format;

    /// <summary>Creates a matrix over blocks that it keeps.</summary>
    /// <param name="spec">How the matrix is stored.</param>
    /// <param name="blocks">The blocks, row after row.</param>
    /// <param name="outliers">What is added to some weights; null where the layout has no outliers. A GGUF file has none.</param>
    /// <exception cref="ArgumentException">There are not as many bytes as the layout gives, or the outliers have another unit than
    /// 1.</exception>
    public BlockMatrix(BlockLayout spec, ReadOnlyMemory<byte> blocks, Outliers? outliers = null)
        : base(spec, outliers)
    {
        ArgumentNullException.ThrowIfNull(spec);
        if (blocks.Length != (long)spec.Rows * spec.BytesPerRow || outliers is { Unit: not 1 })
            throw new ArgumentException("an array does not have the size that the layout gives", nameof(blocks));
        (Spec, Blocks, _format) = (spec, blocks, spec.Format);
    }

    /// <summary>How the matrix is stored.</summary>
    public BlockLayout Spec { get; }

    /// <summary>The blocks, row after row.</summary>
    public ReadOnlyMemory<byte> Blocks { get; }

    /// <inheritdoc/>
    public override float Unit => 1;

    /// <summary>The blocks of a row.</summary>
    public ReadOnlySpan<byte> Row(int row) => Blocks.Span.Slice(row * Spec.BytesPerRow, Spec.BytesPerRow);

    /// <summary>One row in single precision, bit for bit as ggml decodes it.</summary>
    /// <inheritdoc/>
    protected override void DecodeRow(int row, Span<float> destination) => _format.Decode(Row(row), destination[..Columns]);

    /// <inheritdoc/>
    protected override IEnumerable<ReadOnlyMemory<byte>> CodeArrayBytes() => [Blocks];
}
