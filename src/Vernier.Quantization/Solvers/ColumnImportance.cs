namespace Vernier.Quantization.Solvers;

/// <summary>How much the columns count when a scale or a codebook is fitted.</summary>
public enum ColumnImportance
{
    /// <summary>All alike.</summary>
    None,

    /// <summary>By the energy of the input channel, H_jj.</summary>
    Diagonal,

    /// <summary>
    /// By what an error costs once all later columns have made up for it: 1 / U_jj^2, U the Cholesky factor of the inverse of H.
    /// </summary>
    Sequential,

    /// <summary>By what an error costs once all other columns have made up for it: 1 / [H^-1]_jj.</summary>
    Inverse,

    /// <summary>Not one by one: by what the error of all does to the output, the whole of H. Two-level grids only.</summary>
    Output,
}
