using System.Runtime.CompilerServices;
using Vernier.Memory;
using Vernier.Numerics;

namespace Vernier.Files.Gguf.Blocks;

/// <summary>
/// A block format of ggml: a fixed number of consecutive weights of a row become a block of a fixed number of bytes. Weights are
/// Scale x level - Min in single precision, each operation rounded, in that order; bit for bit what ggml decodes.
/// </summary>
public abstract class BlockFormat
{
    private readonly float[] _levels;

    private protected BlockFormat(string name, int typeId, int blockColumns, int blockBytes, int subBlockColumns, sbyte[] levels)
    {
        (Name, TypeId, BlockColumns, BlockBytes, SubBlockColumns, LevelArray) =
            (name, typeId, blockColumns, blockBytes, subBlockColumns, levels);
        // A code may have more bits than there are levels; the rest decodes to zero.
        _levels = new float[256];
        for (int code = 0; code < levels.Length; code++)
            _levels[code] = levels[code];
    }

    /// <summary>The name in ggml, such as <c>Q4_K</c>.</summary>
    public string Name { get; }

    /// <summary>The number of the type in a GGUF file, ggml_type.</summary>
    public int TypeId { get; }

    /// <summary>The weights of a block: 32 or 256. A row is a whole number of blocks.</summary>
    public int BlockColumns { get; }

    /// <summary>The bytes of a block.</summary>
    public int BlockBytes { get; }

    /// <summary>Bits per weight; all that is stored counts.</summary>
    public double BitsPerWeight => 8.0 * BlockBytes / BlockColumns;

    /// <summary>The weights that share an integer scale and minimum: 16, 32 or the whole block.</summary>
    public int SubBlockColumns { get; }

    /// <summary>The sub-blocks of a block.</summary>
    public int SubBlocks => BlockColumns / SubBlockColumns;

    /// <summary>The integer that each code stands for, by code; ascending but for MXFP4, whose codes are sign and magnitude.</summary>
    public ReadOnlySpan<sbyte> Levels => LevelArray;

    /// <summary>The least and the most of <see cref="BlockParts.Scales"/>; (1, 1) where sub-blocks have none of their own.</summary>
    public virtual (int Least, int Most) ScaleRange => (1, 1);

    /// <summary>The least and the most of <see cref="BlockParts.Mins"/>; (0, 0) for a format without minimums, (-1, -1) where the block's
    /// is simply added.</summary>
    public virtual (int Least, int Most) MinRange => (0, 0);

    /// <summary>The largest magnitude that a weight can decode to: that of scale x level, with the largest half for D and DMin, and a
    /// minimum besides.</summary>
    public double Reach
    {
        get
        {
            var parts = new BlockParts(this) { D = Half.MaxValue, DMin = HasMin ? Half.MaxValue : Half.Zero };
            (parts.Scales[0], parts.Mins[0]) =
                (-ScaleRange.Least > ScaleRange.Most ? ScaleRange.Least : ScaleRange.Most, HasMin ? MinRange.Most : 0);
            double level = LevelArray.Max(level => Math.Abs((double)level));
            return Math.Abs((double)Scale(parts, 0)) * level + Math.Abs((double)Min(parts, 0));
        }
    }

    /// <summary>Whether weights have a minimum: an affine format.</summary>
    public bool HasMin => MinRange != (0, 0);

    /// <summary>Whether importance changes how <see cref="Encode"/> chooses.</summary>
    public virtual bool UsesImportance => true;

    internal sbyte[] LevelArray { get; }

    /// <inheritdoc/>
    public override string ToString() => Name;

    /// <summary>The bytes of so many weights.</summary>
    /// <exception cref="ArgumentException">They are no whole number of blocks.</exception>
    public long BytesOf(long weights) => weights % BlockColumns == 0 ? checked(weights / BlockColumns * BlockBytes)
        : throw new ArgumentException($"{weights} weights are no whole number of blocks of {BlockColumns}", nameof(weights));

    /// <summary>Turns blocks into weights.</summary>
    /// <param name="blocks">Whole blocks.</param>
    /// <param name="weights">Receives <see cref="BlockColumns"/> weights for each.</param>
    /// <exception cref="ArgumentException">The lengths do not fit.</exception>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Decode(ReadOnlySpan<byte> blocks, Span<float> weights)
    {
        CheckLengths(weights.Length, blocks.Length);
        var parts = new BlockParts(this);
        ReadOnlySpan<float> levels = _levels;
        for (; !blocks.IsEmpty; blocks = blocks[BlockBytes..])
        {
            Unpack(blocks[..BlockBytes], parts);
            for (int sub = 0; sub < parts.Scales.Length; sub++)
            {
                float scale = Scale(parts, sub), min = Min(parts, sub);
                ReadOnlySpan<byte> codes = parts.Codes.AsSpan(sub * SubBlockColumns, SubBlockColumns);
                for (int i = 0; i < codes.Length; i++)
                    weights[i] = scale * levels[codes[i]] - min;
                weights = weights[SubBlockColumns..];
            }
        }
    }

