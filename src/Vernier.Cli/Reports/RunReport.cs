using System.Text.Json.Serialization;

namespace Vernier.Cli.Reports;

/// <summary>
/// The result of vernier run. <c>seconds</c> are those of the prompt and the text; <c>tokens_per_second</c> is the speed after the first
/// token, which waits for the prompt, and null with fewer than two.
/// </summary>
internal sealed record RunReport(string Model, string Prompt, string Text, int PromptTokens, int Tokens, ulong Seed, double Seconds,
    double TokensPerSecond, long PeakMemoryBytes)
{
    /// <summary>The figures in a line.</summary>
    [JsonIgnore]
    public string Summary => $"{Tokens} tokens{(double.IsFinite(TokensPerSecond) ? $", {TokensPerSecond:0.0} tokens/s" : "")}, seed {Seed}";
}
