using Vernier.Grids;
using Vernier.Grids.Specs;
using Vernier.Levels;

namespace Vernier.Tests.Logarithmic;

/// <summary>
/// A grid that src/ does not have: zero and powers of two, 2^(b-1) of them negative and one less positive, so that a product is a shift
/// (Miyashita, Lee, Murmann: Convolutional neural networks using logarithmic data representation, 2016).
/// </summary>
public sealed record LogarithmicGridSpec : ScalarGridSpec
{
    public LogarithmicGridSpec()
        : base(LevelLayout.Full)
    {
    }

    /// <summary>The ratio of neighbouring levels as a power of two, 1 or 2. Default 1.</summary>
    public int Step { get; init; } = 1;

    public override int MostBits => 4;

    public override string? Problem => Step is < 1 or > 2 ? "neighbouring levels differ by a factor of 2 or 4"
        : OtherThan(LevelLayout.Full, "a logarithmic grid has the full layout") ?? base.Problem;

    // With factors of four the levels of four bits would take 16 of their own.
    public override string? ProblemWithBits(int bits) => Step == 2 && bits == 4 ? "has four bits only with factors of 2" : null;

    public override IReadOnlyList<LevelTable> Candidates(int bits, RoundingRule rounding)
    {
        int half = 1 << (bits - 1);
        IEnumerable<int> negative = Enumerable.Range(0, half).Reverse().Select(k => -(1 << (k * Step)));
        IEnumerable<int> positive = Enumerable.Range(0, half - 1).Select(k => 1 << (k * Step));
        short[] levels = [.. negative.Append(0).Concat(positive).Select(level => (short)level)];
        return [new LevelTable(bits, levels, MathF.ScaleB(1, -(half - 1) * Step), exponent: 1)];
    }

    protected override bool HasWideLevels(int bits) => false;
}
