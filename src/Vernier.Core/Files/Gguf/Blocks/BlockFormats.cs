using System.Diagnostics.CodeAnalysis;

namespace Vernier.Files.Gguf.Blocks;

/// <summary>The block formats that are read and written, by name and by number.</summary>
public static class BlockFormats
{
    /// <summary>8-bit levels, 8.5 bits per weight.</summary>
    public static BlockFormat Q8_0 { get; } = new ByteBlock();

    /// <summary>4-bit levels, 4.5 bits per weight.</summary>
    public static BlockFormat Q4_0 { get; } = new SymmetricBlock("Q4_0", 2, 4);

    /// <summary>4-bit levels and a minimum, 5 bits per weight.</summary>
    public static BlockFormat Q4_1 { get; } = new AffineBlock("Q4_1", 3, 4);

    /// <summary>5-bit levels, 5.5 bits per weight.</summary>
    public static BlockFormat Q5_0 { get; } = new SymmetricBlock("Q5_0", 6, 5);

    /// <summary>5-bit levels and a minimum, 6 bits per weight.</summary>
    public static BlockFormat Q5_1 { get; } = new AffineBlock("Q5_1", 7, 5);

    /// <summary>2-bit levels, integer scales and minimums of 16 weights, 2.625 bits per weight.</summary>
    public static BlockFormat Q2_K { get; } = new TwoBitSuperBlock();

    /// <summary>3-bit levels, integer scales of 16 weights, 3.4375 bits per weight.</summary>
    public static BlockFormat Q3_K { get; } = new ThreeBitSuperBlock();

    /// <summary>4-bit levels, integer scales and minimums of 32 weights, 4.5 bits per weight.</summary>
    public static BlockFormat Q4_K { get; } = new WideSuperBlock("Q4_K", 12, 4);

    /// <summary>5-bit levels, integer scales and minimums of 32 weights, 5.5 bits per weight.</summary>
    public static BlockFormat Q5_K { get; } = new WideSuperBlock("Q5_K", 13, 5);

    /// <summary>6-bit levels, integer scales of 16 weights, 6.5625 bits per weight.</summary>
    public static BlockFormat Q6_K { get; } = new SixBitSuperBlock();

    /// <summary>16 fixed levels, 4.5 bits per weight.</summary>
    public static BlockFormat IQ4_NL { get; } = new LevelBlock();

    /// <summary>16 fixed levels, integer scales of 32 weights, 4.25 bits per weight.</summary>
    public static BlockFormat IQ4_XS { get; } = new LevelSuperBlock();

    /// <summary>Ternary, five to a byte, 1.6875 bits per weight.</summary>
    public static BlockFormat TQ1_0 { get; } = new TritBlock();

    /// <summary>Ternary, four to a byte, 2.0625 bits per weight.</summary>
    public static BlockFormat TQ2_0 { get; } = new PairBlock();

    /// <summary>4-bit floats times a power of two, 4.25 bits per weight.</summary>
    public static BlockFormat MXFP4 { get; } = new MicroscalingBlock();

    /// <summary>All of them, in the order of their numbers.</summary>
    public static IReadOnlyList<BlockFormat> All { get; } =
        [Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q2_K, Q3_K, Q4_K, Q5_K, Q6_K, IQ4_NL, IQ4_XS, TQ1_0, TQ2_0, MXFP4];

    /// <summary>Finds a format by its name, in capital or small letters.</summary>
    public static bool TryGet(string name, [NotNullWhen(true)] out BlockFormat? format) =>
        (format = All.FirstOrDefault(known => known.Name.Equals(name, StringComparison.OrdinalIgnoreCase))) is not null;

    /// <summary>Finds a format by its number in a file.</summary>
    public static bool TryGet(int typeId, [NotNullWhen(true)] out BlockFormat? format) =>
        (format = All.FirstOrDefault(known => known.TypeId == typeId)) is not null;
}
