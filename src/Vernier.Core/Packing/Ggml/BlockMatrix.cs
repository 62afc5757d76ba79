using Vernier.Kernels;
using Vernier.Numerics;

namespace Vernier.Packing.Ggml;

/// <summary>A weight matrix in a block format of ggml.</summary>
public sealed class BlockMatrix : PackedMatrix
{
    private readonly BlockFormat _format;

    /// <summary>Creates a matrix over blocks that it keeps.</summary>
    /// <param name="spec">How the matrix is stored.</param>
    /// <param name="blocks">The blocks, row after row.</param>
    /// <param name="outliers">What is added to some weights; null where the layout has no outliers. A GGUF file has none.</param>
    /// <exception cref="ArgumentException">There are not as many bytes as the layout gives, or the outliers have another unit than 1.</exception>
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
    public override IPreparedMatrix? Prepare() => PreparedWeight.Create(Source());

    /// <summary>
    /// The matrix as the integer kernels take it: the levels of the format, a scale in single precision for each sub-block and, in affine formats, a minimum.
    /// </summary>
    internal PanelSource Source()
    {
        int subs = _format.SubBlocks, width = _format.SubBlockColumns, granules = Columns / width;
        int bits = Math.Max(2, (int)Math.Ceiling(Math.Log2(_format.Levels.Length)));
        // Three bits share bytes in steps of 32 columns, more than a sub-block of 16 has.
        if (bits == 3 && width % 32 != 0)
            bits = 4;
        var scales = new float[checked(Rows * granules)];
        var minimums = new float[_format.HasMin ? scales.Length : 0];
        ParallelLoop.For(Rows, row =>
        {
            var parts = new BlockParts(_format);
            for (int block = 0; block < Columns / _format.BlockColumns; block++)
            {
                _format.Unpack(Row(row).Slice(block * _format.BlockBytes, _format.BlockBytes), parts);
                for (int sub = 0; sub < subs; sub++)
                {
                    int at = row * granules + block * subs + sub;
                    scales[at] = _format.Scale(parts, sub);
                    if (minimums.Length > 0)
                        minimums[at] = -_format.Min(parts, sub);
                }
            }
        });
        var levels = new sbyte[1 << bits];
        _format.Levels.CopyTo(levels);
        return new PanelSource(Rows, Columns, 1, width, bits, Rows, ReadCodes, [new PanelPart { Levels = levels, WideScales = scales, Minimums = minimums }]);
    }

    /// <inheritdoc/>
    protected override IEnumerable<ReadOnlyMemory<byte>> CodeArrayBytes() => [Blocks];

    private void ReadCodes(int row, Span<byte> codes)
    {
        var parts = new BlockParts(_format);
        for (int block = 0; block < Columns / _format.BlockColumns; block++)
        {
            _format.Unpack(Row(row).Slice(block * _format.BlockBytes, _format.BlockBytes), parts);
            parts.Codes.CopyTo(codes[(block * _format.BlockColumns)..]);
        }
    }
}
