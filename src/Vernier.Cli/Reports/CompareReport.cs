using System.Text.Json.Serialization;
using Vernier.Cli.Terminal;
using Vernier.Inference;
using Vernier.Quantization.Evaluation;
using Vernier.Quantization.Pipeline;

namespace Vernier.Cli.Reports;

/// <summary>A model by one recipe; the first row of a comparison is the original, whose recipe is null.</summary>
internal sealed record CompareRow(
    string? Recipe, int? Bits, int? Group, int? EmbeddingBits, long Bytes, double BitsPerWeight, double Perplexity, double PerplexityStderr, double? KlDivergence,
    double? KlDivergenceStderr, double? Top1Agreement, double? Top1AgreementStderr, double? Objective, long Tokens, double? Seconds)
{
    /// <summary>The row of the original.</summary>
    public static CompareRow OfOriginal(QuantizationPlan plan, EvaluationResult result) => new(
        null, null, null, null, plan.SourceBytes, plan.SourceBitsPerWeight, result.ReferencePerplexity!.Value.Mean, result.ReferencePerplexity.Value.StandardError,
        null, null, null, null, null, result.Tokens, null);

    /// <summary>The row of a written model.</summary>
    public static CompareRow Of(QuantizationPlan plan, long bytes, IReadOnlyList<QuantizedTensorReport> tensors, EvaluationResult result, double seconds) => new(
        plan.Options.Recipe.Name, plan.Options.Bits, plan.Options.Granularity.GroupColumns, plan.Options.EmbeddingBits, bytes, 8.0 * bytes / plan.Parameters,
        result.Perplexity.Mean, result.Perplexity.StandardError, result.KlDivergence!.Value.Mean, result.KlDivergence.Value.StandardError,
        result.Top1Agreement!.Value.Mean, result.Top1Agreement.Value.StandardError, ObjectiveOf(plan, tensors), result.Tokens, seconds);

    private static double ObjectiveOf(QuantizationPlan plan, IReadOnlyList<QuantizedTensorReport> tensors)
    {
        HashSet<string> linear = [.. plan.Tensors.Where(planned => planned.Role == TensorRole.Linear).Select(planned => planned.Tensor.Name)];
        return tensors.Where(tensor => linear.Contains(tensor.Name)).Select(tensor => tensor.Error.Relative).DefaultIfEmpty(double.NaN).Average();
    }
}

/// <summary>The result of vernier compare.</summary>
/// <param name="Model">The model's name.</param>
/// <param name="Text">What was evaluated on.</param>
/// <param name="Arithmetic">How the packed layers multiply.</param>
/// <param name="Rows">The original, then by bits the recipes.</param>
internal sealed record CompareReport(string Model, string Text, [property: JsonConverter(typeof(JsonStringEnumConverter<PackedArithmetic>))] PackedArithmetic Arithmetic, IReadOnlyList<CompareRow> Rows)
{
    private static readonly string[] s_headers = ["recipe", ">bits", ">bits per weight", ">bytes", ">perplexity", ">KL divergence", ">top-1 agreement", ">weight error"];

    /// <summary>Writes the table for people.</summary>
    public void WriteTo(TextWriter writer)
    {
        var table = new TextTable([.. s_headers, ">seconds"]);
        foreach (CompareRow row in Rows)
            table.Add([.. Cells(row), row.Seconds is double seconds ? Figures.Seconds(seconds) : ""]);
        table.Write(writer);
        writer.WriteLine();
        writer.WriteLine($"evaluated on {Text}: {Figures.Whole(Rows[0].Tokens)} tokens. KL divergence in nats a token, top-1 agreement in %; ± one standard error.");
    }

    /// <summary>The table in Markdown, without what depends on the machine's speed.</summary>
    public string ToMarkdown()
    {
        CompareRow sample = Rows[^1];
        string[] lines =
        [
            $"# {Model}: quality by recipe",
            "",
            $"Written by `vernier compare`: each model quantized, written, read back and evaluated on {Origin}, {Figures.Whole(sample.Tokens)} tokens.",
            $"Linear layers in {Groups(sample.Group)}, embeddings and output layer {(sample.EmbeddingBits is int bits ? $"in {bits} bits" : "as they were")}; {Products}. Bits per weight and bytes count the whole checkpoint and config.json. "
                + "KL divergence from the original in nats a token; top-1 agreement in %; ± one standard error. The weight error is the mean over the linear layers of the squared error relative to the squared norm.",
            "",
            $"| {string.Join(" | ", s_headers.Select(header => header.TrimStart('>')))} |",
            $"|{string.Join('|', s_headers.Select(header => header.StartsWith('>') ? "---:" : "---"))}|",
            .. Rows.Select(row => $"| {string.Join(" | ", Cells(row))} |"),
        ];
        return string.Join('\n', lines) + "\n";
    }

    private string Products => Arithmetic == PackedArithmetic.Integer
        ? "activations rounded to 8 bits as the packed layers run"
        : "activations in float, so that the weights alone make the difference";

    // A path of one machine has no place in a page for all.
    private string Origin => Text[..(Text.LastIndexOf(' ') + 1)] + Path.GetFileName(Text[(Text.LastIndexOf(' ') + 1)..]);

    private static string Groups(int? group) => group switch
    {
        -1 => "one granule each",
        0 => "channels",
        _ => $"groups of {group}",
    };

    private static string[] Cells(CompareRow row) =>
    [
        row.Recipe ?? "original",
        row.Bits is int bits ? $"{bits}" : "",
        $"{row.BitsPerWeight:0.000}",
        Figures.Whole(row.Bytes),
        Figures.Of(new Estimate(row.Perplexity, row.PerplexityStderr)),
        row is { KlDivergence: double kl, KlDivergenceStderr: double klError } ? Figures.Of(new Estimate(kl, klError)) : "",
        row is { Top1Agreement: double top1, Top1AgreementStderr: double top1Error } ? Figures.Of(new Estimate(top1, top1Error), 100) : "",
        row.Objective is double objective ? $"{objective:0.00000}" : "",
    ];
}
