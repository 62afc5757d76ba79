using System.Globalization;
using System.Text.RegularExpressions;

namespace Vernier.Levels;

/// <summary>Which codes of a minifloat stand for no number.</summary>
public enum ReservedCodes
{
    /// <summary>None: every code is finite.</summary>
    None,

    /// <summary>The code of largest magnitude of each sign is NaN: OCP FP8 E4M3, whose largest number is 448.</summary>
    LastCode,

    /// <summary>The largest exponent stands for infinities and NaNs, as in IEEE 754: OCP FP8 E5M2, whose largest number is 57344.</summary>
    LastExponent,
}

/// <summary>
/// A float of 1 + E + M bits: sign, exponent, mantissa. In units of its smallest positive number the magnitudes are m for the exponent 0
/// (subnormal) and
/// (2^M + m) 2^(e - 1) for e = 1 .. 2^E - 1, m = 0 .. 2^M - 1. The bias of the exponent is the scale: multiplying by 2^-bias and by any
/// other factor is the same.
/// </summary>
/// <param name="ExponentBits">E, 1 to 7. With E = 0 there would be no exponent: that is the uniform grid.</param>
/// <param name="MantissaBits">M, 0 to 6.</param>
/// <param name="Reserved">Which codes stand for no number.</param>
public readonly partial record struct MinifloatFormat(int ExponentBits, int MantissaBits, ReservedCodes Reserved = ReservedCodes.None)
{
    private const string OcpPrefix = "ocp-";

    /// <summary>The bits of a code, 1 + E + M.</summary>
    public int Bits => 1 + ExponentBits + MantissaBits;

    /// <summary>
    /// The formats of so many bits whose codes are all finite, one for each E of a list that leaves room for the sign: E from 1 to bits -
    /// 1.
    /// </summary>
    /// <param name="bits">2 to 8.</param>
    /// <param name="exponentBits">The E to take; none of them below 1.</param>
    public static IReadOnlyList<MinifloatFormat> Splits(int bits, IEnumerable<int> exponentBits) =>
        [.. exponentBits.Where(e => e < bits).Select(e => new MinifloatFormat(e, bits - 1 - e))];

    /// <summary>Reads a name: "e2m1" with all codes finite, or "ocp-e4m3" and "ocp-e5m2", which reserve codes for NaN and
    /// infinity.</summary>
    /// <param name="name">The name.</param>
    /// <param name="format">The format.</param>
    /// <returns>Whether it is the name of a format of 2 to 8 bits.</returns>
    public static bool TryParse(string name, out MinifloatFormat format)
    {
        ArgumentNullException.ThrowIfNull(name);
        bool ocp = name.StartsWith(OcpPrefix, StringComparison.Ordinal);
        Match match = Name().Match(ocp ? name[OcpPrefix.Length..] : name);
        format = default;
        if (!match.Success)
            return false;
        format = new MinifloatFormat(Number(match.Groups["exponent"]), Number(match.Groups["mantissa"]));
        if (!ocp)
            return format.ExponentBits >= 1 && format.Bits is >= 2 and <= 8;
        format = format with { Reserved = format.ExponentBits == 4 ? ReservedCodes.LastCode : ReservedCodes.LastExponent };
        return format is { ExponentBits: 4, MantissaBits: 3 } or { ExponentBits: 5, MantissaBits: 2 };

        static int Number(Group group) => int.Parse(group.ValueSpan, NumberStyles.None, CultureInfo.InvariantCulture);
    }

    /// <summary>The magnitudes in units of the smallest positive one, 0 included, ascending: whole numbers.</summary>
    public double[] Magnitudes()
    {
        int perExponent = 1 << MantissaBits, exponents = 1 << ExponentBits;
        var magnitudes = new List<double>();
        for (int e = 0; e < exponents - (Reserved == ReservedCodes.LastExponent ? 1 : 0); e++)
        {
            for (int m = 0; m < perExponent; m++)
                magnitudes.Add(e == 0 ? m : Math.ScaleB(perExponent + m, e - 1));
        }
        if (Reserved == ReservedCodes.LastCode)
            magnitudes.RemoveAt(magnitudes.Count - 1);
        return [.. magnitudes];
    }

    /// <summary>The largest magnitude in units of the smallest positive one.</summary>
    public double Largest => Magnitudes()[^1];

    /// <inheritdoc/>
    public override string ToString() => $"{(Reserved == ReservedCodes.None ? "" : OcpPrefix)}e{ExponentBits}m{MantissaBits}";

    [GeneratedRegex("^e(?<exponent>[0-7])m(?<mantissa>[0-7])\\z", RegexOptions.ExplicitCapture | RegexOptions.NonBacktracking)]
    private static partial Regex Name();
}
