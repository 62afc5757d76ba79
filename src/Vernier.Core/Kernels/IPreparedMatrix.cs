using Vernier.Numerics;

namespace Vernier.Kernels;

/// <summary>A packed matrix made ready for the integer kernels of this machine.</summary>
public interface IPreparedMatrix
{
    /// <summary>The kernel that multiplies.</summary>
    string Kernel { get; }

    /// <summary>The bytes in memory.</summary>
    long Bytes { get; }

    /// <summary>Y = X W^T, with activations rounded to 8 bits.</summary>
    /// <param name="x">Activations, rows x columns of the matrix.</param>
    /// <param name="rows">The number of rows of X.</param>
    /// <param name="y">Receives rows x rows of the matrix.</param>
    /// <param name="workers">The threads.</param>
    void Multiply(ReadOnlySpan<float> x, int rows, Span<float> y, Workers workers);
}
