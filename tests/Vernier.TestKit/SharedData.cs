namespace Vernier.TestKit;

/// <summary>Where the tests find the repository's sample and, if present, the shared test data beside the checkout.</summary>
public static class SharedData
{
    /// <summary>The root of the repository: the nearest folder above the test binaries that holds the solution.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>The sample language model.</summary>
    public static string Quill { get; } = Path.Combine(Root, "samples", "quill-6m");

    /// <summary>
    /// The path of a shared data file, such as <c>data/text/wikitext2-test.txt</c>. Skips the calling test, saying so, where
    /// the file is absent. The folder is <c>../shared</c> beside the checkout, or what VERNIER_SHARED names.
    /// </summary>
    public static string Require(string relative)
    {
        string folder = Environment.GetEnvironmentVariable("VERNIER_SHARED") ?? Path.Combine(Root, "..", "shared");
        string path = Path.GetFullPath(Path.Combine(folder, relative));
        Assert.SkipUnless(File.Exists(path), $"the shared test data {relative} is not on this machine");
        return path;
    }

    private static string FindRoot()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "Vernier.slnx")))
                return folder.FullName;
        }
        throw new InvalidOperationException("the tests do not lie inside the repository");
    }
}
