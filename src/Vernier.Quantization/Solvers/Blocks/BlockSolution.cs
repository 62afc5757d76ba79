using Vernier.Files.Gguf.Blocks;
using Vernier.Numerics;
using Vernier.Packing.Ggml;
using Vernier.Quantization.Weights;

namespace Vernier.Quantization.Solvers.Blocks;

/// <summary>
/// The blocks of a matrix, packed or taken apart. Their halves have a range that the weights as they are use, so that those are not divided
/// by anything.
/// </summary>
internal sealed class BlockSolution : MatrixSolution
{
    private readonly BlockLayout _layout;
    private readonly int _shift;
    private byte[]? _bytes;
    private BlockParts[][]? _parts;

    /// <summary>Wraps packed blocks.</summary>
    /// <param name="layout">How the result is stored.</param>
    /// <param name="shift">The exponent of the power of two by which the weights of the problem were divided.</param>
    /// <param name="bytes">The blocks.</param>
    /// <param name="workers">Who decodes.</param>
    public BlockSolution(BlockLayout layout, int shift, byte[] bytes, Workers workers)
        : base(layout.Rows, layout.Columns, workers) => (_layout, _shift, _bytes) = (layout, shift, bytes);

    /// <summary>Makes room for blocks, all zero.</summary>
    /// <param name="layout">How the result is stored.</param>
    /// <param name="shift">The exponent of the power of two by which the weights of the problem were divided.</param>
    /// <param name="workers">Who decodes.</param>
    public BlockSolution(BlockLayout layout, int shift, Workers workers)
        : base(layout.Rows, layout.Columns, workers) => (_layout, _shift, _parts) = (layout, shift, Rooms(layout));

    /// <summary>The format.</summary>
    public BlockFormat Format => _layout.Format;

    /// <summary>The blocks of each row, taken apart: they may be changed.</summary>
    public BlockParts[][] Parts => _parts ??= Unpack();

    /// <inheritdoc/>
    public override BlockSolution Copy() => new(_layout, _shift, [.. Packed()], Workers);

    /// <inheritdoc/>
    public override void DecodeRow(int row, Span<float> weights)
    {
        DecodeAsIs(row, weights);
        WeightMatrix.Normalize(weights, _shift);
    }

    /// <summary>The weights of a row as they are stored, not normalised.</summary>
    public void DecodeAsIs(int row, Span<float> weights)
    {
        BlockFormat format = Format;
        if (_parts is null)
        {
            format.Decode(_bytes.AsSpan(row * _layout.BytesPerRow, _layout.BytesPerRow), weights);
            return;
        }
        for (int i = 0; i < weights.Length; i++)
        {
            (int block, int at) = Math.DivRem(i, format.BlockColumns);
            BlockParts parts = _parts[row][block];
            weights[i] = format.Scale(parts, at / format.SubBlockColumns) * format.Levels[parts.Codes[at]]
                - format.Min(parts, at / format.SubBlockColumns);
        }
    }

    /// <inheritdoc/>
    public override BlockMatrix Pack(int shift, Packing.Outliers? outliers = null) => new(_layout, Packed(), outliers);

    private static BlockParts[][] Rooms(BlockLayout layout) =>
        [.. Enumerable.Range(0, layout.Rows).Select(
            _ => Enumerable.Range(0, layout.Columns / layout.Format.BlockColumns).Select(_ => new BlockParts(layout.Format)).ToArray())];

    private Span<byte> Block(byte[] bytes, int row, int block) =>
        bytes.AsSpan(row * _layout.BytesPerRow + block * Format.BlockBytes, Format.BlockBytes);

    private byte[] Packed()
    {
        if (_parts is null)
            return _bytes!;
        var bytes = new byte[checked(_layout.Rows * _layout.BytesPerRow)];
        for (int row = 0; row < _parts.Length; row++)
        {
            for (int block = 0; block < _parts[row].Length; block++)
                Format.Pack(_parts[row][block], Block(bytes, row, block));
        }
        return bytes;
    }

    private BlockParts[][] Unpack()
    {
        BlockParts[][] parts = Rooms(_layout);
        for (int row = 0; row < parts.Length; row++)
        {
            for (int block = 0; block < parts[row].Length; block++)
                Format.Unpack(Block(_bytes!, row, block), parts[row][block]);
        }
        _bytes = null;
        return parts;
    }
}
