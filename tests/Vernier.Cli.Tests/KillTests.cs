using System.Diagnostics;
using System.Text.Json;

namespace Vernier.Tests;

/// <summary>The command as a process of its own: killed at any moment, and kept below a ceiling of memory.</summary>
public sealed class KillTests(QuantizedQuill quantized) : IDisposable
{
    /// <summary>What .NET reports of a process that SIGKILL has ended: 128 + 9; Windows reports -1.</summary>
    private static readonly int KilledExitCode = OperatingSystem.IsWindows() ? -1 : 137;

    private const int Kills = 25, LeastWithJournal = 8;

    private readonly TempFolder _temp = new();

    public void Dispose() => _temp.Dispose();

    [Fact]
    public void Killed_at_any_moment_a_run_ends_in_the_same_bytes()
    {
        long start = Stopwatch.GetTimestamp();
        Finish(Begin("whole"));
        TimeSpan whole = Stopwatch.GetElapsedTime(start);
        byte[] expected = File.ReadAllBytes(_temp["whole/model.safetensors"]);
        var random = new Random(20250);
        int withJournal = 0, finished = 0;
        for (int kill = 0; kill < Kills; kill++)
        {
            using Process process = Begin("out", "--resume");
            if (!process.WaitForExit(whole * (0.1 + 0.9 * random.NextDouble())))
            {
                process.Kill();
                process.WaitForExit();
            }
            if (process.ExitCode == 0)
            {
                // Those before had left it so little to do that it came to its end, perhaps just before it was killed; the next begins anew.
                Check();
                continue;
            }
            Assert.Equal(KilledExitCode, process.ExitCode);
            Assert.True(!Directory.Exists(_temp["out"]) || IsWhole(), "a part of the output has its name");
            withJournal += JournalEntries() > 0 && !Directory.Exists(_temp["out"]) ? 1 : 0;
        }
        Finish(Begin("out", "--resume"));
        Check();
        Assert.True(withJournal >= LeastWithJournal, $"only {withJournal} of {Kills} runs were killed on their way, and {finished} finished");

        void Check()
        {
            Assert.True(IsWhole());
            Assert.Equal(["out", "whole"], _temp.Names);
            Directory.Delete(_temp["out"], recursive: true);
            finished++;
        }

        bool IsWhole() => File.ReadAllBytes(_temp["out/model.safetensors"]).AsSpan().SequenceEqual(expected);
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

    private int JournalEntries() => Directory.Exists(_temp["out.partial/journal"]) ? Directory.GetFiles(_temp["out.partial/journal"], "*.matrix.json").Length : 0;

    private string[] Command(string output) =>
        ["quantize", SharedData.Quill, "-o", _temp[output], "--recipe", "gptq", "--calibration", quantized.Text, "--sequences", "4", "--length", "128", "--no-eval"];

    private Process Begin(string output, params string[] options)
    {
        string dll = typeof(Cli.VernierCommand).Assembly.Location;
        var start = new ProcessStartInfo(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet", [dll, .. Command(output), .. options]) { RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false };
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
