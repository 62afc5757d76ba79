using Vernier.Inference;
using Vernier.Inference.Architectures;
using Vernier.Inference.Configuration;
using Vernier.Inference.Decoders;
using Vernier.Inference.Parts;
using Vernier.Inference.Parts.Attention;
using Vernier.Inference.Passes;
using Vernier.Numerics;

namespace Vernier.Tests;

[UsesInstructions]
public class AttentionTests
{
    /// <summary>Every row count, term count around the register widths, and lane count, against plain loops.</summary>
    [Fact]
    public unsafe void TheKernelAgreesWithPlainLoops()
    {
        var random = new Random(1);
        foreach (int rows in new[] { 1, 2, 3, 4 })
        {
            foreach (int lanes in new[] { 16, 32, 48, 64, 80 })
            {
                foreach (int terms in new[] { 0, 1, 2, 7, 8, 33 })
                {
                    float[] a = Values(random, rows * (terms + 3)), b = Values(random, (terms + 1) * (lanes + 5)),
                        c = Values(random, rows * (lanes + 1));
                    float[] result = [.. c];
                    fixed (float* pa = a, pb = b, pc = result)
                        AttentionKernel.MultiplyAdd(pa, terms + 3, pb, lanes + 5, pc, lanes + 1, rows, terms, lanes);
                    for (int i = 0; i < c.Length; i++)
                    {
                        (int row, int lane) = Math.DivRem(i, lanes + 1);
                        double expected = c[i];
                        for (int t = 0; t < terms && lane < lanes; t++)
                            expected += (double)a[row * (terms + 3) + t] * b[t * (lanes + 5) + lane];
                        Assert.Equal(expected, result[i], 1e-5);
                    }
                }
            }
        }
    }

    /// <summary>The same rows, given in one pass or in pieces beside another sequence, have the same bits.</summary>
    [Theory]
    [InlineData(null, 1, 1)]
    [InlineData(5, 2, 1)]
    [InlineData(70, 3, 3)]
    public void BatchingChangesNoBit(int? window, int heads, int keyValueHeads)
    {
        const int Length = 150;
        TinySpec spec = TinySpecs.Llama with { Type = "mistral", Layers = 1, Heads = heads, KeyValueHeads = keyValueHeads,
            Extra = new() { ["sliding_window"] = window, ["max_position_embeddings"] = 256 } };
        var config = (TransformerConfig)ArchitectureCatalogue.Read(System.Text.Encoding.UTF8.GetBytes(spec.Config()), "config.json");
        var random = new Random(2);
        int width = heads * config.HeadSize, keyWidth = keyValueHeads * config.HeadSize;
        float[] queries = Values(random, Length * width), keys = Values(random, Length * keyWidth),
            values = Values(random, Length * keyWidth);
                AttentionShape shape = config.AttentionOf(0);
        var keyValues = new KeyValueShape(keyValueHeads, config.HeadSize);
        var cache = new SequenceState(config, [keyValues]);
        float[] whole = Attend(null, 0, Length), pieces = new float[Length * width];
        for (int done = 0, piece = 1; done < Length; done += piece, piece = Math.Min(piece % 23 + 3, Length - done))
            Attend(cache, done, piece).CopyTo(pieces, done * width);
        Assert.Equal(whole, pieces);

        float[] Attend(SequenceState? cache, int first, int count)
        {
            var context = new ForwardContext(config);
            context.Begin(cache is null ? [new Segment(new int[count])] : [new Segment(new int[3]), new Segment(new int[count], cache)]);
            int segment = context.SegmentCount - 1, before = context.Rows - count;
            float[] input = new float[context.Rows * width], output = new float[context.Rows * width];
            queries.AsSpan(first * width, count * width).CopyTo(input.AsSpan(before * width));
            ReadOnlyMemory<LayerState> stores = context.States(0, keyValues);
            var store = (LayerCache)stores.Span[segment];
            for (int i = first; i < first + count; i++)
                store.Write(i, keys.AsSpan(i * keyWidth, keyWidth), values.AsSpan(i * keyWidth, keyWidth));
            ScaledDotProductAttention.Run(context, shape, new AttentionScores(), stores, new RowMatrix(input, 0, width),
                new RowMatrix(output, 0, width));
            context.Commit();
            return output[(before * width)..];
        }
    }

