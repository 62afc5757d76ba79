using Vernier.Cli.Terminal;

namespace Vernier.Cli.Reports;

/// <summary>
/// The result of vernier bench. <c>tokens_per_second</c> is of generation, <c>weight_gigabytes_per_second</c> what that reads of the
/// weights,
/// <c>memory_gigabytes_per_second</c> what the machine's memory can deliver to as many threads; <c>time_to_first_token</c> is in seconds
/// and counts loading; <c>peak_memory_bytes</c> is that of loading and the first token.
/// </summary>
internal sealed record BenchReport(
    string Model, string? Recipe, long Bytes, double BitsPerWeight, int PromptTokens, int GeneratedTokens, double PromptTokensPerSecond,
        double TokensPerSecond,
    double WeightGigabytesPerSecond, double MemoryGigabytesPerSecond, double TimeToFirstToken, long PeakMemoryBytes, int Threads)
{
    /// <summary>Writes the result for people.</summary>
    public void WriteTo(TextWriter writer)
    {
        var table = new TextTable("", "");
        table.Add("size", $"{Figures.Size(Bytes)}, {BitsPerWeight:0.00} bits per weight");
        table.Add("prompt", $"{PromptTokensPerSecond:0} tokens/s ({Figures.Whole(PromptTokens)} tokens)");
        table.Add("generation", $"{TokensPerSecond:0.0} tokens/s ({Figures.Whole(GeneratedTokens)} tokens)");
        table.Add("weights read",
            $"{WeightGigabytesPerSecond:0.0} GB/s of the {MemoryGigabytesPerSecond:0.0} GB/s that the memory delivers");
        table.Add("first token", $"{Figures.Seconds(TimeToFirstToken)} with loading");
        table.Add("peak memory", $"{Figures.Size(PeakMemoryBytes)} until the first token");
        table.Add("threads", $"{Threads}");
        table.Write(writer);
    }
}
