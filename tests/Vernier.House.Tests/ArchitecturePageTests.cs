using System.Text.RegularExpressions;

namespace Vernier.Tests;

/// <summary>The page about the house names files and folders that there are.</summary>
public partial class ArchitecturePageTests
{
    [Fact]
    public void ItsPathsExist()
    {
        string page = File.ReadAllText(Path.Combine(SharedData.Root, "docs", "architecture.md"));
        string[] paths = [.. Paths().Matches(page).Select(match => match.Value.TrimEnd('.', '/')).Distinct()];
        Assert.True(paths.Length >= 20, $"the page names {paths.Length} paths");
        Assert.DoesNotContain(paths, path => !Path.Exists(Path.Combine(SharedData.Root, path)));
    }

    [GeneratedRegex(@"\b(src|tests|bench|docs|samples)/[\w./-]+", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Paths();
}
