using Vernier.Files.Gguf.Blocks;
using Vernier.Levels;

namespace Vernier.Quantization.Solvers.Blocks;

/// <summary>The levels of a block format in ascending order, and the code of each.</summary>
internal sealed class BlockGrid
{
    private readonly byte[] _codes;
    private readonly short[] _ofCode;

    /// <summary>Orders the levels of a format.</summary>
    public BlockGrid(BlockFormat format)
    {
        Format = format;
        _ofCode = [.. format.Levels.ToArray().Select(level => (short)level)];
        // TQ2_0 has a fourth code, which ggml decodes but does not write: what runs ternary weights need not know it.
        IEnumerable<short> usable = format == BlockFormats.TQ2_0 ? _ofCode.Where(level => Math.Abs((int)level) <= 1) : _ofCode;
        short[] levels = [.. usable.Distinct().Order()];
        _codes = Array.ConvertAll(levels, level => (byte)Array.IndexOf(_ofCode, level));
        Table = new LevelTable(Math.Clamp((int)Math.Ceiling(Math.Log2(levels.Length)), 2, 8), levels, 1, 1);
        (Least, Most) = (levels[0], levels[^1]);
        (MostScale, LeastScale) = (format.ScaleRange.Most, format.ScaleRange.Least);
        IsExponent = format == BlockFormats.MXFP4;
        HasIntegerScales = !IsExponent && format.ScaleRange != (1, 1);
        HasIntegerMins = format.MinRange.Most > 0;
    }

    /// <summary>The format.</summary>
    public BlockFormat Format { get; }

    /// <summary>The levels, ascending, in units of 1.</summary>
    public LevelTable Table { get; }

    /// <summary>The least level.</summary>
    public int Least { get; }

    /// <summary>The largest level.</summary>
    public int Most { get; }

    /// <summary>The largest integer scale of a sub-block.</summary>
    public int MostScale { get; }

    /// <summary>The least.</summary>
    public int LeastScale { get; }

    /// <summary>Whether the scale is a power of two.</summary>
    public bool IsExponent { get; }

    /// <summary>Whether sub-blocks have integer scales.</summary>
    public bool HasIntegerScales { get; }

    /// <summary>Whether sub-blocks have integer minimums.</summary>
    public bool HasIntegerMins { get; }

    /// <summary>The code of the level that is the nearest to a weight.</summary>
    /// <param name="weight">The weight.</param>
    /// <param name="inverse">1 / scale, 0 where the scale is 0.</param>
    /// <param name="min">What is subtracted from all weights.</param>
    public byte Nearest(float weight, float inverse, float min) => _codes[Table.Encode((weight + min) * inverse)];

    /// <summary>The level of a code.</summary>
    public int LevelOf(byte code) => _ofCode[code];
}
