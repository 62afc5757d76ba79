using System.Security.Cryptography;
using Vernier.Files.Gguf.Blocks;
using Vernier.Kernels.Preparing;
using Vernier.Numerics;
using Vernier.Packing.Ggml;

namespace Vernier.Tests.Packing.Ggml;

[UsesInstructions]
public class BlockFormatTests
{
    private const int Columns = 1280;

    public static TheoryData<string> Formats => [.. BlockFormats.All.Select(format => format.Name)];

    [Theory]
    [InlineData("Q4_0", 2, 32, 18, 4.5)]
    [InlineData("Q4_1", 3, 32, 20, 5)]
    [InlineData("Q5_0", 6, 32, 22, 5.5)]
    [InlineData("Q5_1", 7, 32, 24, 6)]
    [InlineData("Q8_0", 8, 32, 34, 8.5)]
    [InlineData("Q2_K", 10, 256, 84, 2.625)]
    [InlineData("Q3_K", 11, 256, 110, 3.4375)]
    [InlineData("Q4_K", 12, 256, 144, 4.5)]
    [InlineData("Q5_K", 13, 256, 176, 5.5)]
    [InlineData("Q6_K", 14, 256, 210, 6.5625)]
    [InlineData("IQ4_NL", 20, 32, 18, 4.5)]
    [InlineData("IQ4_XS", 23, 256, 136, 4.25)]
    [InlineData("TQ1_0", 34, 256, 54, 1.6875)]
    [InlineData("TQ2_0", 35, 256, 66, 2.0625)]
    [InlineData("MXFP4", 39, 32, 17, 4.25)]
    public void SizesAndNumbersAreThoseOfGgml(string name, int typeId, int columns, int bytes, double bits)
    {
        Assert.True(BlockFormats.TryGet(name, out BlockFormat? format));
        Assert.True(BlockFormats.TryGet(typeId, out BlockFormat? byNumber));
        Assert.Same(format, byNumber);
        Assert.True(BlockFormats.TryGet(name.ToLowerInvariant(), out _));
        Assert.Equal((columns, bytes, bits), (format.BlockColumns, format.BlockBytes, format.BitsPerWeight));
        Assert.Equal(0, format.BlockColumns % format.SubBlockColumns);
        Assert.Equal(3L * bytes, format.BytesOf(3 * columns));
        Refusal.Of<ArgumentException>("are no whole number of blocks", () => format.BytesOf(columns + 1));
    }

