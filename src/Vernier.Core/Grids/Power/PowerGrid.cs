using Vernier.Grids.Uniform;
using Vernier.Levels;

namespace Vernier.Grids.Power;

/// <summary>
/// The power grid of PowerQuant and NUPES: level(j) = sign(j) (|j| / N)^(1/a) for the indices j of the layout, N the largest index, in
/// fixed point. An exponent below 1 puts the levels closer together around zero; a = 1 is the uniform grid, bit for bit.
/// <para>E. Yvinec, A. Dapogny, M. Cord, K. Bailly: PowerQuant: automorphism search for non-uniform quantization, 2023;
/// NUPES: non-uniform post-training quantization via power exponent search, 2023. The layouts other than the symmetric one are ours.
/// With an offset d the indices are j + d.</para>
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
    /// <param name="layout">Any but the asymmetric one.</param>
    /// <param name="exponent">a, from <see cref="MinExponent"/> to <see cref="MaxExponent"/>.</param>
    /// <param name="offset">d, from 0 to 1/2, of the offset layout; otherwise 0.</param>
    /// <param name="rule">True nearest level, or the papers' rounding in the power domain.</param>
    /// <exception cref="ArgumentException">The layout is asymmetric, or has no offset and one is given.</exception>
    public static LevelTable Create(int bits, LevelLayout layout, double exponent, double offset = 0,
        RoundingRule rule = RoundingRule.Nearest)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(exponent, MinExponent);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(exponent, MaxExponent);
        ArgumentOutOfRangeException.ThrowIfLessThan(offset, 0);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(offset, 0.5);
        if (layout == LevelLayout.Asymmetric || (offset != 0 && layout != LevelLayout.Offset))
            throw new ArgumentException("a power grid is centred on zero, and only the offset layout has an offset", nameof(layout));
        if (layout == LevelLayout.Offset && offset is 0 or 0.5)
            return Create(bits, offset == 0 ? LevelLayout.Full : LevelLayout.MidRise, exponent, 0, rule);
        LevelTable uniform = UniformGrid.Create(bits, layout == LevelLayout.Offset ? LevelLayout.Full : layout);
        if (exponent == 1 && layout != LevelLayout.Offset)
            return uniform;
        double[] indices = Array.ConvertAll(uniform.Levels.ToArray(), level => level + offset);
        double largest = Math.Max(-indices[0], indices[^1]);
        int one = FixedPointOne(bits);
        var levels = new short[indices.Length];
        for (int i = 0; i < levels.Length; i++)
            levels[i] = (short)Math.Round(one * Decode(indices[i] / largest, exponent));
        var thresholds = new double[levels.Length - 1];
        for (int i = 0; i < thresholds.Length; i++)
        {
            thresholds[i] = (levels[i] + levels[i + 1]) / 2.0;
            // The exact threshold of the papers may lie beyond a level that was rounded to an integer; a level must keep its own code.
            if (rule == RoundingRule.PowerDomain && levels[i] < levels[i + 1])
                thresholds[i] = Math.Clamp(one * Decode((indices[i] + indices[i + 1]) / (2 * largest), exponent), levels[i] + 0.25,
                    levels[i + 1] - 0.25);
        }
        return new LevelTable(bits, levels, 1f / (one + 1), exponent, layout == LevelLayout.MidRise ? 0.5 : offset, thresholds);
    }

    /// <summary>sign(u) |u|^(1/a): from the power domain to the value, both in -1 .. 1.</summary>
    public static double Decode(double u, double exponent) => Math.CopySign(Math.Pow(Math.Abs(u), 1 / exponent), u);

    /// <summary>sign(w) |w|^a: from the value to the power domain, both in -1 .. 1.</summary>
    public static double Encode(double w, double exponent) => Math.CopySign(Math.Pow(Math.Abs(w), exponent), w);
}
