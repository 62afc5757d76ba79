using Vernier.Files.Gguf.Blocks;
using Vernier.Grids.Minifloat;
using Vernier.Levels;
using Vernier.Packing;
using Vernier.Packing.Ggml;
using Vernier.Packing.Scalar;
using Vernier.Packing.Trits;
using Vernier.Packing.TwoLevel;
using Vernier.Packing.Vectors;

namespace Vernier.Bench;

/// <summary>Matrices of random numbers in every layout, for their speed.</summary>
internal static class RandomLayouts
{
    /// <summary>The layouts, each at its usual sizes; the first is what all are measured against.</summary>
    public static IReadOnlyList<ModelKind> Kinds { get; } =
    [
        new("4-uniform", 4, 6, 4, 0),
        Kind("codebook-4", (random, rows, columns) => Scalar(random, rows, columns, 4, 64, Codebook(random, 4))),
        Kind("codebook-3", (random, rows, columns) => Scalar(random, rows, columns, 3, 64, Codebook(random, 3))),
        Kind("fp4", (random, rows, columns) => Scalar(random, rows, columns, 4, 64, MinifloatGrid.Create(new MinifloatFormat(2, 1)))),
        Kind("trits", (random, rows, columns) => Trits(random, rows, columns, TritStorage.TwoBits)),
        Kind("trits-base3", (random, rows, columns) => Trits(random, rows, columns, TritStorage.Base3)),
        Kind("vectors-2d-2", (random, rows, columns) => Vectors(random, rows, columns, 2, 4, 16, 256)),
        Kind("vectors-2d-3", (random, rows, columns) => Vectors(random, rows, columns, 2, 6, 32, 256)),
        Kind("vectors-2d-4", (random, rows, columns) => Vectors(random, rows, columns, 2, 8, 128, 256)),
        Kind("vectors-4d-2", (random, rows, columns) => Vectors(random, rows, columns, 4, 8, 128, 256)),
        Kind("dgq", TwoLevel),
        Kind("Q4_K", (random, rows, columns) => Blocks(random, rows, columns, BlockFormats.Q4_K)),
        Kind("Q3_K", (random, rows, columns) => Blocks(random, rows, columns, BlockFormats.Q3_K)),
        Kind("Q6_K", (random, rows, columns) => Blocks(random, rows, columns, BlockFormats.Q6_K)),
        Kind("IQ4_NL", (random, rows, columns) => Blocks(random, rows, columns, BlockFormats.IQ4_NL)),
    ];

    private static ModelKind Kind(string name, Func<Random, int, int, PackedMatrix> create) => new(name, 0, 6, 4, 0) { Layout = create };

    private static LevelTable Codebook(Random random, int bits)
    {
        short[] levels = [.. Enumerable.Range(0, 1 << bits).Select(_ => (short)random.Next(-127, 128)).Order()];
        return new LevelTable(bits, levels, 1f / 128, 1);
    }

    private static ScalarMatrix Scalar(Random random, int rows, int columns, int bits, int group, LevelTable table)
    {
        var spec = new ScalarLayout(rows, columns, bits, Granularity.Group(group), rows, 1, WideLevels: false, ZeroPoints: false);
        return new ScalarMatrix(spec, [table], Scales(random, spec.Scales, columns), [], Codes(random, rows, columns, bits));
    }

    private static byte[] Codes(Random random, int rows, int columns, int bits)
    {
        var packed = new byte[rows * CodePacking.BytesPerRow(columns, bits)];
        random.NextBytes(packed);
        return packed;
    }

    private static TritMatrix Trits(Random random, int rows, int columns, TritStorage storage)
    {
        var spec = new TritLayout(rows, columns, 128, storage);
        var trits = new byte[TritLayout.Planes * rows * spec.BytesPerRow];
        var line = new sbyte[columns];
        for (int row = 0; row < TritLayout.Planes * rows; row++)
        {
            for (int i = 0; i < columns; i++)
                line[i] = (sbyte)(random.Next(3) - 1);
            TritPacking.Pack(line, storage, trits.AsSpan(row * spec.BytesPerRow, spec.BytesPerRow));
        }
        return new TritMatrix(spec, 1, Scales(random, rows * spec.Groups * TritLayout.Planes, columns), trits);
    }

    private static VectorMatrix Vectors(Random random, int rows, int columns, int dimension, int bits, int bookRows, int bookColumns)
    {
        var spec = new VectorLayout(rows, columns, dimension, bits, Math.Min(bookRows, rows), Math.Min(bookColumns, columns));
        var books = new sbyte[spec.Books * spec.Entries * dimension];
        for (int i = 0; i < books.Length; i++)
            books[i] = (sbyte)random.Next(-127, 128);
        var codes = new byte[rows * spec.BytesPerRow];
        random.NextBytes(codes);
        return new VectorMatrix(spec, new VectorParts(1f / 128, books, Scales(random, spec.Books, columns)), codes);
    }

    private static TwoLevelMatrix TwoLevel(Random random, int rows, int columns)
    {
        var spec = new TwoLevelLayout(rows, columns, 4, 128);
        var factors = new sbyte[rows * spec.Groups];
        for (int i = 0; i < factors.Length; i++)
            factors[i] = (sbyte)random.Next(4, 12);
        byte[] zeros = new byte[rows * spec.ZeroBytesPerRow], codes = new byte[rows * spec.BytesPerRow];
        random.NextBytes(zeros);
        random.NextBytes(codes);
        return new TwoLevelMatrix(spec, 1f / 128, Scales(random, rows, columns), factors, zeros, codes);
    }

    private static BlockMatrix Blocks(Random random, int rows, int columns, BlockFormat format)
    {
        var spec = new BlockLayout(rows, columns, format);
        var weights = new float[columns];
        var bytes = new byte[rows * spec.BytesPerRow];
        // Sixteen rows, over and over: what the codes are does not matter.
        for (int row = 0; row < Math.Min(16, rows); row++)
        {
            for (int i = 0; i < columns; i++)
                weights[i] = (float)((random.NextDouble() - 0.5) / Math.Sqrt(columns));
            format.Encode(weights, [], bytes.AsSpan(row * spec.BytesPerRow, spec.BytesPerRow));
        }
        for (int row = 16; row < rows; row++)
            bytes.AsSpan((row - 16) * spec.BytesPerRow, spec.BytesPerRow).CopyTo(bytes.AsSpan(row * spec.BytesPerRow));
        return new BlockMatrix(spec, bytes);
    }

    private static Half[] Scales(Random random, int count, int columns)
    {
        var scales = new Half[count];
        for (int i = 0; i < count; i++)
            scales[i] = (Half)((random.NextDouble() + 0.5) / Math.Sqrt(columns));
        return scales;
    }
}
