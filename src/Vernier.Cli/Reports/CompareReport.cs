using System.Text.Json.Serialization;
using Vernier.Cli.Terminal;
using Vernier.Inference.Weights;
using Vernier.Packing;
using Vernier.Quantization.Evaluation;
using Vernier.Quantization.Pipeline;
using Vernier.Quantization.Weights;

namespace Vernier.Cli.Reports;

/// <summary>
/// A model by one recipe; the first row of a comparison is the original, whose recipe is null. <c>weight_error</c> is the mean over the
/// linear layers of the
/// squared error of the weights relative to their squared norm; <c>objective</c> that of the relative layer objective on the calibration
/// text, if there is one;
/// <c>layers_below_first</c> counts the layers, of <c>layers</c>, whose objective is below that of the first recipe at the same bits and
/// groups.
/// </summary>
internal sealed record CompareRow(
    string? Recipe, int? Bits, int? Group, int? EmbeddingBits, long Bytes, double BitsPerWeight, double Perplexity, double PerplexityStderr,
        double? KlDivergence,
    double? KlDivergenceStderr, double? Top1Agreement, double? Top1AgreementStderr, double? WeightError, double? Objective, int? Layers,
        int? LayersBelowFirst, long Tokens, double? Seconds)
{
    /// <summary>The row of the original.</summary>
    public static CompareRow OfOriginal(QuantizationPlan plan, EvaluationResult result) => new(
        null, null, null, null, plan.SourceBytes, plan.SourceBitsPerWeight, result.ReferencePerplexity!.Value.Mean,
            result.ReferencePerplexity.Value.StandardError,
        null, null, null, null, null, null, null, null, result.Tokens, null);

    /// <summary>The row of a written model.</summary>
    public static CompareRow Of(string name, QuantizationPlan plan, long bytes, IReadOnlyList<QuantizedTensorReport> tensors,
        EvaluationResult result, double seconds) => new(
        name, plan.Options.LinearBits, plan.Options.LinearGranularity.GroupColumns, plan.Options.EmbeddingBits, bytes,
            8.0 * bytes / plan.Parameters,
        result.Perplexity.Mean, result.Perplexity.StandardError, result.KlDivergence!.Value.Mean, result.KlDivergence.Value.StandardError,
        result.Top1Agreement!.Value.Mean, result.Top1Agreement.Value.StandardError, WeightErrorOf(plan, tensors), null, null, null,
            result.Tokens, seconds);

    /// <summary>The row with layer objectives.</summary>
    /// <param name="objectives">Those of its layers.</param>
    /// <param name="first">Those of the first recipe.</param>
    public CompareRow WithObjectives(IReadOnlyDictionary<string, double> objectives, IReadOnlyDictionary<string, double> first) => this with
    {
        Objective = objectives.Values.DefaultIfEmpty(double.NaN).Average(),
        Layers = objectives.Count,
        LayersBelowFirst = objectives.Count(layer => layer.Value < first[layer.Key]),
    };

    private static double WeightErrorOf(QuantizationPlan plan, IReadOnlyList<QuantizedTensorReport> tensors)
    {
        HashSet<string> linear = [.. plan.Tensors.Where(planned => planned.Role == TensorRole.Linear)
            .Select(planned => planned.Tensor.Name)];
        return tensors.Where(tensor => linear.Contains(tensor.Name)).Select(tensor => tensor.Error.Relative).DefaultIfEmpty(double.NaN)
            .Average();
    }
}

