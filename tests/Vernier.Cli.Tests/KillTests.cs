using System.Diagnostics;
using System.Text.Json;

namespace Vernier.Tests;

/// <summary>The command as a process of its own: killed on its way, and kept below a ceiling of memory.</summary>
public sealed class KillTests(QuantizedQuill quantized) : IDisposable
{
    /// <summary>What .NET reports of a process that SIGKILL has ended: 128 + 9; Windows reports -1.</summary>
    private static readonly int KilledExitCode = OperatingSystem.IsWindows() ? -1 : 137;

    private const int MatricesBetween = 4, LeastKills = 5;

    private readonly TempFolder _temp = new();

    public void Dispose() => _temp.Dispose();

    [Fact]
    public void Killed_again_and_again_on_its_way_a_run_ends_in_the_same_bytes()
    {
        Finish(Begin("whole"));
        byte[] expected = File.ReadAllBytes(_temp["whole/model.safetensors"]);
        int kills = 0;
        for (int matrices = 1; ; matrices = JournalEntries() + MatricesBetween)
        {
            using Process process = Begin("out", "--resume");
            // It tells how far it is by the entries of its journal.
            while (!process.HasExited && JournalEntries() < matrices)
                Thread.Yield();
            process.Kill();
            process.WaitForExit();
            if (process.ExitCode == 0)
                break;
            Assert.Equal(KilledExitCode, process.ExitCode);
            kills++;
            if (Directory.Exists(_temp["out"]))
                Assert.Equal(expected, File.ReadAllBytes(_temp["out/model.safetensors"]));
        }
        Assert.True(kills >= LeastKills, $"only {kills} runs were killed on their way");
        Assert.Equal(expected, File.ReadAllBytes(_temp["out/model.safetensors"]));
        Assert.Equal(["out", "whole"], _temp.Names);
    }

    [Fact]
    public void With_the_smallest_memory_that_is_allowed_the_run_stays_below_it_and_the_bytes_are_the_same()
    {
        Finish(Begin("usual"));
        long ceiling = CommandRun.Json([.. Command("bounded"), "--dry-run"]).GetProperty("smallest_memory_bytes").GetInt64();
        using Process process = Begin("bounded", "--memory", $"{ceiling}", "--json");
        string output = process.StandardOutput.ReadToEnd();
        Finish(process);
        using JsonDocument json = JsonDocument.Parse(output);
        Assert.InRange(json.RootElement.GetProperty("peak_memory_bytes").GetInt64(), 1, ceiling);
        Assert.Equal(File.ReadAllBytes(_temp["usual/model.safetensors"]), File.ReadAllBytes(_temp["bounded/model.safetensors"]));
    }

    private int JournalEntries()
    {
        try
        {
            return Directory.GetFiles(_temp["out.partial/journal"], "*.matrix.json").Length;
        }
        catch (DirectoryNotFoundException)
        {
            return 0;
        }
    }

    private string[] Command(string output) =>
        ["quantize", SharedData.Quill, "-o", _temp[output], "--recipe", "gptq", "--calibration", quantized.Text, "--sequences", "4",
            "--length", "128", "--no-eval"];

    private Process Begin(string output, params string[] options)
    {
        string dll = typeof(Cli.VernierCommand).Assembly.Location;
        var start = new ProcessStartInfo(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH")
            ?? "dotnet", [dll, .. Command(output), .. options]) {
            RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false };
        Process process = Process.Start(start)!;
        process.BeginErrorReadLine();
        return process;
    }

    private static void Finish(Process process)
    {
        Assert.True(process.WaitForExit(TimeSpan.FromMinutes(5)));
        Assert.Equal(0, process.ExitCode);
    }
}
