using Vernier.Cli.Terminal;
using Vernier.Inference.Models;
using Vernier.Packing;
using Vernier.Quantization.Evaluation;
using Vernier.Quantization.Pipeline;
using Vernier.Quantization.Solvers;
using Vernier.Quantization.Weights;

namespace Vernier.Cli.Reports;

/// <summary>How large and how good a model is.</summary>
internal sealed record ModelFigures(
    long Bytes, double BitsPerWeight, double? Perplexity = null, double? PerplexityStderr = null, double? KlDivergence = null,
    double? KlDivergenceStderr = null, double? Top1Agreement = null, double? Top1AgreementStderr = null);

/// <summary>
/// How one matrix was quantized. The exponents are those of its grids; <c>solver</c> is null where no data was used.
/// </summary>
internal sealed record TensorFigures(
    string Name, double Bits, int Group, long Weights, long Bytes, double BitsPerWeight, IReadOnlyList<double> Exponents, double SnrDb,
        SolverFigures? Solver);

/// <summary>
/// How a solver left a matrix: <c>objective_nearest</c> and <c>objective</c> are the relative layer objectives of rounding to nearest and
/// of what was written;
/// <c>fallback</c> says why it was rounded to nearest, if it was.
/// </summary>
internal sealed record SolverFigures(double ObjectiveNearest, double Objective, double Damping, int DeadChannels, string? Fallback,
    double Seconds);

