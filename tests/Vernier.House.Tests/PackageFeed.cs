using System.Diagnostics;
using System.IO.Compression;

namespace Vernier.Tests;

/// <summary>A folder of packages, made of the libraries as they were built for this run.</summary>
public sealed class PackageFeed : IAsyncLifetime
{
    private static readonly string[] s_projects = ["Vernier.Core", "Vernier.Inference", "Vernier.Quantization"];

    private readonly TempFolder _folder = new();

    /// <summary>The version of the packages.</summary>
    public string Version =>
        Path.GetFileNameWithoutExtension(Directory.GetFiles(_folder.Path, "Vernier.Core.*.nupkg").Single())["Vernier.Core.".Length..];

    /// <summary>A nuget.config with this feed alone: all else comes from what this machine has already.</summary>
    public string Configuration => $"""
        <configuration>
          <packageSources><clear /><add key="built" value="{_folder.Path}" /></packageSources>
          <fallbackPackageFolders><clear /><add key="present" value="{Present}" /></fallbackPackageFolders>
        </configuration>
        """;

    // The folder that the packages of this repository were restored to.
    private static string Present => Environment.GetEnvironmentVariable("NUGET_PACKAGES")
        ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");

    /// <summary>Opens a package.</summary>
    public ZipArchive Open(string name, string extension) => ZipFile.OpenRead(_folder[$"{name}.{Version}.{extension}"]);

    /// <summary>Runs the .NET command line and returns what it printed; it has to succeed.</summary>
    public static async Task<string> Dotnet(string folder, params string[] arguments)
    {
        var start = new ProcessStartInfo(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet", arguments)
        {
            WorkingDirectory = folder, RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false,
        };
        // What the build that started this process told its own children.
        foreach (string name in start.Environment.Keys.Where(name => name.StartsWith("MSBUILD", StringComparison.OrdinalIgnoreCase))
            .ToArray())
            start.Environment.Remove(name);
        start.Environment["MSBUILDDISABLENODEREUSE"] = "1";
        using Process process = Process.Start(start)!;
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, $"dotnet {string.Join(' ', arguments)}\n{output}\n{await errors}");
        return output;
    }

    /// <inheritdoc/>
    public async ValueTask InitializeAsync()
    {
        string configuration = AppContext.BaseDirectory.Contains($"{Path.DirectorySeparatorChar}Release{Path.DirectorySeparatorChar}")
            ? "Release" : "Debug";
        foreach (string project in s_projects)
        {
            string path = Path.Combine(SharedData.Root, "src", project);
            await Dotnet(path, "pack", "--no-build", "--no-restore", "-c", configuration, "-o", _folder.Path, "-v", "q", "--nologo");
        }
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        _folder.Dispose();
        return default;
    }
}
