using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Vernier.Quantization.Solvers;

namespace Vernier.Quantization.Pipeline;

/// <summary>
/// The report.json of a written model: what it was made from, how, and what became of each matrix. All of it but the last member, <c>seconds</c>, is the same
/// in each run of the same inputs. docs/pipeline.md lists the members.
/// </summary>
internal static class RunReport
{
    /// <summary>The name of the file in the model's folder.</summary>
    public const string FileName = "report.json";

    private static readonly JsonSerializerOptions s_json = new() { WriteIndented = true, NewLine = "\n", Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Writes the file.</summary>
    public static void Write(string folder, QuantizationPlan plan, Fingerprint fingerprint, string? calibration, IReadOnlyList<QuantizedTensorReport> reports, double seconds)
    {
        QuantizationOptions options = plan.Options;
        HashSet<string> linear = [.. plan.Tensors.Where(planned => planned.Role == TensorRole.Linear).Select(planned => planned.Tensor.Name)];
        IReadOnlyList<QuantizedTensorReport> layers = [.. reports.Where(report => linear.Contains(report.Name))];
        SolvedLayerReport[] solved = [.. layers.Select(report => report.Solved).OfType<SolvedLayerReport>()];
        var json = new JsonObject
        {
            ["version"] = fingerprint.Parts["version"],
            ["recipe"] = JsonNode.Parse(options.Recipe.ToJson()),
            ["bits"] = options.Bits,
            ["group"] = options.Granularity.GroupColumns,
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
            ["fingerprint"] = JsonSerializer.SerializeToNode(fingerprint.Parts),
            ["tensors"] = new JsonArray([.. reports.Select(ToJson)]),
            ["seconds"] = new JsonObject
            {
                ["run"] = seconds,
                ["tensors"] = new JsonObject(reports.Where(report => report.Solved is not null).Select(report => KeyValuePair.Create(report.Name, (JsonNode?)report.Solved!.Seconds))),
            },
        };
        DurableFile.Write(Path.Combine(folder, FileName), JsonSerializer.SerializeToUtf8Bytes(json, s_json));
    }

    /// <summary>Reads the reports back from a folder, if it was written by a run of this fingerprint.</summary>
    /// <returns>The reports, or null where the folder, or its file, is another's.</returns>
    public static IReadOnlyList<QuantizedTensorReport>? TryRead(string folder, QuantizationPlan plan, Fingerprint fingerprint)
    {
        string path = Path.Combine(folder, FileName);
        if (!File.Exists(path))
            return null;
        try
        {
            JsonNode json = JsonNode.Parse(File.ReadAllBytes(path))!;
            if (Fingerprint.Parse(JsonSerializer.SerializeToUtf8Bytes(json["fingerprint"])) is not Fingerprint earlier || fingerprint.Differences(earlier).Length > 0)
                return null;
            Dictionary<string, PlannedTensor> planned = plan.Tensors.Where(tensor => tensor.Spec is not null).ToDictionary(tensor => tensor.Tensor.Name, StringComparer.Ordinal);
            return [.. json["tensors"]!.AsArray().Select(tensor => FromJson(tensor!, planned, json["seconds"]!["tensors"]!))];
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or NullReferenceException or KeyNotFoundException or FormatException)
        {
            return null;
        }
    }

    private static JsonNode? ToJson(QuantizedTensorReport report)
    {
        SolvedLayerReport? solved = report.Solved;
        return new JsonObject
        {
            ["name"] = report.Name,
            ["bits"] = report.Spec.Bits,
            ["group"] = report.Spec.Granularity.GroupColumns,
            ["bytes"] = report.Spec.StoredBytes,
            ["exponents"] = new JsonArray([.. report.Exponents.Select(exponent => (JsonNode)exponent)]),
            ["squared_error"] = report.Error.SquaredError,
            ["squared_norm"] = report.Error.SquaredNorm,
            ["snr_db"] = Finite(report.Error.SignalToNoise),
            ["solver"] = solved is null ? null : new JsonObject
            {
                ["objective_nearest"] = Finite(solved.Nearest),
                ["objective"] = Finite(solved.Objective),
                ["damping"] = solved.Damping,
                ["dead_channels"] = solved.DeadChannels,
                ["fallback"] = solved.Fallback,
            },
        };
    }

    private static QuantizedTensorReport FromJson(JsonNode json, Dictionary<string, PlannedTensor> planned, JsonNode seconds)
    {
        string name = json["name"]!.GetValue<string>();
        SolvedLayerReport? solved = json["solver"] is not JsonNode solver ? null : new SolvedLayerReport(
            Number(solver["objective_nearest"]), Number(solver["objective"]), Number(solver["damping"]), solver["dead_channels"]!.GetValue<int>(), solver["fallback"]?.GetValue<string>(), Number(seconds[name]));
        return new QuantizedTensorReport(name, planned[name].Spec!, [.. json["exponents"]!.AsArray().Select(Number)], new WeightError(Number(json["squared_error"]), Number(json["squared_norm"])), solved);
    }

    private static double Number(JsonNode? json) => json?.GetValue<double>() ?? double.NaN;

    // JSON has no NaN and no infinities.
    private static JsonNode? Finite(double value) => double.IsFinite(value) ? value : null;

    private static JsonNode? Mean(IEnumerable<double> values) => Finite(values.DefaultIfEmpty(double.NaN).Average());
}
