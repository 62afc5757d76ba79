using System.Diagnostics;
using System.Text.Json;

namespace Vernier.Bench.Pipeline;

/// <summary>Quantizes a random model without data: the whole command, from the file in half precision to the written file, read back and
/// measured.</summary>
internal static class EncodeCase
{
    /// <summary>Runs the case and prints a line of JSON for each recipe.</summary>
    public static int Run(string folder, Options options)
    {
        string model = FloatModel.Ensure(folder, FloatModel.Shape(options)), output = Path.Combine(folder, "encoded");
        int repeats = options.Number("repeats", 3);
        foreach ((string name, string[] recipe) in (
            (string, string[])[])[("nearest, largest weight", ["rtn", "--scale", "largest"]), ("nearest, scale searched", ["rtn"]),
            ("nupes-datafree", ["nupes-datafree"])])
        {
            var rates = new List<double>();
            for (int repeat = 0; repeat < repeats; repeat++)
            {
                string[] arguments =
                [
                    Path.Combine(AppContext.BaseDirectory, "vernier.dll"), "quantize", model, "-o", output, "--force", "--bits",
                        options.Text("bits", "4"), "--group", options.Text("group", "64"),
                    "--threads", options.Text("threads", "2"), "--no-eval", "--json", "--recipe", .. recipe,
                ];
                using Process process =
                    Process.Start(new ProcessStartInfo("dotnet", arguments) { RedirectStandardOutput = true, UseShellExecute = false })!;
                string printed = process.StandardOutput.ReadToEnd();
                process.WaitForExit();
                if (process.ExitCode != 0)
                    return process.ExitCode;
                using JsonDocument result = JsonDocument.Parse(printed);
                rates.Add(result.RootElement.GetProperty("parameters").GetInt64() / result.RootElement.GetProperty("seconds")
                    .GetDouble() / 1e6);
            }
            rates.Sort();
            Console.WriteLine(JsonSerializer.Serialize(
                new { @case = $"quantize, {name}", unit = "million weights/s", ours = Math.Round(rates[rates.Count / 2], 1),
                best_ours = Math.Round(rates[^1], 1), pairs = repeats }));
        }
        return 0;
    }
}
