namespace Vernier.Files.Gguf.Blocks;

/// <summary>
/// The contents of one block as numbers: what a solver chooses and a kernel multiplies. Weight i of sub-block s is
/// <see cref="BlockFormat.Scale"/>(s) x <see cref="BlockFormat.Levels"/>[<see cref="Codes"/>[i]] - <see cref="BlockFormat.Min"/>(s).
/// The object is made once and used for many blocks.
/// </summary>
public sealed class BlockParts
{
    /// <summary>Makes room for a block of a format, all zero.</summary>
    public BlockParts(BlockFormat format)
    {
        ArgumentNullException.ThrowIfNull(format);
        Scales = new int[format.SubBlocks];
        Mins = new int[format.SubBlocks];
        Codes = new byte[format.BlockColumns];
    }

    /// <summary>The block's scale. Not used by MXFP4, whose scale is a power of two.</summary>
    public Half D { get; set; }

    /// <summary>The block's scale of the minimums; 0 in a format without.</summary>
    public Half DMin { get; set; }

    /// <summary>The integer scale of each sub-block, in <see cref="BlockFormat.ScaleRange"/>; 1 where a format has none. For MXFP4 the
    /// exponent, biased by 128.</summary>
    public int[] Scales { get; }

    /// <summary>The integer minimum of each sub-block, in <see cref="BlockFormat.MinRange"/>; 0 where a format has none.</summary>
    public int[] Mins { get; }

    /// <summary>The code of each weight, an index into <see cref="BlockFormat.Levels"/>.</summary>
    public byte[] Codes { get; }
}
