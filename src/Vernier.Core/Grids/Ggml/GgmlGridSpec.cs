using System.Text.Json.Serialization;
using Vernier.Files.Gguf.Blocks;
using Vernier.Grids.Specs;
using Vernier.Packing;
using Vernier.Packing.Ggml;

namespace Vernier.Grids.Ggml;

/// <summary>The block formats of ggml, which GGUF files have: see <see cref="BlockLayout"/>. The layout is symmetric; groups are those of
/// the format.</summary>
public sealed record GgmlGridSpec : GridSpec
{
    /// <summary>Creates the grid.</summary>
    public GgmlGridSpec()
        : base(LevelLayout.Symmetric)
    {
    }

    /// <summary>The format; null for one of so many bits as are asked for. Chosen for each tensor, not by a recipe.</summary>
    [JsonIgnore]
    public BlockFormat? Format { get; init; }

    /// <inheritdoc/>
    public override Type LayoutType => typeof(BlockLayout);

    /// <inheritdoc/>
    public override bool ServesEmbeddings => true;

    /// <inheritdoc/>
    public override bool TakesOutliers => false;

    /// <inheritdoc/>
    public override string? Problem => OtherThan(LevelLayout.Symmetric, "block formats of ggml have the symmetric layout");

    /// <inheritdoc/>
    /// <returns>Null where columns are no whole number of blocks.</returns>
    public override PackedLayout? LayoutOf(int rows, int columns, int bits, Granularity granularity) =>
        (Format ?? FormatOf(columns, bits)) is BlockFormat format ? new BlockLayout(rows, columns, format) : null;

    // The format of so many bits, or the next one in blocks of 32; columns that are no multiple of 32 stay as they are.
    private static BlockFormat? FormatOf(int columns, int bits)
    {
        (BlockFormat super, BlockFormat plain) = bits switch
        {
            2 => (BlockFormats.Q2_K, BlockFormats.Q4_0),
            3 => (BlockFormats.Q3_K, BlockFormats.Q4_0),
            4 => (BlockFormats.Q4_K, BlockFormats.Q4_0),
            5 => (BlockFormats.Q5_K, BlockFormats.Q5_0),
            6 => (BlockFormats.Q6_K, BlockFormats.Q8_0),
            _ => (BlockFormats.Q8_0, BlockFormats.Q8_0),
        };
        return BlockLayout.Fits(columns, super) ? super : BlockLayout.Fits(columns, plain) ? plain : null;
    }
}
