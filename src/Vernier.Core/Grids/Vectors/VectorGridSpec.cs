using Vernier.Grids.Specs;
using Vernier.Packing;
using Vernier.Packing.Vectors;

namespace Vernier.Grids.Vectors;

/// <summary>
/// Vectors of weights that share an index into a codebook: see <see cref="VectorLayout"/>. With b bits a weight and vectors of d an index
/// has b d bits, 8 at the most. The group
/// says how much codebooks may take: as the scales of groups of so many columns, 16 / group bits a weight, the block scales counted in and
/// the 16 bits for the scale of each
/// codebook aside. Of the rectangles of 16, 32, 64, .. rows and of multiples of 32 columns up to 256 that keep to it, the one with the most
/// codebooks is taken. The layout is full.
/// </summary>
public sealed record VectorGridSpec : GridSpec
{
    // The columns of a codebook, where it is not the size that asks for more: so that it meets the errors carried over.
    private const int MostColumns = 256;

    // What the columns of a codebook are a multiple of: activations get scales for as many.
    private const int ColumnStep = 32;

    private const int ScaleBits = 16, MostIndexBits = 8;

    /// <summary>Creates the grid, of vectors of one weight.</summary>
    public VectorGridSpec()
        : base(LevelLayout.Full)
    {
    }

    /// <summary>The weights of a vector: 1, 2 or 4. Default 1.</summary>
    public int Dimension { get; init; } = 1;

    /// <summary>The consecutive weights of a row that share a block scale of 4 bits: a multiple of 16, at most 256; 0, the default, for
    /// none.</summary>
    public int BlockColumns { get; init; }

    /// <summary>
    /// With vectors of one weight, the rank of the product as which codebooks are stored, relative to their entries; above 0, and 1, the
    /// default, to store them as they are.
    /// </summary>
    public double Rank { get; init; } = 1;

    /// <inheritdoc/>
    public override Type LayoutType => typeof(VectorLayout);

    /// <inheritdoc/>
    public override int MostBits => MostIndexBits / Dimension;

    /// <inheritdoc/>
    public override bool TakesOutliers => false;

    /// <inheritdoc/>
    public override string? Problem => OtherThan(LevelLayout.Full, "the layout of codebooks is full")
        ?? (Dimension is not (1 or 2 or 4) ? "the dimension of vectors is not 1, 2 or 4"
        : BlockColumns % 16 != 0 || BlockColumns is < 0 or > 256 ? "the columns of a block are no multiple of 16 from 0 to 256"
        : !(Rank is > 0 and <= 1) ? "the rank is not above 0 and at most 1"
        : Rank != 1 && Dimension != 1 ? "only codebooks of one dimension are stored as a product"
        : null);

    /// <inheritdoc/>
    public override string? ProblemWithBits(int bits) => bits <= MostBits ? null
        : $"takes vectors of {Dimension}: with {bits} bits a weight an index would have {bits * Dimension} bits, and {MostIndexBits} are "
            + $"the most. Take at most {MostBits} bits, or another recipe";

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">An index would have more than 8 bits.</exception>
    public override PackedLayout LayoutOf(int rows, int columns, int bits, Granularity granularity)
    {
        int d = Dimension, index = bits * d, block = BlockColumns;
        if (ProblemWithBits(bits) is string problem)
            throw new ArgumentException($"the grid {problem}", nameof(bits));
        var whole = new VectorLayout(rows, columns, d, index, rows, columns) {
            BookRank = Rank < 1 ? Math.Max(1, (int)Math.Round(Rank * (1 << index))) : 0 };
        if (granularity.GroupColumns < 0)
            return whole with { BlockColumns = block > 0 ? columns : 0 };
        double budget = ScaleBits / (double)granularity.Width(columns) - (block > 0 ? (double)VectorLayout.BlockBits / block : 0);
        VectorLayout best = Smallest(whole, budget);
        return best with { BlockColumns = block == 0 || best.BookColumns % block == 0 ? block : best.BookColumns };
    }

    // The layout with the most codebooks that keeps to a budget.
    private VectorLayout Smallest(VectorLayout whole, double budget)
    {
        int step = BlockColumns % ColumnStep == 0 ? Math.Max(BlockColumns, ColumnStep) : 2 * BlockColumns;
        VectorLayout best = whole;
        foreach (int bookRows in Sizes(whole.Rows, VectorLayout.RowStep, whole.Rows, doubling: true))
        {
            foreach (int bookColumns in Sizes(whole.Columns, step, MostColumns, doubling: false))
            {
                VectorLayout layout = whole with { BookRows = bookRows, BookColumns = bookColumns };
                double overhead = (double)layout.Books * 8 * (layout.BookRank > 0 ? layout.BookRank : layout.Entries * Dimension)
                    / ((double)whole.Rows * whole.Columns);
                if (overhead <= budget && (layout.Books > best.Books || (layout.Books == best.Books && bookColumns > best.BookColumns)))
                    best = layout;
            }
        }
        return best;
    }

    // The sizes that a codebook may have along one side: multiples of a step, or powers of two times it, up to a limit; and all, where that
    // is within the limit.
    private static IEnumerable<int> Sizes(int all, int step, int limit, bool doubling)
    {
        for (int size = step; size < all && size <= limit; size = doubling ? 2 * size : size + step)
            yield return size;
        if (all <= limit || doubling)
            yield return all;
    }
}
