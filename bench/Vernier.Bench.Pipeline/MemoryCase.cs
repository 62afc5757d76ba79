using System.Diagnostics;
using System.Globalization;
using System.Text.Json;

namespace Vernier.Bench.Pipeline;

/// <summary>Quantizes a random model in a process of its own and watches its memory.</summary>
internal static class MemoryCase
{
    /// <summary>Runs the case and prints a line of JSON.</summary>
    public static int Run(string folder, Options options)
    {
        LlamaShape shape = FloatModel.Shape(options);
        int sequences = options.Number("sequences", 32), length = options.Number("length", 512);
        string model = FloatModel.Ensure(folder, shape), text = FloatModel.EnsureText(folder, sequences * length);
        string recipe = options.Text("recipe", "gptq"), memory = options.Text("memory", "4GB"), output = Path.Combine(folder, "quantized");
        string[] arguments =
        [
            Path.Combine(AppContext.BaseDirectory, "vernier.dll"), "quantize", model, "-o", output, "--force", "--recipe", recipe,
                "--calibration", text, "--sequences", Invariant(sequences),
            "--length", Invariant(length), "--threads", options.Text("threads", "2"), "--no-eval", "--json", .. memory == "none"
                ? (string[])[] : ["--memory", memory],
        ];
        using Process process =
            Process.Start(new ProcessStartInfo("dotnet", arguments) { RedirectStandardOutput = true, UseShellExecute = false })!;
        Task<string> printed = process.StandardOutput.ReadToEndAsync();
        long peak = 0;
        while (!process.WaitForExit(50))
            peak = Math.Max(peak, PeakBytes(process));
        if (process.ExitCode != 0)
            return process.ExitCode;
        using JsonDocument result = JsonDocument.Parse(printed.Result);
        double seconds = result.RootElement.GetProperty("seconds").GetDouble();
        Console.WriteLine(JsonSerializer.Serialize(new
        {
            @case = $"{recipe} {shape.Hidden} wide, {shape.Layers} layers, {sequences} x {length} tokens",
            parameters = result.RootElement.GetProperty("parameters").GetInt64(),
            memory,
            peak_memory_bytes = Math.Max(peak, result.RootElement.GetProperty("peak_memory_bytes").GetInt64()),
            seconds = Math.Round(seconds, 1),
            tokens_per_second = Math.Round(sequences * length / seconds, 1),
        }));
        return 0;
    }

    // The most resident memory so far, as the kernel counts it: mapped files included.
    private static long PeakBytes(Process process)
    {
        process.Refresh();
        return process.HasExited ? 0 : process.PeakWorkingSet64;
    }

    private static string Invariant(int number) => number.ToString(CultureInfo.InvariantCulture);
}
