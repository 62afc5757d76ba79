using System.Diagnostics;
using System.Globalization;
using Vernier.Inference;
using Vernier.Numerics;

namespace Vernier.Bench;

/// <summary>Time and memory from nothing to the first token, in a process of its own.</summary>
internal static class FirstToken
{
    /// <summary>In the process of its own: loads, computes one token, prints seconds since the process began and the peak of memory in bytes.</summary>
    public static void Measure(string engine, string path, string peer, Workers workers)
    {
        if (engine == "vernier")
        {
            LanguageModel model = LanguageModel.Load(path, workers: workers);
            new SpeedMeasurement(model.CreateSession(workers)).Prompt(1);
        }
        else
        {
            using LlamaSession session = new LlamaCpp(peer).Open(path, 512, workers.Threads);
            session.Decode([1]);
        }
        using var process = Process.GetCurrentProcess();
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{(DateTime.Now - process.StartTime).TotalSeconds} {process.PeakWorkingSet64}"));
    }

    /// <summary>Starts the process and reads what it prints.</summary>
    public static (double Seconds, double Bytes) Run(string engine, string path, string peer, int threads)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!) { RedirectStandardOutput = true, UseShellExecute = false };
        if (Path.GetFileNameWithoutExtension(start.FileName) == "dotnet")
            start.ArgumentList.Add(typeof(FirstToken).Assembly.Location);
        foreach (string argument in (string[])[path, "--first-token", engine, "--llama-cpp", peer, "--threads", threads.ToString(CultureInfo.InvariantCulture)])
            start.ArgumentList.Add(argument);
        using Process process = Process.Start(start)!;
        string[] words = process.StandardOutput.ReadToEnd().Split(' ');
        process.WaitForExit();
        return (double.Parse(words[0], CultureInfo.InvariantCulture), double.Parse(words[1], CultureInfo.InvariantCulture));
    }
}
