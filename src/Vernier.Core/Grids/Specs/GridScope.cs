namespace Vernier.Grids.Specs;

/// <summary>Which weights share the parameters of a grid, its exponent above all.</summary>
public enum GridScope
{
    /// <summary>One grid for the network.</summary>
    Network,

    /// <summary>One grid for each matrix.</summary>
    Layer,

    /// <summary>One grid for each group of consecutive rows.</summary>
    Rows,
}
