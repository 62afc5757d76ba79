using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Vernier.Inference.Models;
using Vernier.Packing;
using Vernier.Quantization.Solvers;
using Vernier.Quantization.Solvers.Nearest;
using Vernier.Quantization.Weights;

namespace Vernier.Quantization.Pipeline;

/// <summary>
/// The report.json of a written model: what it was made from, how, and what became of each matrix. All of it but the last member,
/// <c>seconds</c>, is the same
/// in each run of the same inputs. docs/pipeline.md lists the members.
/// </summary>
internal static class RunReport
{
    /// <summary>The name of the file in the model's folder.</summary>
    public const string FileName = "report.json";

    private static readonly JsonSerializerOptions s_json =
        new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower, WriteIndented = true, NewLine = "\n",
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Writes the file.</summary>
    public static void Write(string folder, QuantizationPlan plan, Fingerprint fingerprint, string? calibration,
        IReadOnlyList<QuantizedTensorReport> reports, IReadOnlyList<LostNumbers> others, double seconds)
    {
        QuantizationOptions options = plan.Options;
        HashSet<string> linear = [.. plan.Tensors.Where(planned => planned.Role == TensorRole.Linear)
            .Select(planned => planned.Tensor.Name)];
        IReadOnlyList<QuantizedTensorReport> layers = [.. reports.Where(report => linear.Contains(report.Name))];
        MatrixReport[] solved = [.. layers.Select(report => report.Solved).OfType<MatrixReport>()];
        var json = new JsonObject
        {
            ["version"] = fingerprint.Parts["version"],
            ["recipe"] = JsonNode.Parse(options.Recipe.ToJson()),
            ["bits"] = options.LinearBits,
            ["group"] = options.LinearGranularity.GroupColumns,
            ["embedding_bits"] = options.EmbeddingBits,
            ["keep"] = options.Keep?.ToString(),
            ["calibration"] = calibration,
            ["parameters"] = plan.Parameters,
            ["source_bytes"] = plan.SourceBytes,
            ["bytes"] = plan.Bytes,
            ["bits_per_weight"] = plan.BitsPerWeight,
            ["objective_nearest"] = Mean(solved.Select(layer => layer.Nearest)),
            ["objective"] = Mean(layers.Select(layer => layer.Solved?.Objective ?? layer.Error.Relative)),
            ["dead_channels"] = solved.Sum(layer => (long)layer.DeadChannels),
            ["fallbacks"] = solved.Count(layer => layer.Fallback is not null),
            ["lost"] = JsonSerializer.SerializeToNode(
                reports.Select(report => report.Error.Lost).OfType<LostNumbers>().Concat(others), s_json),
            ["fingerprint"] = JsonSerializer.SerializeToNode(fingerprint.Parts),
            ["tensors"] = JsonSerializer.SerializeToNode(reports.Select(Tensor.Of), s_json),
            ["seconds"] = JsonSerializer.SerializeToNode(
                new Times(seconds, reports.Where(report => report.Solved is not null)
                .ToDictionary(report => report.Name, report => report.Solved!.Seconds, StringComparer.Ordinal)), s_json),
        };
        DurableFile.Write(Path.Combine(folder, FileName), JsonSerializer.SerializeToUtf8Bytes(json, s_json));
    }

    /// <summary>Reads the reports back from a folder, if it was written by a run of this fingerprint.</summary>
    /// <returns>The reports, or null where the folder, or its file, is another's.</returns>
    public static IReadOnlyList<QuantizedTensorReport>? TryRead(string path, QuantizationPlan plan, Fingerprint fingerprint)
    {
        if (!File.Exists(path))
            return null;
        Readable? file;
        try
        {
            file = JsonSerializer.Deserialize<Readable>(File.ReadAllBytes(path), s_json);
        }
        catch (JsonException)
        {
            return null;
        }
        if (file is not { Fingerprint: not null, Tensors: not null, Seconds.Tensors: not null }
            || fingerprint.Differences(new Fingerprint(file.Fingerprint)).Length > 0)
            return null;
        Dictionary<string, TensorPlan> planned = plan.Tensors.ToDictionary(tensor => tensor.Tensor.Name, StringComparer.Ordinal);
        return [.. file.Tensors.Select(tensor => tensor.ToReport(planned[tensor.Name].Layout!,
            file.Lost?.Find(lost => lost.Tensor == tensor.Name), file.Seconds.Tensors))];
    }

    // JSON has no NaN and no infinities.
    private static double? Finite(double value) => double.IsFinite(value) ? value : null;

    private static double? Mean(IEnumerable<double> values) => Finite(values.DefaultIfEmpty(double.NaN).Average());

    private static double Number(double? value) => value ?? double.NaN;

    private sealed record Readable(OrderedDictionary<string, string>? Fingerprint, List<LostNumbers>? Lost, List<Tensor>? Tensors,
        Times? Seconds);

    private sealed record Times(double Run, Dictionary<string, double> Tensors);

    private sealed record Solver(double? ObjectiveNearest, double? Objective, double Damping, int DeadChannels, Fallback? Fallback);

    private sealed record Tensor(string Name, double Bits, int Group, long Bytes, IReadOnlyList<double> Exponents, double SquaredError,
        double SquaredNorm, double? SnrDb, Solver? Solver)
    {
        public static Tensor Of(QuantizedTensorReport report) => new(
            report.Name, report.Layout.CodeBits, report.Layout.GroupColumns, report.Layout.StoredBytes, report.Exponents,
                report.Error.SquaredError, report.Error.SquaredNorm, Finite(report.Error.SignalToNoise),
            report.Solved is not MatrixReport solved ? null
                : new Solver(Finite(solved.Nearest), Finite(solved.Objective), solved.Damping, solved.DeadChannels, solved.Fallback));

        public QuantizedTensorReport ToReport(PackedLayout layout, LostNumbers? lost, Dictionary<string, double> seconds) => new(
            Name, layout, Exponents, new WeightError(SquaredError, SquaredNorm) { Lost = lost },
            Solver is null ? null : new MatrixReport(
                Number(Solver.ObjectiveNearest), Number(Solver.Objective), Solver.Damping, Solver.DeadChannels, Solver.Fallback,
                seconds.GetValueOrDefault(Name)));
    }
}
