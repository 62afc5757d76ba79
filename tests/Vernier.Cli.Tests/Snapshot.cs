using System.Text.RegularExpressions;

namespace Vernier.Tests;

/// <summary>
/// Compares what was printed with a file of the folder Snapshots. With VERNIER_ACCEPT_SNAPSHOTS=1 the files are written instead; the
/// difference is then reviewed like any other change.
/// </summary>
internal static partial class Snapshot
{
    private static readonly string s_folder = Path.Combine(SharedData.Root, "tests", "Vernier.Cli.Tests", "Snapshots");

    /// <summary>Compares a text after masking what differs from run to run.</summary>
    public static void Matches(string name, string text, params (string From, string To)[] masks)
    {
        foreach ((string from, string to) in masks)
            text = text.Replace(from, to, StringComparison.Ordinal);
        text = Mask(text.Replace("\r\n", "\n", StringComparison.Ordinal));
        string path = Path.Combine(s_folder, name + ".txt");
        if (Environment.GetEnvironmentVariable("VERNIER_ACCEPT_SNAPSHOTS") == "1")
            File.WriteAllText(path, text);
        Assert.Equal(File.ReadAllText(path).Replace("\r\n", "\n", StringComparison.Ordinal), text);
    }

    /// <summary>Masks times, speeds, memory and free space; takes out progress and blanks at the ends of lines.</summary>
    private static string Mask(string text)
    {
        text = Seconds().Replace(text, "# s");
        text = Estimates().Replace(text, "#");
        text = Speed().Replace(text, "# tokens/s");
        text = Memory().Replace(text, "#");
        text = Free().Replace(text, "the disk has # free");
        text = Progress().Replace(text, "");
        return Blanks().Replace(text, "");
    }

    [GeneratedRegex(@"\b\d+\.\d s\b", RegexOptions.None, 1000)]
    private static partial Regex Seconds();

    [GeneratedRegex(@"(?<=about |time) *[\d.]+ (s|min|h)\b", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Estimates();

    [GeneratedRegex(@"\b[\d.]+ tokens/s", RegexOptions.None, 1000)]
    private static partial Regex Speed();

    [GeneratedRegex(@"(?<=peak memory )[\d.]+ [kMG]B", RegexOptions.None, 1000)]
    private static partial Regex Memory();

    [GeneratedRegex(@"the disk has .* free", RegexOptions.None, 1000)]
    private static partial Regex Free();

    [GeneratedRegex(@"^.*: \d0 %\n", RegexOptions.Multiline | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Progress();

    [GeneratedRegex(@" +$", RegexOptions.Multiline | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Blanks();
}
