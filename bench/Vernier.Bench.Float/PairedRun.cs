using System.Diagnostics;
using System.Text.Json;

namespace Vernier.Bench;

/// <summary>Measures two implementations in turn, so that whatever else the machine does meets both alike.</summary>
internal static class PairedRun
{
    private const double SampleSeconds = 0.1;

    /// <summary>
    /// Runs both in turn <paramref name="pairs"/> times and prints one JSON line: the medians of the speeds in GFLOP/s and of
    /// the ratios pair by pair. A sample repeats the call for about a tenth of a second; pauses let the other's idle threads,
    /// which spin for a while, go to sleep.
    /// </summary>
    public static void Measure(string name, double operations, Action ours, Action? theirs, int pairs)
    {
        double[] speeds = new double[pairs], peers = new double[pairs], ratios = new double[pairs];
        int repeat = Warm(ours), repeatPeer = theirs is null ? 0 : Warm(theirs);
        for (int i = 0; i < pairs; i++)
        {
            speeds[i] = operations / Seconds(ours, repeat) / 1e9;
            if (theirs is not null)
                peers[i] = operations / Seconds(theirs, repeatPeer) / 1e9;
            ratios[i] = speeds[i] / peers[i];
        }
        object line = theirs is null
            ? new { @case = name, ours = Round(Median(speeds), 1), unit = "GFLOP/s" }
            : new { @case = name, ours = Round(Median(speeds), 1), peer = "OpenBLAS", theirs = Round(Median(peers), 1),
                ratio = Round(Median(ratios), 3), unit = "GFLOP/s", pairs };
        Console.WriteLine(JsonSerializer.Serialize(line));
    }

    // Tiered compilation replaces code after some calls and a tenth of a second: run until it has settled.
    private static int Warm(Action action)
    {
        long start = Stopwatch.GetTimestamp();
        int calls = 0;
        while (calls < 3 || Stopwatch.GetElapsedTime(start).TotalSeconds < 0.5)
        {
            action();
            calls++;
        }
        double each = Seconds(action, 1);
        return Math.Max(1, (int)(SampleSeconds / each));
    }

    private static double Seconds(Action action, int repeat)
    {
        Thread.Sleep(60);
        action();
        long start = Stopwatch.GetTimestamp();
        for (int i = 0; i < repeat; i++)
            action();
        return Stopwatch.GetElapsedTime(start).TotalSeconds / repeat;
    }

    private static double Median(double[] values)
    {
        double[] sorted = [.. values.Order()];
        return (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }

    private static double Round(double value, int digits) => Math.Round(value, digits);
}
