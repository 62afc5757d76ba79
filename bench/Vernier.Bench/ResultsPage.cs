using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;

namespace Vernier.Bench;

/// <summary>Writes the JSON lines of the runners as a page for people, one for each kind of processor.</summary>
internal static class ResultsPage
{
    /// <summary>Formats files of JSON lines.</summary>
    /// <param name="files">What the runners printed; lines that are no objects are left out.</param>
    public static string Of(IEnumerable<string> files)
    {
        var page = new StringBuilder();
        page.Append(CultureInfo.InvariantCulture, $"# Speed: {Processor()}\n\n");
        page.Append(CultureInfo.InvariantCulture,
            $"{Environment.ProcessorCount} processors, {RuntimeInformation.OSDescription}, {RuntimeInformation.FrameworkDescription}, "
            + $"kernel {Kernels.KernelRegistry.Best.Name}. ");
        page.Append("Written by `Vernier.Bench page`. Ours and the peer were measured in turn in one run; the ratio is the median over "
            + "the pairs of ours to theirs, ");
        page.Append("above 1 where ours is faster, for seconds where it is below 1.\n");
        foreach (string file in files)
        {
            page.Append(CultureInfo.InvariantCulture, $"\n## {Path.GetFileNameWithoutExtension(file)}\n\n");
            page.Append("| case | unit | ours | peer | theirs | ratio | pairs |\n|---|---|---:|---|---:|---:|---:|\n");
            foreach (string line in File.ReadLines(file).Where(line => line.StartsWith("{\"case\"", StringComparison.Ordinal)))
            {
                using var row = JsonDocument.Parse(line);
                page.Append(CultureInfo.InvariantCulture,
                    $"| {Text(row, "case")} | {Text(row, "unit")} | {Number(row, "ours")} | {Text(row, "peer")} | "
                    + $"{Number(row, "theirs")} | {Number(row, "ratio")} | {Number(row, "pairs")} |\n");
            }
        }
        return page.ToString();
    }

    private static string Text(JsonDocument row, string name) =>
        row.RootElement.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.String ? value.GetString()! : "";

    private static string Number(JsonDocument row, string name)
    {
        if (!row.RootElement.TryGetProperty(name, out JsonElement value) || value.ValueKind != JsonValueKind.Number)
            return "";
        double number = value.GetDouble();
        string format = name == "pairs" ? "0" : name == "ratio" || Math.Abs(number) < 10 ? "0.00" : Math.Abs(number) < 1000 ? "0.0"
            : "#,##0";
        return number.ToString(format, CultureInfo.InvariantCulture);
    }

    private static string Processor()
    {
        const string Information = "/proc/cpuinfo";
        string? name = File.Exists(Information) ? File.ReadLines(Information)
            .FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal)) : null;
        return name?[(name.IndexOf(':') + 1)..].Trim() ?? RuntimeInformation.ProcessArchitecture.ToString();
    }
}
