using Vernier.Inference.Sampling;

namespace Vernier.Tests;

public class SamplerTests
{
    [Fact]
    public void TheRandomNumbersAreThePublishedOnes()
    {
        var random = new Xoshiro256(1, 2, 3, 4);
        ulong[] expected = [11520, 0, 1509978240, 1215971899390074240, 1216172134540287360, 607988272756665600];
        Assert.Equal(expected, expected.Select(_ => random.Next()));
        ulong state = 1234567;
        ulong[] seeds = [6457827717110365317, 3203168211198807973, 9817491932198370423];
        Assert.Equal(seeds, seeds.Select(_ => Xoshiro256.SplitMix(ref state)));
    }

    [Fact]
    public void GreedyTakesTheLowestOfTheBest()
    {
        var sampler = new Sampler(SamplingOptions.Greedy);
        Assert.Equal(2, sampler.Next([1, 3, 7, 7, float.NegativeInfinity]));
        Assert.Equal(0, sampler.Next([-5]));
    }

    [Fact]
    public void BrokenLogitsAreRefused()
    {
        foreach (SamplingOptions options in new[] { SamplingOptions.Greedy, new SamplingOptions() })
        {
            var sampler = new Sampler(options);
            Assert.Contains("token 1 is NaN", Assert.Throws<ArgumentException>(() => sampler.Next([0, float.NaN])).Message,
                StringComparison.Ordinal);
            Refusal.Of<ArgumentException>("the logit of token 1 is Infinity", () => sampler.Next([0, float.PositiveInfinity]));
            Refusal.Of<ArgumentException>("every token is ruled out", () => sampler.Next([float.NegativeInfinity, float.NegativeInfinity]));
            Refusal.Of<ArgumentException>("every token is ruled out", () => sampler.Next([]));
        }
    }

    [Theory]
    [InlineData(-0.1, 0, 1, 0, nameof(SamplingOptions.Temperature))]
    [InlineData(double.NaN, 0, 1, 0, nameof(SamplingOptions.Temperature))]
    [InlineData(double.PositiveInfinity, 0, 1, 0, nameof(SamplingOptions.Temperature))]
    [InlineData(1, -1, 1, 0, nameof(SamplingOptions.TopK))]
    [InlineData(1, 0, 0, 0, nameof(SamplingOptions.TopP))]
    [InlineData(1, 0, 1.1, 0, nameof(SamplingOptions.TopP))]
    [InlineData(1, 0, 1, -0.1, nameof(SamplingOptions.MinP))]
    [InlineData(1, 0, 1, 1.1, nameof(SamplingOptions.MinP))]
    public void OptionsOutsideTheirRangeAreRefused(double temperature, int topK, double topP, double minP, string what)
    {
        var options = new SamplingOptions { Temperature = temperature, TopK = topK, TopP = topP, MinP = minP };
        Refusal.Of<ArgumentOutOfRangeException>(what, () => new Sampler(options));
    }

    /// <summary>What the filters leave, against sorting everything and applying them one after the other.</summary>
    [Fact]
    public void FiltersKeepWhatTheyPromise()
    {
        var random = new Random(3);
        for (int trial = 0; trial < 400; trial++)
        {
            float[] logits = [.. Enumerable.Range(0, 1 + random.Next(60))
                .Select(_ => random.Next(4) == 0 ? 1.5f : (float)(random.NextDouble() * 12 - 6))];
            var options = new SamplingOptions
            {
                Temperature = 0.2 + random.NextDouble() * 2,
                TopK = random.Next(3) == 0 ? 0 : random.Next(1, 70),
                TopP = random.Next(3) == 0 ? 1 : 0.001 + 0.998 * random.NextDouble(),
                MinP = random.Next(3) == 0 ? 0 : random.NextDouble(),
            };
            int[] kept = [.. new Sampler(options).Keep(logits, logits.Max()).ToArray().Select(candidate => candidate.Token).Order()];
            Assert.Equal(Expected(logits, options), kept);
        }
    }

    [Fact]
    public void ExtremeOptionsKeepTheBest()
    {
        float[] logits = [0, 3, 1, 3];
        Assert.All(Draw(logits, new SamplingOptions { TopK = 1 }, 50), token => Assert.Equal(1, token));
        Assert.All(Draw(logits, new SamplingOptions { TopP = 1e-9 }, 50), token => Assert.Equal(1, token));
        Assert.Equal([1, 3], Draw(logits, new SamplingOptions { MinP = 1 }, 50).Distinct().Order());
        Assert.All(Draw(logits[..3], new SamplingOptions { Temperature = 1e-30 }, 50), token => Assert.Equal(1, token));
        Assert.All(Draw([float.NegativeInfinity, 0, float.NegativeInfinity], new SamplingOptions { TopK = 2 }, 50), token =>
            Assert.Equal(1, token));
    }

    [Fact]
    public void TheSameSeedDrawsTheSame()
    {
        float[] logits = [.. Enumerable.Range(0, 50).Select(i => MathF.Sin(i))];
        var options = new SamplingOptions { Seed = 7, TopP = 0.9 };
        int[] first = Draw(logits, options, 200);
        Assert.Equal(first, Draw(logits, options, 200));
        Assert.NotEqual(first, Draw(logits, options, 200, stream: 1));
        Assert.NotEqual(first, Draw(logits, options with { Seed = 8 }, 200));
    }

    /// <summary>Pearson's chi-square with 9 degrees of freedom stays below 27.88 with probability 0.999.</summary>
    [Theory]
    [InlineData(1.0)]
    [InlineData(0.5)]
    [InlineData(2.0)]
    public void TokensComeAsOftenAsTheirProbability(double temperature)
    {
        float[] logits = [0, 1, 2, -1, 0.5f, 1.5f, -0.5f, 0.25f, 2.25f, 0.75f];
        const int Draws = 20000;
        double[] weights = [.. logits.Select(logit => Math.Exp(logit / temperature))];
        int[] counts = new int[logits.Length];
        foreach (int token in Draw(logits, new SamplingOptions { Temperature = temperature, Seed = 5 }, Draws))
            counts[token]++;
        double chiSquare = counts.Select((count, i) =>
        {
            double expected = Draws * weights[i] / weights.Sum();
            return (count - expected) * (count - expected) / expected;
        }).Sum();
        Assert.InRange(chiSquare, 0, 27.88);
    }

    private static int[] Draw(float[] logits, SamplingOptions options, int count, int stream = 0)
    {
        var sampler = new Sampler(options, stream);
        return [.. Enumerable.Range(0, count).Select(_ => sampler.Next(logits))];
    }

    private static int[] Expected(float[] logits, SamplingOptions options)
    {
        (int Token, double Weight)[] left =
            [.. logits.Select((logit, token) => (Token: token, Weight: Math.Exp((logit - logits.Max()) / options.Temperature)))
            .OrderByDescending(x => x.Weight).ThenBy(x => x.Token)];
        if (options.TopK > 0)
            left = [.. left.Take(options.TopK)];
        if (options.TopP < 1)
        {
            double total = left.Sum(x => x.Weight), mass = 0;
            left = [.. left.TakeWhile(x => (mass += x.Weight) - x.Weight < options.TopP * total)];
        }
        return [.. left.Where(x => x.Weight >= options.MinP * left[0].Weight).Select(x => x.Token).Order()];
    }
}
