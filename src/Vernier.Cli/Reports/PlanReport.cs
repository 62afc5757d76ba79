using Vernier.Cli.Terminal;
using Vernier.Quantization.Pipeline;
using Vernier.Quantization.Weights;

namespace Vernier.Cli.Reports;

/// <summary>What a plan does with the tensors of one role. <c>bits</c> is null where they stay as they are.</summary>
internal sealed record RoleFigures(string Role, int Tensors, long Weights, double? Bits, long Bytes, double BitsPerWeight);

/// <summary>
/// The result of vernier quantize --dry-run: what would be written, to the byte, and what it takes. <c>seconds</c> is an estimate;
/// <c>smallest_memory_bytes</c>
/// is the least that --memory may say; <c>bits</c>, <c>group</c> and <c>embedding_bits</c> are null for
/// a GGUF file.
/// </summary>
internal sealed record PlanReport(
    bool DryRun, string Model, string Output, string Recipe, int? Bits, int? Group, int? EmbeddingBits, long Parameters,
        ModelFigures Before, ModelFigures After,
    long PeakMemoryBytes, long SmallestMemoryBytes, long DiskBytes, double Seconds, IReadOnlyList<RoleFigures> Roles,
        IReadOnlyList<string> Notes)
{
    /// <summary>Describes a plan.</summary>
    /// <param name="plan">The plan.</param>
    /// <param name="output">The folder or the file to be written.</param>
    /// <param name="file">The bytes of each tensor of a GGUF file; null for a folder.</param>
    /// <param name="bytes">Its size.</param>
    /// <param name="estimate">What it takes.</param>
    /// <param name="notes">What the user should know.</param>
    public static PlanReport Of(QuantizationPlan plan, string output, IReadOnlyDictionary<string, long>? file, long bytes,
        RunEstimate estimate, IReadOnlyList<string> notes)
    {
        QuantizationOptions options = plan.Options;
        bool blocks = file is not null;
        string other = blocks ? "in no blocks" : "as it was";
        List<RoleFigures> roles =
        [
            .. plan.Tensors.OrderBy(planned => planned.Layout is null ? TensorRole.Other : planned.Role)
                .GroupBy(planned => (Role: planned.Layout is null ? other : RoleName(planned.Role), planned.Layout?.CodeBits))
                    .Select(group => Figures(group, file)),
        ];
        long headers = bytes - roles.Sum(role => role.Bytes);
        roles.Add(new RoleFigures(blocks ? "metadata, tokenizer and padding" : "headers and config.json", 0, 0, null, headers, double.NaN));
        return new PlanReport(true, plan.Model.Path, output, options.Recipe.Name, blocks ? null : options.LinearBits,
            blocks ? null : options.LinearGranularity.GroupColumns, blocks ? null : options.EmbeddingBits, plan.Parameters,
            new ModelFigures(plan.SourceBytes, plan.SourceBitsPerWeight), new ModelFigures(bytes, 8.0 * bytes / plan.Parameters),
            estimate.PeakMemoryBytes, estimate.Memory.SmallestCeiling, estimate.DiskBytes, estimate.Seconds, roles, notes);
    }

    /// <summary>Writes the plan for people.</summary>
    public void WriteTo(TextWriter writer)
    {
        var table = new TextTable("", ">tensors", ">weights", ">bits", ">bits per weight", ">bytes");
        foreach (RoleFigures role in Roles)
        {
            bool tensors = role.Tensors > 0;
            table.Add(role.Role, tensors ? Terminal.Figures.Whole(role.Tensors) : "", tensors ? Terminal.Figures.Whole(role.Weights)
                : "", role.Bits?.ToString() ?? "",
                tensors ? $"{role.BitsPerWeight:0.000}" : "", Terminal.Figures.Whole(role.Bytes));
        }
        table.Add("total", Terminal.Figures.Whole(Roles.Sum(role => role.Tensors)), Terminal.Figures.Whole(Parameters), "",
            $"{After.BitsPerWeight:0.000}", Terminal.Figures.Whole(After.Bytes));
        table.Write(writer);
        writer.WriteLine();
        var needs = new TextTable("takes", ">up to", "");
        needs.Add("memory", Terminal.Figures.Size(PeakMemoryBytes), $"at least --memory {(SmallestMemoryBytes + 999_999) / 1_000_000}MB");
        needs.Add("disk", Terminal.Figures.Size(DiskBytes), "the model and its companions, and the journal while it is made");
        needs.Add("time", Terminal.Figures.Duration(Seconds), "an estimate, from the speed of this machine");
        needs.Write(writer);
        writer.WriteLine();
        writer.WriteLine("nothing was written: this is a dry run");
    }

    // What a GGUF file leaves out, such as a head that is the embedding, takes nothing.
    private static RoleFigures Figures(IGrouping<(string Role, double? Bits), TensorPlan> group, IReadOnlyDictionary<string, long>? file)
    {
        long weights = group.Sum(planned => planned.Tensor.Count), bytes = group.Sum(planned => file is not null
            ? file.GetValueOrDefault(planned.Name) : planned.Layout?.StoredBytes ?? planned.Tensor.Bytes);
        return new RoleFigures(group.Key.Role, group.Count(), weights, group.Key.Bits, bytes, 8.0 * bytes / weights);
    }

    private static string RoleName(TensorRole role) => role == TensorRole.Linear ? "linear" : "embedding";
}
