using Vernier.Bench;
using Vernier.Numerics;

OpenBlas.TryLoad(2);
Console.WriteLine(OpenBlas.Description());
{
    // quick check
    foreach ((int m, int n, int k) in new[] { (1, 1, 1), (5, 7, 3), (13, 70, 33), (300, 333, 700), (17, 100, 1030), (600, 2500, 600) })
        foreach (bool ta in new[] { false, true })
            foreach (bool tb in new[] { false, true })
            {
                float[] a = Fill(m * k), b = Fill(n * k), c = new float[m * n], d = new float[m * n];
                OpenBlas.Multiply(a, ta, b, tb, d, m, n, k);
                var A = ta ? new ReadOnlyMatrixSpan<float>(a, k, m).Transpose() : new ReadOnlyMatrixSpan<float>(a, m, k);
                var B = tb ? new ReadOnlyMatrixSpan<float>(b, n, k).Transpose() : new ReadOnlyMatrixSpan<float>(b, k, n);
                MatrixProduct.Multiply(A, B, new MatrixSpan<float>(c, m, n));
                float e = 0;
                for (int i = 0; i < m * n; i++) e = Math.Max(e, Math.Abs(c[i] - d[i]));
                MatrixProduct.Multiply(A, B, new MatrixSpan<float>(c, m, n), ProductUpdate.Subtract);
                float z = c.Max(Math.Abs);
                Console.WriteLine($"{m} {n} {k} {ta} {tb} {e} {z}");
            }
}
foreach ((int m, int n, int k) in new[] { (512, 512, 512), (1024, 1024, 1024), (2048, 2048, 2048), (4096, 4096, 4096), (256, 8192, 2048) })
{
    float[] a = Fill(m * k), b = Fill(n * k), c = new float[m * n], d = new float[m * n];
    PairedRun.Measure($"nt {m} {n} {k}", 2.0 * m * n * k, () => MatrixProduct.MultiplyTransposed(a, b, c, m, n, k), () => OpenBlas.Multiply(a, false, b, true, d, m, n, k), 5);
}

static float[] Fill(int length)
{
    var random = new Random(1);
    float[] values = new float[length];
    for (int i = 0; i < length; i++)
        values[i] = random.NextSingle() - 0.5f;
    return values;
}
