using System.Runtime.Intrinsics;
using Vernier.Files.Gguf.Blocks.Encoding;

namespace Vernier.Files.Gguf.Blocks;

/// <summary>
/// Q4_1 and Q5_1: 32 weights, a scale and a number that is added. The block: D and DMin in half precision; for Q5_1 the fifth bits of the
/// codes,
/// 4 bytes; the lower four bits of codes j and j + 16 in byte j of 16. Level = code.
/// </summary>
internal sealed class AffineBlock : BlockFormat
{
    private readonly int _bits, _most;
    private readonly AffineSearch _search;

    /// <summary>Makes the format of 4 or 5 bits.</summary>
    public AffineBlock(string name, int typeId, int bits)
        : base(name, typeId, 32, 4 + (bits == 5 ? 4 : 0) + 16, 32, [.. Enumerable.Range(0, 1 << bits).Select(code => (sbyte)code)])
    {
        (_bits, _most) = (bits, (1 << bits) - 1);
        _search = new AffineSearch(_most, -0.9f, 0.05f, 36, absolute: false, guarded: true);
    }

    /// <inheritdoc/>
    public override (int Least, int Most) MinRange => (-1, -1);

    /// <inheritdoc/>
    public override void Unpack(ReadOnlySpan<byte> block, BlockParts parts)
    {
        (parts.D, parts.DMin) = (Rounding.ReadHalf(block), Rounding.ReadHalf(block[2..]));
        (parts.Scales[0], parts.Mins[0]) = (1, -1);
        CodeLayout.UnpackHalves(block[^16..], parts.Codes);
        if (_bits == 5)
            CodeLayout.UnpackFifth(block[4..], parts.Codes);
    }

    /// <inheritdoc/>
    public override void Pack(BlockParts parts, Span<byte> block)
    {
        Rounding.WriteHalf(block, parts.D);
        Rounding.WriteHalf(block[2..], parts.DMin);
        CodeLayout.PackHalves(parts.Codes, block[^16..]);
        if (_bits == 5)
            CodeLayout.PackFifth(parts.Codes, block[4..]);
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
            if (!plain && BlockRounding.TryAffine(x, _most, out Half d, out Half min, out Vector256<byte> codes))
            {
                Rounding.WriteHalf(block, d);
                Rounding.WriteHalf(block[2..], min);
                BlockRounding.PackHalves(codes, block[^16..]);
                if (_bits == 5)
                    BlockRounding.PackFifth(codes, block[4..]);
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
        float min = float.MaxValue, max = float.MinValue;
        foreach (float value in x)
        {
            min = value < min ? value : min;
            max = value > max ? value : max;
        }
        float d = (max - min) / _most, inverse = d != 0 ? 1 / d : 0;
        (parts.D, parts.DMin) = (Rounding.ToHalf(d), Rounding.ToHalf(min));
        for (int i = 0; i < 32; i++)
        {
            int code = Rounding.Truncate((x[i] - min) * inverse + 0.5f);
            // ggml limits the code for four bits only.
            parts.Codes[i] = _bits == 4 ? (byte)Math.Min(_most, (sbyte)code) : (byte)code;
        }
    }

    private void EncodeImportant(ReadOnlySpan<float> weights, ReadOnlySpan<float> importance, Span<byte> blocks, BlockParts parts,
        bool plain)
    {
        using var important = new ImportantRow(weights, importance);
        var fits = new AffineFit[weights.Length / 32];
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
            (parts.D, parts.DMin) = (Rounding.ToHalf(fits[b].Scale), Rounding.ToHalf(-fits[b].Min));
            for (int i = 0; i < 32; i++)
                parts.Codes[i] = (byte)_search.Code(fits[b], weights[32 * b + i]);
            Pack(parts, blocks.Slice(b * BlockBytes, BlockBytes));
        }
    }
}
