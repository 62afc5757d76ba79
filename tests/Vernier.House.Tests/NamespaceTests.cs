namespace Vernier.Tests;

/// <summary>The namespace of a source file follows from its folder.</summary>
public class NamespaceTests
{
    [Fact]
    public void NamespacesFollowFolders()
    {
        string[] faults =
        [
            .. SourceFile.Below("src").Where(file => file.Namespace is not null && file.Namespace != Expected(file.Folder))
                .Select(file => $"{file.Path}: {file.Namespace}, not {Expected(file.Folder)}"),
        ];
        Assert.True(faults.Length == 0, string.Join('\n', faults));
    }

    [Theory]
    [InlineData("src/Vernier.Core", "Vernier")]
    [InlineData("src/Vernier.Core/Grids/Power", "Vernier.Grids.Power")]
    [InlineData("src/Vernier.Quantization/Solvers", "Vernier.Quantization.Solvers")]
    public void CoreIsTheRoot(string folder, string expected) => Assert.Equal(expected, Expected(folder));

    private static string Expected(string folder)
    {
        string[] parts = folder.Split('/')[1..];
        return string.Join('.', parts[0] == "Vernier.Core" ? ["Vernier", .. parts[1..]] : parts);
    }
}
