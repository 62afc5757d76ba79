namespace Vernier.Numerics;

/// <summary>
/// One product: result(i, j) (+)= sum_p a(i, p) b(j, p) for i &lt; m, j &lt; n and p &lt; k, into
/// <see cref="Result"/> or, summed block of k by block, added to the double-precision <see cref="Wide"/>.
/// </summary>
internal sealed unsafe class ProductTask<T>(ProductOperand<T> a, ProductOperand<T> b, int m, int n, int k)
    where T : unmanaged
{
    public readonly ProductOperand<T> A = a, B = b;
    public readonly int M = m, N = n, K = k;

    /// <summary>The result, or null if it goes to <see cref="Wide"/>.</summary>
    public T* Result { get; init; }

    /// <summary>The result in double precision, always added to.</summary>
    public double* Wide { get; init; }

    /// <summary>The row stride of the result.</summary>
    public required long Stride { get; init; }

    /// <summary>The threads.</summary>
    public required Workers Workers { get; init; }

    /// <summary>Whether the product is added to what is there.</summary>
    public bool Accumulate { get; init; }

    /// <summary>Whether the product changes its sign.</summary>
    public bool Negate { get; init; }

    /// <summary>Whether only elements with j &lt;= i are computed and touched.</summary>
    public bool Lower { get; init; }
}
