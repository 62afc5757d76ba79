namespace Vernier.Kernels;

/// <summary>Products of quantized activations with panels of a matrix, for one format, lookup and machine.</summary>
internal unsafe interface IPanelKernel
{
    /// <summary>
    /// One token: y_r = sum over segments of float(sum of level * q) * (scale_r * s), in the order of the segments, for the rows of a
    /// panel.
    /// </summary>
    /// <param name="matrix">The matrix.</param>
    /// <param name="x">The token.</param>
    /// <param name="panel">The panel.</param>
    /// <param name="end">The panel before which the caller will end: what lies behind is not fetched ahead.</param>
    /// <param name="y">Receives 16 numbers.</param>
    void Generate(PanelMatrix matrix, in RowsView x, int panel, int end, float* y);

    /// <summary>One token times two matrices that share their codes and have one level table a granule: what two calls would give, with
    /// each code fetched once.</summary>
    /// <param name="first">The first matrix.</param>
    /// <param name="second">The second.</param>
    /// <param name="x">The token for the first.</param>
    /// <param name="secondX">The token for the second.</param>
    /// <param name="panel">The panel.</param>
    /// <param name="end">The panel before which the caller will end: what lies behind is not fetched ahead.</param>
    /// <param name="y">Receives 16 numbers, and the 16 of the second.</param>
    void GeneratePair(PanelMatrix first, PanelMatrix second, in RowsView x, in RowsView secondX, int panel, int end, float* y);

    /// <summary>The same for the 6 tokens of each of some tiles.</summary>
    /// <param name="matrix">The matrix.</param>
    /// <param name="x">The tokens.</param>
    /// <param name="firstTile">The first tile.</param>
    /// <param name="tiles">The tiles.</param>
    /// <param name="panel">The panel.</param>
    /// <param name="y">Receives [token][16].</param>
    void Prompt(PanelMatrix matrix, in RowsView x, int firstTile, int tiles, int panel, float* y);
}
