using System.Globalization;

namespace Vernier.Bench.Pipeline;

/// <summary>Options of the form --name value.</summary>
internal sealed class Options(string[] arguments)
{
    /// <summary>A text, or its default.</summary>
    public string Text(string name, string fallback) =>
        Array.IndexOf(arguments, "--" + name) is int i and > 0 && i + 1 < arguments.Length ? arguments[i + 1] : fallback;

    /// <summary>A whole number, or its default.</summary>
    public int Number(string name, int fallback) =>
        int.Parse(Text(name, fallback.ToString(CultureInfo.InvariantCulture)), CultureInfo.InvariantCulture);
}
