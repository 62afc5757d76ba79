using Vernier.Grids.Uniform;

namespace Vernier.Grids.Power;

/// <summary>
/// The power grid of PowerQuant and NUPES: level(j) = sign(j) (|j| / N)^(1/a) for the indices j of the layout, N the largest index, in
/// fixed point. An exponent below 1 puts the levels closer together around zero; a = 1 is the uniform grid, bit for bit.
/// <para>E. Yvinec, A. Dapogny, M. Cord, K. Bailly: PowerQuant: automorphism search for non-uniform quantization, 2023;
/// NUPES: non-uniform post-training quantization via power exponent search, 2023. The layouts other than the symmetric one are ours.</para>
/// </summary>
public static class PowerGrid
{
    /// <summary>The smallest exponent.</summary>
    public const double MinExponent = 0.2;

    /// <summary>The largest exponent.</summary>
    public const double MaxExponent = 1.2;

    /// <summary>
    /// The integer that stands for |level| = 1: 127 up to six bits, so that a level fits in 8 bits; above, 32767.
    /// </summary>
    /// <param name="bits">2 to 8.</param>
    public static int FixedPointOne(int bits) => bits <= 6 ? 127 : 32767;

    /// <summary>Builds the table.</summary>
    /// <param name="bits">2 to 8.</param>
    /// <param name="layout">Symmetric (the papers'), full or mid-rise.</param>
    /// <param name="exponent">a, from <see cref="MinExponent"/> to <see cref="MaxExponent"/>.</param>
    /// <param name="rule">True nearest level, or the papers' rounding in the power domain.</param>
    /// <exception cref="ArgumentException">The layout is asymmetric.</exception>
    public static LevelTable Create(int bits, LevelLayout layout, double exponent, RoundingRule rule = RoundingRule.Nearest)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(exponent, MinExponent);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(exponent, MaxExponent);
        if (layout == LevelLayout.Asymmetric)
            throw new ArgumentException("a power grid is centred on zero", nameof(layout));
        LevelTable uniform = UniformGrid.Create(bits, layout);
        if (exponent == 1)
            return uniform;
        ReadOnlySpan<short> indices = uniform.Levels;
        double largest = Math.Max(-indices[0], (int)indices[^1]);
        int one = FixedPointOne(bits);
        var levels = new short[indices.Length];
        for (int i = 0; i < levels.Length; i++)
            levels[i] = (short)Math.Round(one * Decode(indices[i] / largest, exponent));
        var thresholds = new double[levels.Length - 1];
        for (int i = 0; i < thresholds.Length; i++)
        {
            thresholds[i] = rule == RoundingRule.Nearest
                ? (levels[i] + levels[i + 1]) / 2.0
                : one * Decode((indices[i] + indices[i + 1]) / (2 * largest), exponent);
        }
        return new LevelTable(bits, levels, 1f / (one + 1), exponent, thresholds);
    }

    /// <summary>sign(u) |u|^(1/a): from the power domain to the value, both in -1 .. 1.</summary>
    public static double Decode(double u, double exponent) => Math.CopySign(Math.Pow(Math.Abs(u), 1 / exponent), u);

    /// <summary>sign(w) |w|^a: from the value to the power domain, both in -1 .. 1.</summary>
    public static double Encode(double w, double exponent) => Math.CopySign(Math.Pow(Math.Abs(w), exponent), w);
}
