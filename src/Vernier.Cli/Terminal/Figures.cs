using Vernier.Quantization.Evaluation;

namespace Vernier.Cli.Terminal;

/// <summary>How figures are written for people.</summary>
internal static class Figures
{
    private static readonly string[] s_units = ["bytes", "kB", "MB", "GB", "TB"];

    /// <summary>A size with three significant digits and decimal units, such as 11.5 MB.</summary>
    public static string Size(long bytes)
    {
        int unit = 0;
        double size = bytes;
        for (; size >= 999.5 && unit < s_units.Length - 1; unit++)
            size /= 1000;
        string format = unit == 0 || size >= 99.95 ? "0" : size >= 9.995 ? "0.0" : "0.00";
        return $"{size.ToString(format)} {s_units[unit]}";
    }

    /// <summary>A whole number with separators.</summary>
    public static string Whole(long number) => number.ToString("N0");

    /// <summary>A part of a whole as a percentage.</summary>
    public static string Percent(double part) => $"{100 * part:0.0} %";

    /// <summary>A span of time.</summary>
    public static string Seconds(double seconds) => $"{seconds:0.0} s";

    /// <summary>An estimated span of time, in the unit that fits.</summary>
    public static string Duration(double seconds) => seconds switch
    {
        < 90 => $"{Math.Max(1, seconds):0} s",
        < 5400 => $"{seconds / 60:0} min",
        _ => $"{seconds / 3600:0.0} h",
    };

    /// <summary>Four significant digits.</summary>
    public static string Short(double number) => number.ToString("G4");

    /// <summary>A mean with its standard error, with as many decimals as the error has two digits for; without it where it isn't
    /// known.</summary>
    /// <param name="estimate">The estimate.</param>
    /// <param name="factor">What both are multiplied with, such as 100 for a percentage.</param>
    public static string Of(Estimate estimate, double factor = 1)
    {
        double mean = factor * estimate.Mean, error = factor * estimate.StandardError;
        if (!double.IsFinite(error))
            return Short(mean);
        int decimals = error > 0 ? Math.Clamp(1 - (int)Math.Floor(Math.Log10(error)), 0, 8) : 2;
        string format = "F" + decimals;
        return $"{mean.ToString(format)} ± {error.ToString(format)}";
    }
}