/// <summary>
/// The result of vernier quantize. <c>group</c> is 0 for channels and -1 for tensors; it, <c>bits</c> and <c>embedding_bits</c> are null
/// for a GGUF file, whose types say them for each tensor; <c>seconds</c> are those of quantizing, writing and
/// reading back; <c>objective</c> is the mean over the linear layers of the relative layer objective where a solver used data, and of the
/// squared error of the weights
/// relative to their squared norm where not; <c>lost</c> names the tensors of which rows or groups that are not zero became zero.
/// </summary>
internal sealed record QuantizeReport(
    string Model, string Output, string Recipe, int? Bits, int? Group, int? EmbeddingBits, long Parameters, ModelFigures Before,
        ModelFigures After,
    double Objective, long? Tokens, string? Text, double Seconds, double? EvaluationSeconds, long PeakMemoryBytes,
        IReadOnlyList<string> Notes, IReadOnlyList<LostNumbers> Lost,
    IReadOnlyList<TensorFigures> Tensors)
{
    /// <summary>Puts the result together.</summary>
    /// <param name="plan">What was planned.</param>
    /// <param name="output">The folder or the file that was written.</param>
    /// <param name="blocks">Whether it is a GGUF file.</param>
    /// <param name="written">The bytes of its checkpoint and config.json, as they lie on the disk.</param>
    /// <param name="tensors">What became of each matrix.</param>
    /// <param name="lost">What became zero.</param>
    /// <param name="evaluation">The evaluation, if there was one.</param>
    /// <param name="text">What was evaluated on.</param>
    /// <param name="seconds">Seconds of the quantization.</param>
    /// <param name="evaluationSeconds">Seconds of the evaluation.</param>
    /// <param name="notes">What the user should know.</param>
    public static QuantizeReport Of(
        QuantizationPlan plan, string output, bool blocks, long written, IReadOnlyList<QuantizedTensorReport> tensors,
            IReadOnlyList<LostNumbers> lost, EvaluationResult? evaluation, string? text,
        double seconds, double? evaluationSeconds, IReadOnlyList<string> notes)
    {
        QuantizationOptions options = plan.Options;
        HashSet<string> linear = [.. plan.Tensors.Where(planned => planned.Role == TensorRole.Linear)
            .Select(planned => planned.Tensor.Name)];
        return new QuantizeReport(
            plan.Model.Path, output, options.Recipe.Name, blocks ? null : options.LinearBits, blocks ? null
                : options.LinearGranularity.GroupColumns,
            blocks ? null : options.EmbeddingBits, plan.Parameters,
            new ModelFigures(plan.SourceBytes, plan.SourceBitsPerWeight, evaluation?.ReferencePerplexity?.Mean,
                evaluation?.ReferencePerplexity?.StandardError),
            new ModelFigures(written, 8.0 * written / plan.Parameters, evaluation?.Perplexity.Mean, evaluation?.Perplexity.StandardError,
                evaluation?.KlDivergence?.Mean, evaluation?.KlDivergence?.StandardError, evaluation?.Top1Agreement?.Mean,
                    evaluation?.Top1Agreement?.StandardError),
            tensors.Where(tensor => linear.Contains(tensor.Name)).Select(tensor => tensor.Solved?.Objective ?? tensor.Error.Relative)
                .DefaultIfEmpty(double.NaN).Average(),
            evaluation?.Tokens, text, seconds, evaluationSeconds, ProcessMemory.PeakBytes, notes, lost, [.. tensors.Select(Figures)]);
    }

    /// <summary>Writes the result for people.</summary>
    public void WriteTo(TextWriter writer, EvaluationResult? evaluation)
    {
        var table = new TextTable("", ">before", ">after", "");
        table.Add("size", Terminal.Figures.Size(Before.Bytes), Terminal.Figures.Size(After.Bytes),
            $"{(double)Before.Bytes / After.Bytes:0.00}x smaller");
        table.Add("bits per weight", $"{Before.BitsPerWeight:0.00}", $"{After.BitsPerWeight:0.00}");
        if (evaluation is { ReferencePerplexity: Estimate before, KlDivergence: Estimate kl, Top1Agreement: Estimate top1 })
        {
            table.Add("perplexity", Terminal.Figures.Of(before), Terminal.Figures.Of(evaluation.Perplexity));
            table.Add("KL divergence", "", Terminal.Figures.Of(kl), "nats a token");
            table.Add("top-1 agreement", "", Terminal.Figures.Of(top1, 100), "%");
        }
        table.Write(writer);
        writer.WriteLine();
        foreach (TensorFigures tensor in Tensors.Where(tensor => tensor.Solver?.Fallback is not null))
            writer.WriteLine($"rounded to nearest: {tensor.Name}: {tensor.Solver!.Fallback}");
        foreach (LostNumbers numbers in Lost)
            writer.WriteLine($"lost: {numbers}");
        if (evaluation is not null)
            writer.WriteLine($"evaluated on {Text}: {Terminal.Figures.Whole(evaluation.Tokens)} tokens");
        string evaluated = EvaluationSeconds is double took ? $", evaluated in {Terminal.Figures.Seconds(took)}" : "";
        writer.WriteLine($"quantized in {Terminal.Figures.Seconds(Seconds)}{evaluated}, peak memory "
            + $"{Terminal.Figures.Size(PeakMemoryBytes)}");
        writer.WriteLine($"written: {Output}");
    }

    private static TensorFigures Figures(QuantizedTensorReport tensor)
    {
        PackedLayout layout = tensor.Layout;
        long weights = (long)layout.Rows * layout.Columns;
        return new TensorFigures(tensor.Name, layout.CodeBits, layout.GroupColumns, weights, layout.StoredBytes,
            8.0 * layout.StoredBytes / weights, tensor.Exponents, tensor.Error.SignalToNoise,
            tensor.Solved is MatrixReport solved ? new SolverFigures(
                solved.Nearest, solved.Objective, solved.Damping, solved.DeadChannels, solved.Fallback?.Message, solved.Seconds) : null);
    }
}

/// <summary>The memory of this process.</summary>
internal static class ProcessMemory
{
    /// <summary>The most physical memory that the process has had, mapped files included.</summary>
    public static long PeakBytes
    {
        get
        {
            using var process = System.Diagnostics.Process.GetCurrentProcess();
            return process.PeakWorkingSet64;
        }
    }
}
