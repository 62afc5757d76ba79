using Vernier.Cli.Terminal;

namespace Vernier.Cli.Reports;

/// <summary>The result of vernier export. <c>type</c> is null for a folder.</summary>
internal sealed record ExportReport(string Model, string Output, string Format, string? Type, long Bytes, double Seconds,
    IReadOnlyList<string> Notes)
{
    /// <summary>Writes the result for people.</summary>
    public void WriteTo(TextWriter writer) =>
        writer.WriteLine($"{Output}: {(Type is null ? "" : $"{Type}, ")}{Figures.Whole(Bytes)} bytes ({Figures.Size(Bytes)})");
}