    [Fact]
    public void ACacheGrowsWithoutMovingWhatItHolds()
    {
        var store = new FloatLayerCache(heads: 2, headSize: 6);
        store.Reserve(1);
        ReadOnlySpan<float> first = store.Keys(0, 0, default);
        store.Write(0, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12], new float[12]);
        store.Reserve(LayerCache.ChunkLength + 1);
        Assert.True(first == store.Keys(0, 0, default));
        Assert.Equal(3, store.Keys(0, 0, default)[2 * LayerCache.ChunkLength]);
        Assert.Equal(7, store.Keys(0, 1, default)[0]);
        Assert.Equal(16, store.ValueStride);
    }

    /// <summary>Each number of an 8-bit cache is within half a step of what was written, and what is all zero or not finite stays
    /// so.</summary>
    [Fact]
    public void AnInt8CacheRoundsEachHeadOfAPosition()
    {
        const int Heads = 3, HeadSize = 20, Positions = 130;
        var random = new Random(4);
        var shape = new KeyValueShape(Heads, HeadSize);
        LayerCache store = (LayerCache)shape.Create(CachePrecision.Int8), exact = (LayerCache)shape.Create(CachePrecision.Single);
        Assert.True(3.4 * store.BytesFor(1) < exact.BytesFor(1));
        var keys = new float[Positions][];
        var values = new float[Positions][];
        store.Reserve(Positions);
        for (int position = 0; position < Positions; position++)
        {
            keys[position] = Values(random, Heads * HeadSize);
            values[position] = Values(random, Heads * HeadSize);
            if (position == 70)
                values[position].AsSpan(HeadSize, HeadSize).Clear();
            if (position == 71)
                keys[position][2 * HeadSize] = float.PositiveInfinity;
            store.Write(position, keys[position], values[position]);
        }
        var scratch = new float[store.ScratchLength];
        for (int position = 0; position < Positions; position++)
        {
            (int chunk, int place) = Math.DivRem(position, LayerCache.ChunkLength);
            for (int head = 0; head < Heads; head++)
            {
                float[] key = keys[position].AsSpan(head * HeadSize, HeadSize).ToArray(),
                    value = values[position].AsSpan(head * HeadSize, HeadSize).ToArray();
                ReadOnlySpan<float> read = store.Keys(chunk, head, scratch);
                float step = key.Max(Math.Abs) / 127;
                for (int i = 0; i < HeadSize; i++)
                {
                    float stored = read[i * LayerCache.ChunkLength + place];
                    if (float.IsFinite(step))
                        Assert.Equal(key[i], stored, 0.5001f * step);
                    else
                        Assert.True(float.IsNaN(stored));
                }
                read = store.Values(chunk, head, scratch);
                step = value.Max(Math.Abs) / 127;
                for (int i = 0; i < store.ValueStride; i++)
                    Assert.Equal(i < HeadSize ? value[i] : 0, read[place * store.ValueStride + i], 0.5001f * step);
            }
        }
    }

    /// <summary>Generation with an 8-bit cache gives logits near those of an exact one, and not the same.</summary>
    [Fact]
    public void AnInt8CacheChangesLogitsLittle()
    {
        LanguageModel model = LanguageModel.Load(SharedData.Quill);
        int[] tokens = [.. Enumerable.Range(0, 200).Select(i => (i * 97 + 13) % model.Config.VocabularySize)];
        float[] exact = Last(CachePrecision.Single), rounded = Last(CachePrecision.Int8);
        double error = 0, size = 0;
        for (int i = 0; i < exact.Length; i++)
            (error, size) = (error + Math.Pow(exact[i] - rounded[i], 2), size + Math.Pow(exact[i], 2));
        Assert.InRange(Math.Sqrt(error / size), 1e-7, 0.01);

        float[] Last(CachePrecision precision)
        {
            InferenceSession session = model.CreateSession(precision: precision);
            SequenceState state = session.CreateState();
            var logits = new float[model.Config.VocabularySize];
            for (int done = 0; done < tokens.Length; done += 20)
                session.Forward([new Segment(tokens.AsMemory(done, 20), state)], LogitRows.Last, logits);
            return logits;
        }
    }

    /// <summary>The frequencies of Llama 3.1 with its published parameters, at both ends and in the blend between.</summary>
    [Fact]
    public void Llama3FrequenciesFollowTheThreeCases()
    {
        var rope = new RopeConfig
        {
            Theta = 500000, RotarySize = 128, Scaling = RopeScaling.Llama3, Factor = 8, LowFrequencyFactor = 1, HighFrequencyFactor = 4,
                OriginalMaxPositions = 8192,
        };
        double[] frequencies = RotaryAngles.Frequencies(rope, longContext: false);
        int blended = 0;
        for (int i = 0; i < 64; i++)
        {
            double plain = TinySpec.PlainFrequency(i, 500000, 128);
            double expected = TinySpecs.Llama3(i, 500000, 128, 8, 1, 4, 8192);
            Assert.Equal(expected, frequencies[i], 1e-15);
            if (expected < plain && expected > plain / 8 * 1.0001)
                blended++;
        }
        Assert.Equal(1, frequencies[0]);
        Assert.InRange(blended, 5, 8);
    }

    [Fact]
    public void RotationsCompose()
    {
        var rotary = new RotaryAngles(new RopeConfig { RotarySize = 40 }, longContext: false);
        rotary.Ensure(31, Workers.Shared);
        float[] once = Values(new Random(4), 44), twice = [.. once];
        rotary.Rotate(once, 30);
        rotary.Rotate(twice, 13);
        rotary.Rotate(twice, 17);
        for (int i = 0; i < once.Length; i++)
            Assert.Equal(once[i], twice[i], 1e-5);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(31)]
    [InlineData(100)]
    public void NormsAndSumsAgreeWithDoublePrecision(int length)
    {
        float[] x = Values(new Random(5), length), weight = Values(new Random(6), length), y = new float[length];
        new RmsNorm(weight, 1e-5f).Apply(x, y);
        double scale = 1 / Math.Sqrt(x.Average(v => (double)v * v) + 1e-5);
        for (int i = 0; i < length; i++)
            Assert.Equal(x[i] * scale * weight[i], y[i], 1e-5);
        Assert.Equal(x.Sum(v => (double)v), RowMath.Sum(x), 1e-4);
    }

    private static float[] Values(Random random, int count) =>
        [.. Enumerable.Range(0, count).Select(_ => (float)(2 * random.NextDouble() - 1))];
}
