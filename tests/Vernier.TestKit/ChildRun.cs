using System.Diagnostics;
using System.Globalization;
using System.Reflection;
using System.Text.RegularExpressions;

namespace Vernier.TestKit;

/// <summary>Runs tests of an assembly in a process of their own, with an environment of its own.</summary>
/// <param name="ExitCode">0 where every test passed.</param>
/// <param name="Tests">How many tests ran, those that were skipped included.</param>
/// <param name="Output">What the process printed.</param>
public sealed partial record ChildRun(int ExitCode, int Tests, string Output)
{
    private const string Mark = "VERNIER_TEST_CHILD";

    /// <summary>Whether this is such a process.</summary>
    public static bool IsChild => Environment.GetEnvironmentVariable(Mark) is not null;

    /// <summary>Runs the tests and waits for them.</summary>
    /// <param name="assembly">The test assembly that is running.</param>
    /// <param name="filter">Options of xunit's console, such as <c>-trait name=value</c> or <c>-class full.name</c>.</param>
    /// <param name="environment">Variables to set, such as <c>DOTNET_EnableAVX2=0</c>.</param>
    public static async Task<ChildRun> Of(
        Assembly assembly, IEnumerable<string> filter, params IEnumerable<(string Name, string Value)> environment)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!)
        {
            RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false,
        };
        if (Path.GetFileNameWithoutExtension(start.FileName) == "dotnet")
            start.ArgumentList.Add(assembly.Location);
        foreach (string option in filter)
            start.ArgumentList.Add(option);
        start.Environment[Mark] = "1";
        foreach ((string name, string value) in environment)
            start.Environment[name] = value;
        using Process process = Process.Start(start)!;
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string output = await process.StandardOutput.ReadToEndAsync();
        output += await errors;
        await process.WaitForExitAsync();
        Match total = Total().Match(output);
        return new(process.ExitCode, total.Success ? int.Parse(total.Groups["tests"].Value, CultureInfo.InvariantCulture) : 0, output);
    }

    [GeneratedRegex(@"Total: (?<tests>\d+)", RegexOptions.RightToLeft | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Total();
}