/// <summary>The result of vernier compare.</summary>
/// <param name="Model">The model's name.</param>
/// <param name="Text">What was evaluated on.</param>
/// <param name="Calibration">What was calibrated on, if anything.</param>
/// <param name="Arithmetic">How the packed layers multiply.</param>
/// <param name="Rows">The original, then by granularity and bits the recipes.</param>
/// <param name="Notes">What the user should know.</param>
internal sealed record CompareReport(
    string Model, string Text, string? Calibration,
        [property: JsonConverter(typeof(JsonStringEnumConverter<PackedArithmetic>))] PackedArithmetic Arithmetic,
        IReadOnlyList<CompareRow> Rows, IReadOnlyList<string> Notes)
{
    private static readonly string[] s_quality =
        ["recipe", ">bits", ">group", ">bits per weight", ">bytes", ">perplexity", ">KL divergence", ">top-1 agreement", ">weight error"];
    private static readonly string[] s_calibrated = [">objective", ">layers below the first"];

    private string[] Headers => [.. s_quality, .. Calibration is null ? [] : s_calibrated, ">seconds"];

    /// <summary>Writes the table for people.</summary>
    public void WriteTo(TextWriter writer)
    {
        var table = new TextTable(Headers);
        foreach (CompareRow row in Rows)
            table.Add(Cells(row));
        table.Write(writer);
        writer.WriteLine();
        writer.WriteLine($"evaluated on {Text}: {Figures.Whole(Rows[0].Tokens)} tokens. KL divergence in nats a token, top-1 agreement "
            + $"in %; ± one standard error.");
        foreach (string note in Notes)
            writer.WriteLine(note);
        if (Calibration is not null)
            writer.WriteLine($"calibrated on {Calibration}. The objective is the mean over the linear layers of what their outputs lose, "
                + $"relative to the outputs.");
    }

    /// <summary>The table in Markdown.</summary>
    public string ToMarkdown()
    {
        CompareRow sample = Rows[^1];
        string[] lines =
        [
            $"# {Model}: quality by recipe",
            "",
            $"Written by `vernier compare`: each model quantized, written, read back and evaluated on {Origin(Text)}, "
                + $"{Figures.Whole(sample.Tokens)} tokens.",
            $"Embeddings and output layer {(sample.EmbeddingBits is int bits ? $"in {bits} bits" : "as they were")}; {Products}. Bits "
                + $"per weight and bytes count the whole checkpoint and config.json. "
                + "KL divergence from the original in nats a token; top-1 agreement in %; ± one standard error. The weight error is the "
                    + "mean over the linear layers of the squared error relative to the squared norm. "
                + $"Seconds are those of quantizing, writing and reading back on {Environment.ProcessorCount} processors.",
            .. Calibration is null ? (string[])[] : [
                $"Recipes that need data are calibrated on {Origin(Calibration)}, others where their name says so. The objective is the "
                    + $"mean over the linear layers of tr((W - Q) H (W - Q)^T) / tr(W H W^T), "
                    + "with H of the layer's inputs in the float network on that text; beside it in how many layers it is below that of "
                        + "the first recipe.",
            ],
            "",
            $"| {string.Join(" | ", Headers.Select(header => header.TrimStart('>')))} |",
            $"|{string.Join('|', Headers.Select(header => header.StartsWith('>') ? "---:" : "---"))}|",
            .. Rows.Select(row => $"| {string.Join(" | ", Cells(row))} |"),
            "",
            "## The front",
            "",
            "Of no other row above are both the bytes and the KL divergence less.",
            "",
            "| bits per weight | recipe | bits | group | KL divergence |",
            "|---:|---|---:|---:|---:|",
            .. Front.Select(row => (row, Cells: Cells(row)))
                .Select(pair => $"| {pair.Cells[3]} | {pair.Cells[0]} | {pair.Cells[1]} | {pair.Cells[2]} | {pair.Cells[6]} |"),
        ];
        return string.Join('\n', lines) + "\n";
    }

    /// <summary>The recipes that no other beats in both size and quality, the smallest first.</summary>
    private IEnumerable<CompareRow> Front => Rows
        .Where(row => row.KlDivergence is double kl
            && !Rows.Any(other => other.KlDivergence is double better
            && ((other.Bytes < row.Bytes && better <= kl) || (other.Bytes <= row.Bytes && better < kl))))
        .OrderBy(row => row.Bytes);

    private string Products => Arithmetic switch
    {
        PackedArithmetic.Integer => "activations rounded to 8 bits as the packed layers run",
        PackedArithmetic.LMul => "products by L-Mul, of activations and weights rounded to four bits of mantissa",
        _ => "activations in float, so that the weights alone make the difference",
    };

    // A path of one machine has no place in a page for all.
    private static string Origin(string text) =>
        text.Contains(Path.DirectorySeparatorChar) ? text[..(text.LastIndexOf(' ') + 1)] + Path.GetFileName(text) : text;

    private string[] Cells(CompareRow row) =>
    [
        row.Recipe ?? "original",
        row.Bits is int bits ? $"{bits}" : "",
        row.Group is int group ? new Granularity(group).ToString().Replace("group ", "", StringComparison.Ordinal) : "",
        $"{row.BitsPerWeight:0.000}",
        Figures.Whole(row.Bytes),
        Figures.Of(new Estimate(row.Perplexity, row.PerplexityStderr)),
        row is { KlDivergence: double kl, KlDivergenceStderr: double klError } ? Figures.Of(new Estimate(kl, klError)) : "",
        row is { Top1Agreement: double top1, Top1AgreementStderr: double top1Error } ? Figures.Of(new Estimate(top1, top1Error), 100) : "",
        row.WeightError is double error ? $"{error:0.00000}" : "",
        .. Calibration is null ? (string[])[] : [
            row.Objective is double objective ? $"{objective:0.00000}" : "", row.Layers is int layers
            ? $"{row.LayersBelowFirst} of {layers}" : ""],
        row.Seconds is double seconds ? Figures.Seconds(seconds) : "",
    ];
}
