using System.IO.Compression;
using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace Vernier.Tests;

/// <summary>The packages of the libraries: what is in them, and that a program of nothing else runs with them.</summary>
public sealed partial class PackageTests(PackageFeed feed) : IClassFixture<PackageFeed>
{
    [Theory]
    [InlineData("Vernier.Core", "System.Numerics.Tensors")]
    [InlineData("Vernier.Inference", "Vernier.Core")]
    [InlineData("Vernier.Quantization", "Vernier.Inference")]
    public void APackageHasWhatItsReadersNeed(string name, string dependency)
    {
        using ZipArchive package = feed.Open(name, "nupkg"), symbols = feed.Open(name, "snupkg");
        string[] files = [.. package.Entries.Select(entry => entry.FullName)];
        Assert.Contains("README.md", files);
        Assert.Contains($"lib/net10.0/{name}.dll", files);
        Assert.Contains($"lib/net10.0/{name}.xml", files);
        Assert.Contains(symbols.Entries, entry => entry.FullName == $"lib/net10.0/{name}.pdb");
        using Stream stream = package.GetEntry(name + ".nuspec")!.Open();
        XElement metadata = XDocument.Load(stream).Root!.Elements().Single();
        XNamespace space = metadata.Name.Namespace;
        Assert.Equal("MIT", metadata.Element(space + "license")?.Value);
        Assert.Equal("README.md", metadata.Element(space + "readme")?.Value);
        string[] dependencies = [.. metadata.Descendants(space + "dependency").Select(x => x.Attribute("id")!.Value)];
        Assert.Equal([dependency], dependencies);
    }

    [Fact]
    public async Task AFreshProjectRunsTheExampleOfTheReadme()
    {
        using var folder = new TempFolder();
        await File.WriteAllTextAsync(folder["nuget.config"], feed.Configuration);
        await File.WriteAllTextAsync(folder["Example.csproj"], $"""
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup>
                <OutputType>Exe</OutputType>
                <TargetFramework>net10.0</TargetFramework>
                <ImplicitUsings>enable</ImplicitUsings>
                <RestorePackagesPath>packages</RestorePackagesPath>
              </PropertyGroup>
              <ItemGroup>
                <PackageReference Include="Vernier.Quantization" Version="{feed.Version}" />
              </ItemGroup>
            </Project>
            """);
        string program = Example().Match(await File.ReadAllTextAsync(Path.Combine(SharedData.Root, "README.md"))).Groups["code"].Value;
        await File.WriteAllTextAsync(folder["Program.cs"], program.Replace("samples/quill-6m", SharedData.Quill, StringComparison.Ordinal));
        string output = await PackageFeed.Dotnet(folder.Path, "run", "-c", "Release");
        Assert.Matches(@"\d+ bytes become \d+, \d\.\d\d bits per weight\s+KL divergence 0\.0\d\d\d", output);
        Assert.True(File.Exists(folder["out/quill-4bit/model.safetensors"]));
    }

    [GeneratedRegex("```csharp\n(?<code>.*?)```", RegexOptions.Singleline | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Example();
}
