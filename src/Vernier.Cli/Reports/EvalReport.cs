using Vernier.Cli.Terminal;
using Vernier.Quantization.Evaluation;

namespace Vernier.Cli.Reports;

/// <summary>The result of vernier eval. What needs a reference is null without one; <c>tokens_per_second</c> counts predicted
/// tokens.</summary>
internal sealed record EvalReport(
    string Model, string? Against, string? Recipe, string Text, int Windows, long Tokens, long Bytes, double BitsPerWeight,
        double Perplexity, double PerplexityStderr,
    double? ReferencePerplexity, double? ReferencePerplexityStderr, double? KlDivergence, double? KlDivergenceStderr, double? Top1Agreement,
    double? Top1AgreementStderr, double Seconds, double TokensPerSecond, long PeakMemoryBytes)
{
    /// <summary>Puts the result together.</summary>
    public static EvalReport Of(string model, string? against, string? recipe, string text, long bytes, double bitsPerWeight,
        EvaluationResult result, double seconds) => new(
        model, against, recipe, text, result.Windows, result.Tokens, bytes, bitsPerWeight, result.Perplexity.Mean,
            result.Perplexity.StandardError,
        result.ReferencePerplexity?.Mean, result.ReferencePerplexity?.StandardError, result.KlDivergence?.Mean,
            result.KlDivergence?.StandardError,
        result.Top1Agreement?.Mean, result.Top1Agreement?.StandardError, seconds, result.Tokens / seconds, ProcessMemory.PeakBytes);

    /// <summary>Writes the result for people.</summary>
    public void WriteTo(TextWriter writer, EvaluationResult result)
    {
        bool compared = result.KlDivergence is not null;
        var table = compared ? new TextTable("", ">reference", ">model", "") : new TextTable("", ">model", "");
        table.Add([.. Row("size", "", Figures.Size(Bytes))]);
        table.Add([.. Row("bits per weight", "", $"{BitsPerWeight:0.00}")]);
        table.Add([.. Row("perplexity", result.ReferencePerplexity is Estimate reference ? Figures.Of(reference)
            : "", Figures.Of(result.Perplexity))]);
        if (result is { KlDivergence: Estimate kl, Top1Agreement: Estimate top1 })
        {
            table.Add([.. Row("KL divergence", "", Figures.Of(kl)), "nats a token"]);
            table.Add([.. Row("top-1 agreement", "", Figures.Of(top1, 100)), "%"]);
        }
        table.Write(writer);
        writer.WriteLine();
        writer.WriteLine($"evaluated on {Text}: {Figures.Whole(Tokens)} tokens");
        writer.WriteLine($"in {Figures.Seconds(Seconds)}, {TokensPerSecond:0} tokens/s, peak memory {Figures.Size(PeakMemoryBytes)}");

        IEnumerable<string> Row(string name, string reference, string model) => compared ? [name, reference, model] : [name, model];
    }
}
