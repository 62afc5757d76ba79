using Vernier.Inference;
using Vernier.Numerics;
using Vernier.Quantization.Calibration;

namespace Vernier.Tests.Calibration;

/// <summary>The sequences of a calibration: what is taken of a text, and what a model writes itself.</summary>
public class CalibrationSetTests
{
    [Theory]
    [InlineData("")]
    [InlineData("0")]
    [InlineData("3 4")]
    [InlineData("3 3 2 3")]
    public void SequencesOfDifferentLengthsAreRefused(string lengths)
    {
        int[][] sequences = [.. lengths.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(length => new int[int.Parse(length)])];
        ArgumentException error = Assert.Throws<ArgumentException>(() => new CalibrationSet(sequences, "nowhere"));
        Assert.Equal("sequences", error.ParamName);
        Assert.StartsWith("calibration takes at least one sequence of tokens, all of one length", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0, 8, "count")]
    [InlineData(-1, 8, "count")]
    [InlineData(1, 1, "length")]
    [InlineData(1, 0, "length")]
    public void ThereIsAtLeastOneSequenceOfTwoTokens(int count, int length, string parameter)
    {
        Assert.Equal(parameter, Assert.Throws<ArgumentOutOfRangeException>(
            () => CalibrationSet.Cut(new int[100], count, length, null, "text")).ParamName);
        LanguageModel model = Tiny(out TempFolder folder);
        using (folder)
            Assert.Equal(parameter, Assert.Throws<ArgumentOutOfRangeException>(
                () => CalibrationSet.WrittenBy(model, count, length)).ParamName);
    }

    /// <summary>The i-th of n begins at floor(i (T - L) / (n - 1)), and none overlap.</summary>
    [Theory]
    [InlineData(101, 3, 10, null)]
    [InlineData(101, 3, 10, 7)]
    [InlineData(97, 7, 13, null)]
    [InlineData(29, 2, 10, 7)]
    [InlineData(20, 2, 10, null)]
    [InlineData(19, 2, 10, null)]
    [InlineData(9, 5, 10, 7)]
    [InlineData(10, 5, 10, null)]
    public void SequencesBeginAtEvenDistancesAndDoNotOverlap(int tokens, int count, int length, int? begin)
    {
        int[] text = [.. Enumerable.Range(1000, tokens)];
        var set = CalibrationSet.Cut(text, count, length, begin, "a text");
        int taken = begin is null ? length : length - 1, n = Math.Min(count, tokens / taken);
        Assert.Equal(n, set.Sequences.Count);
        Assert.Equal((length, $"{n} sequences of {length} tokens of a text"), (set.Length, set.Origin));
        for (int i = 0; i < n; i++)
        {
            int first = n == 1 ? 0 : i * (tokens - taken) / (n - 1);
            Assert.Equal([.. begin is int token ? (int[])[token] : [], .. text[first..(first + taken)]], set.Sequences[i]);
        }
        int[] all = [.. set.Sequences.SelectMany(sequence => sequence.Where(token => token >= 1000))];
        Assert.Equal(all.Distinct(), all);
    }

    [Fact]
    public void AModelWritesNoMoreThanItsContextAndTheSeedDecides()
    {
        LanguageModel model = Tiny(out TempFolder folder);
        using (folder)
        {
            var set = CalibrationSet.WrittenBy(model, 5, 1000, seed: 9);
            Assert.Equal((5, 64), (set.Sequences.Count, set.Length));
            Assert.Equal("5 sequences of 64 tokens that the model wrote itself, seed 9", set.Origin);
            Assert.All(set.Sequences, sequence => Assert.Equal(model.Config.BeginToken, sequence[0]));
            Assert.All(set.Sequences.SelectMany(sequence => sequence), token => Assert.InRange(token, 0, 47));
            Assert.NotEqual(set.Sequences[0], set.Sequences[1]);
            using var one = new Workers(1);
            Assert.Equal(set.Sequences, CalibrationSet.WrittenBy(model, 5, 64, seed: 9, workers: one).Sequences);
            Assert.NotEqual(set.Sequences, CalibrationSet.WrittenBy(model, 5, 64, seed: 10).Sequences);
        }
    }

    [Fact]
    public void WritingCanBeCancelled()
    {
        LanguageModel model = Tiny(out TempFolder folder);
        using (folder)
            Assert.Throws<OperationCanceledException>(
                () => CalibrationSet.WrittenBy(model, 2, 16, cancellation: new CancellationToken(canceled: true)));
    }

    /// <summary>Without a token that begins texts it is the first of those that end them, and without these token 0.</summary>
    [Theory]
    [InlineData(null, 5, 5)]
    [InlineData(7, 5, 7)]
    [InlineData(null, null, 0)]
    public void TheFirstTokenIsOneThatStandsBetweenTexts(int? begin, int? end, int first)
    {
        using var folder = new TempFolder();
        TinyModel.Write(folder["in"], TinyLlama.Spec with { Extra = new()
        {
            ["max_position_embeddings"] = 64, ["bos_token_id"] = begin, ["eos_token_id"] = end,
        } });
        var set = CalibrationSet.WrittenBy(LanguageModel.Load(folder["in"]), 3, 8);
        Assert.All(set.Sequences, sequence => Assert.Equal(first, sequence[0]));
    }

    private static LanguageModel Tiny(out TempFolder folder)
    {
        folder = new TempFolder();
        TinyLlama.Write(folder["in"]);
        return LanguageModel.Load(folder["in"]);
    }
}
