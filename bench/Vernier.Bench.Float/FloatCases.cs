using Vernier.Numerics;

namespace Vernier.Bench;

/// <summary>A case: its name, its floating-point operations, and a function that allocates its data and gives both calls.</summary>
internal sealed record FloatCase(string Name, double Operations, Func<Workers, (Action Ours, Action Theirs)> Prepare);

/// <summary>The cases. A product is named by the transpositions of its factors, then m x n x k.</summary>
internal static class FloatCases
{
    private static readonly int[] s_sizes = [512, 1024, 2048, 4096], s_fewRows = [2, 4, 8, 16];
    private static readonly string[] s_kinds = ["nn", "nt"];

    public static IEnumerable<FloatCase> All =>
    [
        .. from size in s_sizes from kind in s_kinds select Product(kind, size, size, size),
        Product("nt", 256, 8192, 2048),
        Product("nt", 256, 2048, 8192),
        Product("nn", 256, 8192, 2048),
        Product("nn", 256, 2048, 8192),
        Product("tn", 1024, 1024, 1024),
        Product("tt", 1024, 1024, 1024),
        .. from rows in s_fewRows select Product("nt", rows, 8192, 2048),
        Gram(768, 4096),
        Gram(2048, 4096),
        Gram(2048, 512),
        WideGram(2048, 4096),
        .. from size in s_sizes select Factor(size),
        WideFactor(2048),
    ];

    private static FloatCase Product(string kind, int m, int n, int k) => new($"product {kind} {m} x {n} x {k}", 2.0 * m * n * k, workers =>
    {
        bool transposeA = kind[0] == 't', transposeB = kind[1] == 't';
        float[] a = Random((long)m * k), b = Random((long)k * n), c = new float[m * n], d = new float[m * n];
        return (
            () => MatrixProduct.Multiply(
                transposeA ? new ReadOnlyMatrixSpan<float>(a, k, m).Transpose() : new ReadOnlyMatrixSpan<float>(a, m, k),
                transposeB ? new ReadOnlyMatrixSpan<float>(b, n, k).Transpose() : new ReadOnlyMatrixSpan<float>(b, k, n),
                new MatrixSpan<float>(c, m, n),
                ProductUpdate.Set,
                workers),
            () => OpenBlas.Multiply(a, transposeA, b, transposeB, d, m, n, k));
    });

    private static FloatCase Gram(int size, int samples) =>
        new($"gram {size}, {samples} samples", (double)size * (size + 1) * samples, workers =>
    {
        float[] x = Random((long)samples * size), h = new float[size * size], other = new float[size * size];
        return (
            () => SymmetricProduct.Update(new ReadOnlyMatrixSpan<float>(x, samples, size), new MatrixSpan<float>(h, size, size),
                ProductUpdate.Add, workers),
            () => OpenBlas.AddGram(x, other, size, samples));
    });

    // Ours adds to a matrix in double precision; the peer has nothing like it and works in single precision.
    private static FloatCase WideGram(int size, int samples) =>
        new($"gram {size}, {samples} samples, into double", (double)size * (size + 1) * samples, workers =>
    {
        float[] x = Random((long)samples * size), other = new float[size * size];
        double[] h = new double[size * size];
        return (
            () => SymmetricProduct.Update(new ReadOnlyMatrixSpan<float>(x, samples, size), new MatrixSpan<double>(h, size, size), workers),
            () => OpenBlas.AddGram(x, other, size, samples));
    });

    private static FloatCase Factor(int size) => new($"cholesky {size}", (double)size * size * size / 3, workers =>
    {
        float[] a = PositiveDefinite(size, workers), work = new float[size * size], other = new float[size * size];
        return (
            () =>
            {
                a.CopyTo(work, 0);
                if (!Cholesky.TryFactor(new MatrixSpan<float>(work, size, size), out int pivot, workers))
                    throw new InvalidOperationException($"Pivot {pivot} failed.");
            },
            () =>
            {
                a.CopyTo(other, 0);
                if (OpenBlas.Cholesky(other, size) != 0)
                    throw new InvalidOperationException("The peer failed.");
            });
    });

    private static FloatCase WideFactor(int size) => new($"cholesky double {size}", (double)size * size * size / 3, workers =>
    {
        double[] a = [.. PositiveDefinite(size, workers).Select(x => (double)x)], work = new double[size * size],
            other = new double[size * size];
        return (
            () =>
            {
                a.CopyTo(work, 0);
                if (!Cholesky.TryFactor(new MatrixSpan<double>(work, size, size), out int pivot, workers))
                    throw new InvalidOperationException($"Pivot {pivot} failed.");
            },
            () =>
            {
                a.CopyTo(other, 0);
                if (OpenBlas.Cholesky(other, size) != 0)
                    throw new InvalidOperationException("The peer failed.");
            });
    });

    private static float[] Random(long length)
    {
        var random = new Random(1);
        float[] values = new float[length];
        foreach (ref float value in values.AsSpan())
            value = random.NextSingle() - 0.5f;
        return values;
    }

    // X^T X of as many random samples as columns, plus a little on the diagonal.
    private static float[] PositiveDefinite(int size, Workers workers)
    {
        float[] a = new float[size * size];
        var matrix = new MatrixSpan<float>(a, size, size);
        SymmetricProduct.Update(new ReadOnlyMatrixSpan<float>(Random((long)size * size), size, size), matrix, ProductUpdate.Add, workers);
        SymmetricProduct.Mirror(matrix, workers);
        for (int i = 0; i < size; i++)
            a[(i * size) + i] += 1;
        return a;
    }
}