    /// <summary>Reads the numbers of a block.</summary>
    /// <param name="block">One block.</param>
    /// <param name="parts">Receives them.</param>
    public abstract void Unpack(ReadOnlySpan<byte> block, BlockParts parts);

    /// <summary>Writes a block; the inverse of <see cref="Unpack"/>.</summary>
    /// <param name="parts">Numbers in their ranges, which are not checked.</param>
    /// <param name="block">Receives one block.</param>
    public abstract void Pack(BlockParts parts, Span<byte> block);

    /// <summary>The scale of a sub-block: D x Scales[sub].</summary>
    public virtual float Scale(BlockParts parts, int sub) => (float)parts.D * parts.Scales[sub];

    /// <summary>What is subtracted from the weights of a sub-block: DMin x Mins[sub].</summary>
    public virtual float Min(BlockParts parts, int sub) => (float)parts.DMin * parts.Mins[sub];

    /// <summary>
    /// Encodes one row as ggml does without data, or with the importance that it takes from an importance matrix: the bytes are those of
    /// ggml_quantize_chunk. Weights should be finite; what others become is the same everywhere but of no use.
    /// </summary>
    /// <param name="weights">The row, or several of them where there is no importance: whole blocks.</param>
    /// <param name="importance">One non-negative number for each weight of the row, or empty.</param>
    /// <param name="blocks">Receives <see cref="BlockBytes"/> for each block.</param>
    /// <exception cref="ArgumentException">The lengths do not fit.</exception>
    public void Encode(ReadOnlySpan<float> weights, ReadOnlySpan<float> importance, Span<byte> blocks)
    {
        CheckLengths(weights.Length, blocks.Length);
        CheckImportance(weights.Length, importance.Length);
        EncodeRow(weights, importance, blocks, plain: false);
    }

    /// <summary>Encodes the rows of a matrix, in parallel, as <see cref="Encode"/> does each.</summary>
    /// <param name="weights">rows x columns, row-major.</param>
    /// <param name="columns">A multiple of <see cref="BlockColumns"/>, at least 1.</param>
    /// <param name="importance">One non-negative number for each column, or empty.</param>
    /// <param name="blocks">Receives the blocks, row after row.</param>
    /// <param name="workers">The threads.</param>
    /// <exception cref="ArgumentException">The lengths do not fit.</exception>
    public unsafe void EncodeRows(ReadOnlySpan<float> weights, int columns, ReadOnlySpan<float> importance, Span<byte> blocks,
        Workers workers)
    {
        ArgumentNullException.ThrowIfNull(workers);
        ArgumentOutOfRangeException.ThrowIfLessThan(columns, 1);
        CheckLengths(columns, (int)BytesOf(columns));
        CheckLengths(weights.Length, blocks.Length);
        CheckImportance(columns, importance.Length);
        if (weights.Length % columns != 0)
            throw new ArgumentException($"{weights.Length} weights are no rows of {columns}", nameof(weights));
        int rows = weights.Length / columns, rowBytes = (int)BytesOf(columns), important = importance.Length;
        // Enough work for one item: a few ten thousand weights.
        int together = Math.Max(1, (1 << 15) / columns);
        Touch.Rows(weights, 0, rows, columns, columns);
        Touch.Rows<byte>(blocks, 0, rows, rowBytes, rowBytes);
        fixed (float* w = weights, m = importance)
        fixed (byte* b = blocks)
        {
            float* from = w, weight = m;
            byte* to = b;
            workers.For((rows + together - 1) / together, item =>
            {
                for (int row = item * together; row < Math.Min(rows, (item + 1) * together); row++)
                    EncodeRow(new ReadOnlySpan<float>(from + (long)row * columns, columns), new ReadOnlySpan<float>(weight, important),
                        new Span<byte>(to + (long)row * rowBytes, rowBytes), plain: false);
            });
        }
    }

    /// <summary>Encodes by the plain definition, which the fast way is tested against.</summary>
    internal void EncodePlain(ReadOnlySpan<float> weights, ReadOnlySpan<float> importance, Span<byte> blocks) =>
        EncodeRow(weights, importance, blocks, plain: true);

    private protected abstract void EncodeRow(ReadOnlySpan<float> weights, ReadOnlySpan<float> importance, Span<byte> blocks, bool plain);

    private void CheckLengths(int weights, int bytes)
    {
        if (BytesOf(weights) != bytes)
            throw new ArgumentException($"{weights} weights of {Name} take {BytesOf(weights)} bytes, not {bytes}", nameof(weights));
    }

    private static void CheckImportance(int weights, int importance)
    {
        if (importance != 0 && importance != weights)
            throw new ArgumentException($"{importance} numbers for the importance of {weights} weights", nameof(importance));
    }
}
