using Vernier.Grids.Power;
using Vernier.Levels;

namespace Vernier.Grids.NormalFloat;

/// <summary>
/// The normal-float grid: quantiles of the normal distribution, so that about as many weights of that distribution get each code. With
/// d = (1 / 2^(b+1) + 1 / (2^(b+1) - 2)) / 2 the 2^(b-1) positive levels are evenly spaced quantiles from 1/2 to 1 - d, the 2^(b-1) - 1
/// negative ones those of
/// a spacing that is wider by one, both divided by the largest; zero is exact. Levels are rounded to 8 bits up to six bits of code, to 16
/// above.
/// <para>T. Dettmers, A. Pagnoni, A. Holtzman, L. Zettlemoyer: QLoRA: efficient finetuning of quantized LLMs, 2023, for 4 bits; the rule
/// for other numbers of
/// bits and the rounding of levels are ours.</para>
/// </summary>
public static class NormalFloatGrid
{
    /// <summary>Builds the table.</summary>
    /// <param name="bits">2 to 8.</param>
    public static LevelTable Create(int bits)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(bits, 2);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(bits, 8);
        double codes = 1 << bits, outermost = 1 - (1 / (2 * codes) + 1 / (2 * (codes - 1))) / 2, largest = Quantile(outermost);
        int half = 1 << (bits - 1), one = PowerGrid.FixedPointOne(bits);
        short[] levels = [.. Enumerable.Range(1 - half, 2 * half).Select(j => (short)Math.Round(one * Level(j)))];
        return new LevelTable(bits, levels, 1f / (one + 1), exponent: 1);

        double Level(int j) => Math.Sign(j) * Quantile(0.5 + (outermost - 0.5) * Math.Abs(j) / (j < 0 ? half - 1 : half)) / largest;
    }

    /// <summary>The x of which P(N(0, 1) below x) = p, for p from 1/2 to 0.9999.</summary>
    internal static double Quantile(double p)
    {
        double low = 0, high = 4;
        for (int i = 0; i < 60; i++)
        {
            double middle = (low + high) / 2;
            if (Probability(middle) < p)
                low = middle;
            else
                high = middle;
        }
        return (low + high) / 2;
    }

    // 1/2 + density(x) (x + x^3 / 3 + x^5 / (3 5) + ...).
    private static double Probability(double x)
    {
        double sum = 0, term = x;
        for (int n = 1; term > 1e-18; n += 2)
        {
            sum += term;
            term *= x * x / (n + 2);
        }
        return 0.5 + sum * Math.Exp(-x * x / 2) / Math.Sqrt(2 * Math.PI);
    }
}
