using System.Numerics.Tensors;
using Vernier.Packing.Vectors;

namespace Vernier.Quantization.Solvers.Vectors;

/// <summary>
/// The codebooks of one dimension as coefficients, [books, rank], times a basis that all share, [rank, 2^b], both in 8 bits: the best
/// product of that rank for
/// codebooks whose numbers ascend, by their singular values. An entry is what <see cref="VectorMatrix"/> makes of it.
/// </summary>
/// <param name="Coefficients">[books, rank].</param>
/// <param name="Basis">[rank, 2^b].</param>
internal sealed record CodebookProduct(sbyte[] Coefficients, sbyte[] Basis)
{
    private const int Largest = VectorSolution.LargestEntry;
    private const int Sweeps = 60;

    /// <summary>A copy.</summary>
    public CodebookProduct Copy() => new([.. Coefficients], [.. Basis]);

    /// <summary>U V.</summary>
    public static double[] Multiply(double[] coefficients, double[] basis, int rank)
    {
        int entries = basis.Length / rank;
        var product = new double[coefficients.Length / rank * entries];
        for (int i = 0; i < coefficients.Length; i++)
        {
            Span<double> target = product.AsSpan(i / rank * entries, entries);
            TensorPrimitives.MultiplyAdd(basis.AsSpan(i % rank * entries, entries), coefficients[i], target, target);
        }
        return product;
    }

    /// <summary>Sorts the numbers of each codebook, and brings all into the form of a product; the indices follow.</summary>
    public static void Apply(VectorSolution solution)
    {
        Sort(solution);
        int entries = solution.Layout.Entries, rank = solution.Layout.BookRank;
        double[] numbers = Numbers(solution), square = new double[entries * entries];
        for (int book = 0; book < solution.Layout.Books; book++)
        {
            ReadOnlySpan<double> row = numbers.AsSpan(book * entries, entries);
            for (int i = 0; i < entries; i++)
                TensorPrimitives.MultiplyAdd(row, row[i], square.AsSpan(i * entries, entries), square.AsSpan(i * entries, entries));
        }
        double[] basis = LeadingVectors(square, entries, rank);
        Keep(solution, Fitted(numbers, Rounded(basis, rank), rank), basis);
    }

    /// <summary>Stores a basis and coefficients, [books, rank]; the coefficients are those of the basis as it is rounded.</summary>
    public static void Keep(VectorSolution solution, double[] coefficients, double[] basis)
    {
        int entries = solution.Layout.Entries, rank = solution.Layout.BookRank, books = solution.Layout.Books;
        double[] rounded = Rounded(basis, rank), product = Multiply(coefficients, rounded, rank);
        var product8 = new CodebookProduct(new sbyte[books * rank], Array.ConvertAll(rounded, value => (sbyte)value));
        for (int book = 0; book < books; book++)
        {
            ReadOnlySpan<double> own = coefficients.AsSpan(book * rank, rank);
            // A coefficient of 127 and a basis of 127 make an entry of 127; neither coefficients nor entries may be larger.
            double largest = Math.Max(Largest * Math.Abs(TensorPrimitives.MaxMagnitude(own)),
                Math.Abs(TensorPrimitives.MaxMagnitude<double>(product.AsSpan(book * entries, entries))));
            solution.Scales[book] = (Half)Math.Min(largest / (Largest * VectorSolution.Unit), (double)Half.MaxValue);
            double factor = solution.Factor(book);
            for (int r = 0; r < rank && factor > 0; r++)
                product8.Coefficients[book * rank + r] = (sbyte)Math.Clamp(Math.Round(own[r] * Largest / factor), -Largest, Largest);
        }
        VectorMatrix.Product(product8.Coefficients, product8.Basis, rank, entries).CopyTo(solution.Entries, 0);
        solution.Product = product8;
    }

    /// <summary>The basis with each of its vectors scaled so that its largest number is 127, rounded.</summary>
    public static double[] Rounded(double[] basis, int rank)
    {
        var rounded = new double[basis.Length];
        int entries = basis.Length / rank;
        for (int r = 0; r < rank; r++)
        {
            double largest = Math.Abs(TensorPrimitives.MaxMagnitude<double>(basis.AsSpan(r * entries, entries)));
            for (int i = 0; i < entries && largest > 0; i++)
                rounded[r * entries + i] = Math.Round(basis[r * entries + i] * Largest / largest);
        }
        return rounded;
    }