    [Theory]
    [InlineData("Q4_0", 8)]
    [InlineData("Q4_1", 15 + 1)]
    [InlineData("Q8_0", 128)]
    [InlineData("Q3_K", 32 * 4)]
    [InlineData("Q4_K", 63 * 15 + 63)]
    [InlineData("Q6_K", 128 * 32)]
    [InlineData("IQ4_XS", 32 * 127)]
    [InlineData("TQ1_0", 1)]
    [InlineData("MXFP4", 12 * 8.507059173023462e37 / 65504)]
    public void NothingDecodesToMoreThanTheReach(string name, double largestHalves)
    {
        Assert.True(BlockFormats.TryGet(name, out BlockFormat? format));
        Assert.Equal(largestHalves * 65504, format.Reach, 1e-9 * format.Reach);
        var parts = new BlockParts(format);
        byte[] block = new byte[format.BlockBytes];
        var weights = new float[format.BlockColumns];
        var random = new Random(1);
        for (int trial = 0; trial < 200; trial++)
        {
            random.NextBytes(block);
            format.Unpack(block, parts);
            (parts.D, parts.DMin) = (trial % 2 == 0 ? Half.MaxValue : Half.MinValue, format.HasMin ? Half.MinValue : Half.Zero);
            format.Pack(parts, block);
            format.Decode(block, weights);
            Assert.All(weights, weight => Assert.True(!float.IsFinite(weight) || Math.Abs(weight) <= format.Reach));
        }
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void IntegerKernelsMultiplyTheSameWeights(string name)
    {
        Assert.True(BlockFormats.TryGet(name, out BlockFormat? format));
        foreach (int rows in (int[])[1, 17, 48])
        {
            var layout = new BlockLayout(rows, 512, format);
            var weights = new float[rows * 512];
            var random = new Random(rows);
            for (int i = 0; i < weights.Length; i++)
                weights[i] = (float)(random.NextDouble() - 0.45);
            var blocks = new byte[rows * layout.BytesPerRow];
            format.EncodeRows(weights, 512, [], blocks, Workers.Shared);
            var matrix = new BlockMatrix(layout, blocks);
            SourceWeights.Check(matrix, new BlockPreparer().Source(matrix, Workers.Shared));
        }
    }

    [Fact]
    public void EveryFormatIsInTheTest() => Assert.Equal(15, BlockFormats.All.Count);

    [Theory]
    [MemberData(nameof(Formats))]
    public void AnyBlockComesBackFromItsParts(string name)
    {
        BlockFormat format = Get(name);
        var parts = new BlockParts(format);
        var random = new Random(3);
        byte[] block = new byte[format.BlockBytes], packed = new byte[format.BlockBytes];
        float[] weights = new float[format.BlockColumns];
        for (int trial = 0; trial < 500; trial++)
        {
            random.NextBytes(block);
            format.Unpack(block, parts);
            random.NextBytes(packed);
            format.Pack(parts, packed);
            if (name != "TQ1_0") // Only 243 of 256 bytes are what five digits are written as.
                Assert.Equal(block, packed);
            CheckRanges(format, parts);
            format.Decode(block, weights);
            for (int i = 0; i < weights.Length; i++)
            {
                int sub = i / format.SubBlockColumns;
                float expected = format.Scale(parts, sub) * format.Levels[parts.Codes[i]] - format.Min(parts, sub);
                Assert.Equal(BitConverter.SingleToInt32Bits(weights[i]), BitConverter.SingleToInt32Bits(expected));
            }
        }
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void AnyPartsComeBackFromTheirBlock(string name)
    {
        BlockFormat format = Get(name);
        BlockParts parts = new(format), back = new(format);
        var random = new Random(4);
        byte[] block = new byte[format.BlockBytes];
        for (int trial = 0; trial < 500; trial++)
        {
            parts.D = (Half)random.NextSingle();
            parts.DMin = format.HasMin ? (Half)random.NextSingle() : Half.Zero;
            for (int sub = 0; sub < format.SubBlocks; sub++)
            {
                parts.Scales[sub] = random.Next(format.ScaleRange.Least, format.ScaleRange.Most + 1);
                parts.Mins[sub] = random.Next(format.MinRange.Least, format.MinRange.Most + 1);
            }
            for (int i = 0; i < parts.Codes.Length; i++)
                parts.Codes[i] = (byte)random.Next(format.Levels.Length);
            random.NextBytes(block);
            format.Pack(parts, block);
            format.Unpack(block, back);
            Assert.Equal(parts.Codes, back.Codes);
            Assert.Equal(parts.Scales, back.Scales);
            Assert.Equal(parts.Mins, back.Mins);
            if (name != "MXFP4")
                Assert.Equal((parts.D, parts.DMin), (back.D, back.DMin));
        }
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void TheFastWayHasTheBytesOfThePlain(string name)
    {
        BlockFormat format = Get(name);
        for (int seed = 0; seed < 2; seed++)
        {
            foreach (float[] importance in (float[][])[[], BlockInputs.Importance(Columns, seed)])
            {
                foreach ((string input, float[] row) in BlockInputs.Finite(Columns, seed).Concat(BlockInputs.NotFinite(Columns, seed)))
                {
                    byte[] fast = new byte[format.BytesOf(Columns)], plain = new byte[fast.Length];
                    format.Encode(row, importance, fast);
                    format.EncodePlain(row, importance, plain);
                    Assert.True(plain.AsSpan().SequenceEqual(fast), $"{name}, {input}, {(importance.Length == 0 ? "no " : "")}importance");
                }
            }
        }
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void RowsInParallelHaveTheBytesOfOneByOne(string name)
    {
        BlockFormat format = Get(name);
        var random = new Random(8);
        int columns = 3 * 256, rows = 131;
        float[] weights = [.. Enumerable.Range(0, rows * columns).Select(_ => random.NextSingle() - 0.5f)],
            importance = BlockInputs.Importance(columns, 1);
        int rowBytes = (int)format.BytesOf(columns);
        byte[] expected = new byte[rows * rowBytes], blocks = new byte[expected.Length];
        for (int row = 0; row < rows; row++)
            format.Encode(weights.AsSpan(row * columns, columns), importance, expected.AsSpan(row * rowBytes, rowBytes));
        foreach (int threads in (int[])[1, 3])
        {
            using var workers = new Workers(threads);
            Array.Clear(blocks);
            format.EncodeRows(weights, columns, importance, blocks, workers);
            Assert.Equal(expected, blocks);
        }
    }

    // Recorded where they had been found equal to those of ggml: the first eight bytes of the SHA-256 of all blocks.
    [Theory]
    [InlineData("Q4_0", "ed49c98b59d5a313", "c9d7bdbb23ab6650")]
    [InlineData("Q4_1", "bdcba6711f2e9c6e", "019b5c3a9cec4f99")]
    [InlineData("Q5_0", "8f1a797a5dd29e84", "710c81c426373d89")]
    [InlineData("Q5_1", "0ee1da153b2ff656", "3683389715870dae")]
    [InlineData("Q8_0", "11850820445e14db", "11850820445e14db")]
    [InlineData("Q2_K", "153ed342115ff439", "7d72f854894beb40")]
    [InlineData("Q3_K", "51317aaa99c7c31b", "80b3e1a4b435ad87")]
    [InlineData("Q4_K", "234b387b2ca146f4", "a53771b2c3e53fea")]
    [InlineData("Q5_K", "67792a93af47e475", "448074f110d17eef")]
    [InlineData("Q6_K", "d0284603db1807b3", "ec7231442964d4e9")]
    [InlineData("IQ4_NL", "97df18d009ec5b0c", "87df4173737b1232")]
    [InlineData("IQ4_XS", "23fd04fc49a03ba0", "75b669b608ec4f1a")]
    [InlineData("TQ1_0", "d495cba673956e77", "d495cba673956e77")]
    [InlineData("TQ2_0", "714460abcce6f2ea", "714460abcce6f2ea")]
    [InlineData("MXFP4", "1cffcc52ca1f1aac", "1cffcc52ca1f1aac")]
    public void BytesAreThoseThatWereRecorded(string name, string alone, string important)
    {
        BlockFormat format = Get(name);
        Assert.Equal((alone, important), (Hash(format, []), Hash(format, BlockInputs.Importance(Columns, 5))));
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void WhatHasBeenDecodedIsNearTheWeights(string name)
    {
        BlockFormat format = Get(name);
        (_, float[] row) = BlockInputs.Finite(Columns, 9).First();
        byte[] blocks = new byte[format.BytesOf(Columns)];
        float[] decoded = new float[Columns];
        format.Encode(row, [], blocks);
        format.Decode(blocks, decoded);
        double error = row.Zip(decoded, (a, b) => (double)(a - b) * (a - b)).Sum() / row.Sum(a => (double)a * a);
        // A code of b bits costs about 2^-2b; the ternary formats only keep the largest weights.
        Assert.InRange(error, 0, name.StartsWith('T') ? 1 : 4 * Math.Pow(4, -format.BitsPerWeight + 1));
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void LengthsThatDoNotFitAreRefused(string name)
    {
        BlockFormat format = Get(name);
        Refusal.Of<ArgumentException>($"take {format.BlockBytes} bytes, not {format.BlockBytes - 1}",
            () => format.Decode(new byte[format.BlockBytes - 1], new float[format.BlockColumns]));
        Refusal.Of<ArgumentException>($"take {2 * format.BlockBytes} bytes, not {format.BlockBytes}",
            () => format.Decode(new byte[format.BlockBytes], new float[2 * format.BlockColumns]));
        Refusal.Of<ArgumentException>("are no whole number of blocks",
            () => format.Encode(new float[format.BlockColumns - 1], [], new byte[format.BlockBytes]));
        Refusal.Of<ArgumentException>("numbers for the importance of",
            () => format.Encode(new float[format.BlockColumns], new float[1], new byte[format.BlockBytes]));
        Refusal.Of<ArgumentException>("are no rows of", () => format.EncodeRows(
            new float[3 * format.BlockColumns], 2 * format.BlockColumns, [], new byte[3 * format.BlockBytes], Workers.Shared));
        format.Encode([], [], []);
    }

    private static void CheckRanges(BlockFormat format, BlockParts parts)
    {
        for (int sub = 0; sub < format.SubBlocks; sub++)
        {
            Assert.InRange(parts.Scales[sub], format.ScaleRange.Least, format.Name == "MXFP4" ? 255 : format.ScaleRange.Most);
            Assert.InRange(parts.Mins[sub], format.MinRange.Least, format.MinRange.Most);
        }
        Assert.All(parts.Codes, code => Assert.InRange(code, 0, format.Levels.Length - 1));
    }

    private static string Hash(BlockFormat format, float[] importance)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        byte[] blocks = new byte[format.BytesOf(Columns)];
        foreach ((_, float[] row) in BlockInputs.Finite(Columns, 5))
        {
            format.Encode(row, importance, blocks);
            hash.AppendData(blocks);
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset().AsSpan(0, 8));
    }

    private static BlockFormat Get(string name) =>
        BlockFormats.TryGet(name, out BlockFormat? format) ? format : throw new ArgumentException(name, nameof(name));
}
