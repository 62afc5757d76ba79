using Vernier.Inference.Parts.Attention;
using Vernier.Inference.Passes;

namespace Vernier.Tests.Parts.Attention;

/// <summary>Stores of keys and values, in both precisions.</summary>
public class LayerCacheTests
{
    public static TheoryData<CachePrecision> Precisions => [CachePrecision.Single, CachePrecision.Int8];

    [Theory]
    [InlineData(CachePrecision.Single, 3, 5, 3 * (5 + 16) * 4)]
    [InlineData(CachePrecision.Single, 1, 16, (16 + 16) * 4)]
    [InlineData(CachePrecision.Single, 2, 17, 2 * (17 + 32) * 4)]
    [InlineData(CachePrecision.Int8, 3, 5, 3 * (5 + 16 + 8))]
    [InlineData(CachePrecision.Int8, 2, 17, 2 * (17 + 32 + 8))]
    public void TheBytesAreThoseOfWholeChunks(CachePrecision precision, int heads, int headSize, int bytesOfPosition)
    {
        LayerState state = new KeyValueShape(heads, headSize).Create(precision);
        Assert.Equal(0, state.BytesFor(0));
        Assert.Equal(64L * bytesOfPosition, state.BytesFor(1));
        Assert.Equal(64L * bytesOfPosition, state.BytesFor(64));
        Assert.Equal(128L * bytesOfPosition, state.BytesFor(65));
        // More than 2^31 bytes are no trouble.
        Assert.Equal(64L * bytesOfPosition * ((1 << 27) / 64), state.BytesFor(1 << 27));
    }

    [Theory]
    [MemberData(nameof(Precisions))]
    public void WhatIsWrittenAgainTakesThePlaceOfWhatWasThere(CachePrecision precision)
    {
        const int Heads = 2, HeadSize = 7;
        var cache = (LayerCache)new KeyValueShape(Heads, HeadSize).Create(precision);
        Assert.Equal((Heads, HeadSize, 16), (cache.Heads, cache.HeadSize, cache.ValueStride));
        cache.Reserve(130);
        for (int position = 0; position < 130; position++)
            cache.Write(position, Row(position, 1), Row(position, 2));
        Assert.All([0, 63, 64, 129], position => AssertHolds(cache, position, Row(position, 1), Row(position, 2)));

        Assert.True(cache.CanTruncate(60));
        cache.Truncate(60);
        cache.Reserve(62);
        cache.Write(60, Row(60, 3), Row(60, 4));
        AssertHolds(cache, 60, Row(60, 3), Row(60, 4));
        AssertHolds(cache, 59, Row(59, 1), Row(59, 2));
        AssertHolds(cache, 61, Row(61, 1), Row(61, 2));

        static float[] Row(int position, int seed) => TinyModel.Gaussian(Heads * HeadSize, 1000 * seed + position, 1);
    }

    [Fact]
    public void TheSizeOfAnIntegerIsThatOfItsOwnHead()
    {
        var cache = (LayerCache)new KeyValueShape(2, 4).Create(CachePrecision.Int8);
        cache.Reserve(1);
        // Halves lie between two integers: ties go to the even one.
        cache.Write(0, [127, 2.5f, -1.5f, -127, 254, 1, 3, -254], [0, 0, 0, 0, 1e-30f, -1e-30f, 0, 0]);
        var scratch = new float[cache.ScratchLength];
        Assert.Equal([127, 2, -2, -127], Enumerable.Range(0, 4).Select(i => cache.Keys(0, 0, scratch)[i * LayerCache.ChunkLength]));
        Assert.Equal([254, 0, 4, -254], Enumerable.Range(0, 4).Select(i => cache.Keys(0, 1, scratch)[i * LayerCache.ChunkLength]));
        Assert.Equal(new float[4], cache.Values(0, 0, scratch)[..4].ToArray());
        Assert.Equal(1e-30f, cache.Values(0, 1, scratch)[0], 1e-36f);
    }

    [Fact]
    public void ShapesOfEqualSizesAreEqual()
    {
        Assert.Equal(new KeyValueShape(2, 8), new KeyValueShape(2, 8));
        Assert.NotEqual(new KeyValueShape(2, 8), new KeyValueShape(8, 2));
        Assert.IsType<FloatLayerCache>(new KeyValueShape(2, 8).Create(CachePrecision.Single));
        Assert.IsType<Int8LayerCache>(new KeyValueShape(2, 8).Create(CachePrecision.Int8));
    }

    private static void AssertHolds(LayerCache cache, int position, float[] keys, float[] values)
    {
        (int chunk, int place) = Math.DivRem(position, LayerCache.ChunkLength);
        var scratch = new float[cache.ScratchLength];
        for (int head = 0; head < cache.Heads; head++)
        {
            ReadOnlySpan<float> key = keys.AsSpan(head * cache.HeadSize, cache.HeadSize);
            ReadOnlySpan<float> value = values.AsSpan(head * cache.HeadSize, cache.HeadSize);
            for (int i = 0; i < cache.HeadSize; i++)
                Assert.Equal(key[i], cache.Keys(chunk, head, scratch)[i * LayerCache.ChunkLength + place], Slack(key));
            ReadOnlySpan<float> row = cache.Values(chunk, head, scratch).Slice(place * cache.ValueStride, cache.ValueStride);
            for (int i = 0; i < row.Length; i++)
                Assert.Equal(i < cache.HeadSize ? value[i] : 0, row[i], Slack(value));
        }

        float Slack(ReadOnlySpan<float> head) => cache.ScratchLength == 0 ? 0 : 0.5001f / 127 * head.ToArray().Max(Math.Abs);
    }
}