    /// <summary>The numbers of the codebooks, [books, 2^b].</summary>
    public static double[] Numbers(VectorSolution solution)
    {
        var numbers = new double[solution.Entries.Length];
        for (int i = 0; i < numbers.Length; i++)
            numbers[i] = (double)solution.Factor(i / solution.BookLength) * solution.Entries[i];
        return numbers;
    }

    /// <summary>The coefficients with which a basis comes nearest to codebooks.</summary>
    public static double[] Fitted(double[] numbers, double[] basis, int rank)
    {
        int entries = basis.Length / rank;
        var coefficients = new double[numbers.Length / entries * rank];
        double[] matrix = new double[rank * rank], right = new double[rank];
        for (int book = 0; book < numbers.Length / entries; book++)
        {
            for (int r = 0; r < rank; r++)
            {
                ReadOnlySpan<double> vector = basis.AsSpan(r * entries, entries);
                for (int q = 0; q < rank; q++)
                    matrix[r * rank + q] = TensorPrimitives.Dot(vector, basis.AsSpan(q * entries, entries));
                right[r] = TensorPrimitives.Dot(vector, numbers.AsSpan(book * entries, entries));
            }
            SmallSystem.Solve(matrix, right, coefficients.AsSpan(book * rank, rank));
        }
        return coefficients;
    }

    private static void Sort(VectorSolution solution)
    {
        int entries = solution.Layout.Entries;
        var places = new byte[solution.Layout.Books * entries];
        for (int book = 0; book < solution.Layout.Books; book++)
        {
            byte[] order = [.. Enumerable.Range(0, entries).Select(i => (byte)i)];
            Array.Sort(solution.Book(book).ToArray(), order);
            solution.Book(book).Sort();
            for (int i = 0; i < entries; i++)
                places[book * entries + order[i]] = (byte)i;
        }
        for (int row = 0; row < solution.Layout.Rows; row++)
        {
            for (int column = 0; column < solution.Layout.Columns; column++)
            {
                ref byte code = ref solution.Codes[row * solution.Layout.Columns + column];
                code = places[solution.Layout.BookOf(row, column) * entries + code];
            }
        }
    }

    /// <summary>The eigenvectors of the largest eigenvalues of a symmetric matrix, by Jacobi's rotations; [count, n].</summary>
    internal static double[] LeadingVectors(double[] matrix, int n, int count)
    {
        double[] a = [.. matrix], vectors = new double[n * n];
        for (int i = 0; i < n; i++)
            vectors[i * (n + 1)] = 1;
        double scale = TensorPrimitives.Norm<double>(a);
        for (int sweep = 0; sweep < Sweeps; sweep++)
        {
            double off = 0;
            for (int p = 0; p < n; p++)
            {
                for (int q = p + 1; q < n; q++)
                {
                    double value = a[p * n + q];
                    off = Math.Max(off, Math.Abs(value));
                    if (Math.Abs(value) <= 1e-15 * scale)
                        continue;
                    double ratio = (a[q * n + q] - a[p * n + p]) / (2 * value),
                        tangent = Math.CopySign(1, ratio) / (Math.Abs(ratio) + Math.Sqrt(ratio * ratio + 1));
                    double cosine = 1 / Math.Sqrt(tangent * tangent + 1), sine = tangent * cosine;
                    for (int k = 0; k < n; k++)
                    {
                        (a[k * n + p], a[k * n + q]) = (cosine * a[k * n + p] - sine * a[k * n + q],
                            sine * a[k * n + p] + cosine * a[k * n + q]);
                        (vectors[p * n + k], vectors[q * n + k]) =
                            (cosine * vectors[p * n + k] - sine * vectors[q * n + k],
                            sine * vectors[p * n + k] + cosine * vectors[q * n + k]);
                    }
                    for (int k = 0; k < n; k++)
                        (a[p * n + k], a[q * n + k]) = (cosine * a[p * n + k] - sine * a[q * n + k],
                            sine * a[p * n + k] + cosine * a[q * n + k]);
                }
            }
            if (off <= 1e-13 * scale)
                break;
        }
        int[] order = [.. Enumerable.Range(0, n).OrderByDescending(i => a[i * (n + 1)])];
        return [.. order.Take(count).SelectMany(i => vectors[(i * n)..((i + 1) * n)])];
    }
}
