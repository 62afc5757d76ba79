using System.Runtime.Intrinsics;
using Vernier.Files.Gguf.Blocks.Encoding;

namespace Vernier.Files.Gguf.Blocks;

/// <summary>
/// Q4_0 and Q5_0: 32 weights, one scale. The block: D in half precision; for Q5_0 the fifth bits of the codes, 4 bytes; the lower four bits
/// of
/// codes j and j + 16 in byte j of 16. Level = code - 2^(bits - 1).
/// </summary>
internal sealed class SymmetricBlock : BlockFormat
{
    private readonly int _bits, _most;
    private readonly SymmetricSearch _search;

    /// <summary>Makes the format of 4 or 5 bits.</summary>
    public SymmetricBlock(string name, int typeId, int bits)
        : base(name, typeId, 32, 2 + (bits == 5 ? 4 : 0) + 16, 32,
            [.. Enumerable.Range(0, 1 << bits).Select(code => (sbyte)(code - (1 << (bits - 1))))])
    {
        (_bits, _most) = (bits, 1 << (bits - 1));
        _search = new SymmetricSearch(_most);
    }

    /// <inheritdoc/>
    public override void Unpack(ReadOnlySpan<byte> block, BlockParts parts)
    {
        parts.D = Rounding.ReadHalf(block);
        parts.Scales[0] = 1;
        CodeLayout.UnpackHalves(block[^16..], parts.Codes);
        if (_bits == 5)
            CodeLayout.UnpackFifth(block[2..], parts.Codes);
    }

    /// <inheritdoc/>
    public override void Pack(BlockParts parts, Span<byte> block)
    {
        Rounding.WriteHalf(block, parts.D);
        CodeLayout.PackHalves(parts.Codes, block[^16..]);
        if (_bits == 5)
            CodeLayout.PackFifth(parts.Codes, block[2..]);
    }

    private protected override void EncodeRow(ReadOnlySpan<float> weights, ReadOnlySpan<float> importance, Span<byte> blocks, bool plain)
    {
        var parts = new BlockParts(this);
        if (!importance.IsEmpty)
        {
            EncodeImportant(weights, importance, blocks, parts, plain);
            return;
        }
        for (int i = 0; i < weights.Length; i += 32)
        {
            ReadOnlySpan<float> x = weights.Slice(i, 32);
            Span<byte> block = blocks.Slice(i / 32 * BlockBytes, BlockBytes);
            if (!plain && BlockRounding.TrySymmetric(x, _most, out Half d, out Vector256<byte> codes))
            {
                Rounding.WriteHalf(block, d);
                BlockRounding.PackHalves(codes, block[^16..]);
                if (_bits == 5)
                    BlockRounding.PackFifth(codes, block[2..]);
            }
            else
            {
                EncodePlain(x, parts);
                Pack(parts, block);
            }
        }
    }

    private void EncodePlain(ReadOnlySpan<float> x, BlockParts parts)
    {
        float d = SymmetricSearch.Largest(x) / -_most, inverse = d != 0 ? 1 / d : 0;
        parts.D = Rounding.ToHalf(d);
        for (int i = 0; i < 32; i++)
            parts.Codes[i] = (byte)Math.Min(2 * _most - 1, (sbyte)Rounding.Truncate(x[i] * inverse + (_most + 0.5f)));
    }

    private void EncodeImportant(ReadOnlySpan<float> weights, ReadOnlySpan<float> importance, Span<byte> blocks, BlockParts parts,
        bool plain)
    {
        using var important = new ImportantRow(weights, importance);
        var fits = new SymmetricFit[weights.Length / 32];
        if (plain)
        {
            for (int b = 0; b < fits.Length; b++)
                fits[b] = _search.Find(weights.Slice(32 * b, 32), important.Weights.Slice(32 * b, 32));
        }
        else
        {
            _search.FindAll(weights, important.Weights, 32, fits);
        }
        for (int b = 0; b < fits.Length; b++)
        {
            parts.D = Rounding.ToHalf(fits[b].Scale);
            for (int i = 0; i < 32; i++)
                parts.Codes[i] = (byte)_search.Code(fits[b], weights[32 * b + i]);
            Pack(parts, blocks.Slice(b * BlockBytes, BlockBytes));
        }
    }
}
