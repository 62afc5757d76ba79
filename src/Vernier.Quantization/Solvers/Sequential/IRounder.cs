namespace Vernier.Quantization.Solvers.Sequential;

/// <summary>
/// What gives codes to the columns of some rows while <see cref="SequentialSweep"/> takes them one after the other. Numbers of rows are
/// those of the matrix; a place is the number of a
/// column in the order in which columns are taken.
/// </summary>
internal interface IRounder
{
    /// <summary>
    /// Whether products are added before they are rounded, which is faster. Two-level grids do it the other way, as in the files that there
    /// are.
    /// </summary>
    static virtual bool IsFused => true;

    /// <summary>The columns that get their codes together; at most 4.</summary>
    int Step { get; }

    /// <summary>Called where a block of columns begins, in which nothing is outstanding.</summary>
    /// <param name="weights">The weights of all rows as they are, by places.</param>
    /// <param name="first">The first place.</param>
    /// <param name="end">The place after the last.</param>
    void BeginBlock(ReadOnlySpan<float> weights, int first, int end);

    /// <summary>Called for each row where a piece of a block begins.</summary>
    /// <param name="row">The row.</param>
    /// <param name="place">The first place of the piece.</param>
    /// <param name="line">The weights of the row as they are, by places.</param>
    void BeginPiece(int row, int place, ReadOnlySpan<float> line);

    /// <summary>Gives codes to as many columns as are taken together.</summary>
    /// <param name="row">The row.</param>
    /// <param name="place">The first place.</param>
    /// <param name="line">The weights of the row as they are, by places.</param>
    /// <param name="quantized">Receives what the codes stand for; as long as there are columns.</param>
    void Round(int row, int place, ReadOnlySpan<float> line, Span<float> quantized);
}
