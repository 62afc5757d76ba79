using System.Globalization;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Text.Encodings.Web;
using System.Text.Json;
using Vernier.Inference.Models;
using Vernier.Quantization.Calibration;
using Vernier.Quantization.Gguf;

namespace Vernier.Quantization.Pipeline;

/// <summary>
/// All that the written model follows from, by name: the version of this library, the recipe with every part, the other options, the
/// calibration tokens,
/// and the content of the model's files. Two runs of the same fingerprint write the same model.
/// </summary>
internal sealed class Fingerprint
{
    private const int LongestValue = 40;

    private static readonly JsonSerializerOptions s_json =
        new() { WriteIndented = true, NewLine = "\n", Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Wraps what is known by name.</summary>
    public Fingerprint(IReadOnlyDictionary<string, string> parts) => Parts = parts;

    /// <summary>What there is, in a fixed order.</summary>
    public IReadOnlyDictionary<string, string> Parts { get; }

    /// <summary>The fingerprint of a run. Reads all files of the model once.</summary>
    /// <exception cref="IOException">A file can't be read.</exception>
    public static Fingerprint Of(QuantizationPlan plan, CalibrationSet? set, GgufTypes? gguf, CancellationToken cancellation)
    {
        QuantizationOptions options = plan.Options;
        var parts = new OrderedDictionary<string, string>(StringComparer.Ordinal)
        {
            ["version"] = typeof(Fingerprint).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion,
            ["recipe"] = options.Recipe.Name,
            ["recipe_parts"] = options.Recipe.ToJson(),
            ["bits"] = options.Bits.ToString(CultureInfo.InvariantCulture),
            ["group"] = options.AskedGranularity.ToString(),
            ["embedding_bits"] = options.EmbeddingBits?.ToString(CultureInfo.InvariantCulture) ?? "none",
            // Bits and granularity are not all: a type of GGUF gives each tensor a format of its own.
            ["layouts"] = $"sha256 {ContentHash.Of([plan.Config])}",
            ["importance"] = options.Importance is null ? "none" : $"sha256 {HashOf(options.Importance)}",
            ["keep"] = options.Keep?.ToString() ?? "none",
            ["calibration"] = set is null ? "none" : $"{set.Sequences.Count} sequences of {set.Length} tokens, sha256 {HashOf(set)}",
        };
        // Nor do layouts say the types of what is in no blocks.
        if (gguf is not null)
            parts["types"] = $"sha256 {ContentHash.Of([System.Text.Encoding.UTF8.GetBytes(gguf.Describe(plan.Model))])}";
        foreach (string path in plan.Checkpoint.Files.Select(file => file.Path)
            .Concat(plan.Model.Kind == ModelKind.Gguf ? [] : [plan.Model.ConfigPath]))
            parts[Path.GetFileName(path)] =
                $"{new FileInfo(path).Length} bytes, sha256 of the sha256 of 16 MiB each "
                + $"{ContentHash.OfFile(path, plan.Workers, cancellation)}";
        return new Fingerprint(parts);
    }

    /// <summary>Reads what <see cref="ToJson"/> wrote; null where it is damaged.</summary>
    public static Fingerprint? Parse(byte[] json)
    {
        try
        {
            return JsonSerializer.Deserialize<OrderedDictionary<string, string>>(json) is { } parts ? new Fingerprint(parts) : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>The fingerprint as a JSON object of strings.</summary>
    public byte[] ToJson() => JsonSerializer.SerializeToUtf8Bytes(Parts, s_json);

    /// <summary>What differs, for people; empty where nothing does.</summary>
    public string Differences(Fingerprint earlier)
    {
        IEnumerable<string> names = Parts.Keys.Union(earlier.Parts.Keys, StringComparer.Ordinal)
            .Where(name => Parts.GetValueOrDefault(name) != earlier.Parts.GetValueOrDefault(name));
        return string.Join(", ", names.Select(name =>
            Describe(name, earlier.Parts.GetValueOrDefault(name, "none"), Parts.GetValueOrDefault(name, "none"))));
    }

    private static string Describe(string name, string before, string now) =>
        before.Length <= LongestValue && now.Length <= LongestValue ? $"{name} ({before} then, {now} now)" : name;

    private static string HashOf(IReadOnlyDictionary<string, float[]> importance) =>
        ContentHash.Of(importance.OrderBy(pair => pair.Key, StringComparer.Ordinal)
        .SelectMany(pair => (ReadOnlyMemory<byte>[])[System.Text.Encoding.UTF8.GetBytes(pair.Key),
            MemoryMarshal.AsBytes(pair.Value.AsSpan()).ToArray()]));

    private static string HashOf(CalibrationSet set) =>
        ContentHash.Of(set.Sequences.Select(tokens => (ReadOnlyMemory<byte>)MemoryMarshal.AsBytes(tokens.AsSpan()).ToArray()));
}
