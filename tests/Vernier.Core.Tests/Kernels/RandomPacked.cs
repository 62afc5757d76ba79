using Vernier.Grids;
using Vernier.Grids.Power;
using Vernier.Grids.Uniform;
using Vernier.Levels;
using Vernier.Packing;
using Vernier.Packing.Scalar;

namespace Vernier.Tests;

/// <summary>Packed matrices of random codes, scales of both signs, and tables of every kind.</summary>
internal static class RandomPacked
{
    public static ScalarMatrix Create(Random random, int rows, int columns, int bits, Granularity granularity, string kind, int tables = 1,
        int rowsPerGrid = 0)
    {
        rowsPerGrid = rowsPerGrid == 0 ? rows : rowsPerGrid;
        bool zeros = kind == "asymmetric", wide = kind == "wide" || (zeros && bits == 8) || (kind == "power" && bits > 6);
        var spec = new ScalarLayout(rows, columns, bits, granularity, rowsPerGrid, tables, wide, zeros);
        LevelTable[] grids = [.. Enumerable.Range(0, spec.Grids).Select(_ => Table(random, bits, kind))];
        var codes = new byte[rows * spec.BytesPerRow];
        var row = new byte[columns];
        for (int r = 0; r < rows; r++)
        {
            for (int i = 0; i < columns; i++)
                row[i] = (byte)random.Next(1 << bits);
            CodePacking.Pack(row, bits, codes.AsSpan(r * spec.BytesPerRow, spec.BytesPerRow));
        }
        var scales = new Half[spec.Scales];
        for (int i = 0; i < scales.Length; i++)
            scales[i] = random.Next(8) switch { 0 => Half.Zero, 1 =>
                Half.Epsilon, 2 => Half.MaxValue, 3 => Half.MinValue, _ => (Half)(random.NextDouble() - 0.5) };
        var zeroBytes = new byte[spec.ZeroBytes];
        random.NextBytes(zeroBytes);
        return new ScalarMatrix(spec, grids, scales, zeroBytes, codes);
    }

    private static LevelTable Table(Random random, int bits, string kind) => kind switch
    {
        "asymmetric" => UniformGrid.Create(bits, LevelLayout.Asymmetric),
        "uniform" => UniformGrid.Create(bits, LevelLayout.Full),
        "power" => PowerGrid.Create(bits, LevelLayout.Offset, 0.3 + 0.7 * random.NextDouble(), 0.5 * random.NextDouble()),
        "wide" => Levels(random, bits, short.MinValue, short.MaxValue, 1f / 32768),
        _ => Levels(random, bits, sbyte.MinValue, sbyte.MaxValue, 1f / 128),
    };

    // The first and the last level are the extremes, so that every test meets them.
    private static LevelTable Levels(Random random, int bits, int least, int most, float unit)
    {
        short[] levels = [.. Enumerable.Range(0, 1 << bits).Select(_ => (short)random.Next(least, most + 1)).Order()];
        (levels[0], levels[^1]) = ((short)least, (short)most);
        return new LevelTable(bits, levels, unit, 1);
    }
}
