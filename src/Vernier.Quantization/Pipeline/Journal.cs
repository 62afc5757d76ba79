using System.Collections.Concurrent;
using System.Text.Json;
using System.Text.Json.Serialization;
using Vernier.Errors;
using Vernier.Files.Checkpoints;
using Vernier.Packing;

namespace Vernier.Quantization.Pipeline;

/// <summary>
/// The matrices that are finished. Their arrays lie where they belong in the result, and an entry that names the matrix, the SHA-256 of its arrays and the report of
/// its solver is made once they are on the disk: a run that is killed loses the matrix in hand. An entry that is damaged, or whose arrays are, counts as not there.
/// docs/pipeline.md describes the folder.
/// </summary>
internal sealed class Journal
{
    private const string FingerprintName = "fingerprint.json", Extension = ".matrix.json";

    private static readonly JsonSerializerOptions s_json = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower, NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals };

    private readonly string _folder;
    private readonly Dictionary<string, int> _numbers;
    private readonly ConcurrentDictionary<string, Entry> _entries = new(StringComparer.Ordinal);

    /// <summary>Opens the journal of a run, empty or as an earlier run has left it.</summary>
    /// <param name="folder">The folder of the entries.</param>
    /// <param name="result">The folder of the result.</param>
    /// <param name="plan">What is being quantized.</param>
    /// <param name="fingerprint">The run.</param>
    /// <exception cref="InvalidFileException">The journal is that of a run with other inputs.</exception>
    /// <exception cref="IOException">The disk has no room for the result.</exception>
    public Journal(string folder, string result, QuantizationPlan plan, Fingerprint fingerprint)
    {
        _folder = folder;
        _numbers = plan.Tensors.Index().ToDictionary(pair => pair.Item.Tensor.Name, pair => pair.Index, StringComparer.Ordinal);
        string path = Path.Combine(folder, FingerprintName);
        Fingerprint? earlier = File.Exists(path) ? Fingerprint.Parse(File.ReadAllBytes(path)) : null;
        if (earlier is not null && fingerprint.Differences(earlier) is { Length: > 0 } differences)
            throw new InvalidFileException(path, "resume-other-inputs", $"the unfinished run had other inputs: {differences}", "Give the same inputs again, or say --force in place of --resume to start afresh");
        foreach (string old in new[] { folder, result })
        {
            if (earlier is null && Directory.Exists(old))
                Directory.Delete(old, recursive: true);
            Directory.CreateDirectory(old);
        }
        Result = new CheckpointDraft(result, plan.Arrays);
        if (earlier is null)
        {
            DurableFile.Write(path, fingerprint.ToJson());
            return;
        }
        using Checkpoint written = Result.Open();
        foreach (PlannedTensor planned in plan.Tensors.Where(planned => planned.Layout is not null))
            Restore(planned, written);
    }

    /// <summary>The tensors of the result.</summary>
    public CheckpointDraft Result { get; }

    /// <summary>The number of finished matrices.</summary>
    public int Count => _entries.Count;

    /// <summary>Whether a folder holds a finished matrix.</summary>
    public static bool HasEntries(string folder) => Directory.Exists(folder) && Directory.EnumerateFiles(folder, "*" + Extension).Any();

    /// <summary>Whether a matrix is finished.</summary>
    public bool Contains(string name) => _entries.ContainsKey(name);

    /// <summary>The report of a finished matrix; null where it was rounded without data.</summary>
    public SolvedLayerReport? ReportOf(string name) => _entries[name].Report;

    /// <summary>The SHA-256 of the arrays of a finished matrix.</summary>
    public string HashOf(string name) => _entries[name].Sha256;

    /// <summary>Writes a matrix where it belongs and notes that it is there; on the disk too, unless it was rounded without data and is soon done again.</summary>
    /// <exception cref="IOException">The disk can't be written.</exception>
    public void Add(PlannedTensor planned, PackedMatrix packed, SolvedLayerReport? report)
    {
        string name = planned.Tensor.Name;
        ReadOnlyMemory<byte>[] bytes = [.. packed.ArrayBytes()];
        string[] arrays = [.. planned.Layout!.Arrays(name).Select(array => array.Name)];
        foreach ((string array, ReadOnlyMemory<byte> content) in arrays.Zip(bytes))
            Result.Write(array, 0, content.Span);
        if (report is not null)
            Result.Flush(arrays);
        var entry = new Entry(name, ContentHash.OfPieces(bytes), report);
        DurableFile.Write(PathOf(name), JsonSerializer.SerializeToUtf8Bytes(entry, s_json), durable: report is not null);
        _entries[name] = entry;
    }

    /// <summary>Reads a finished matrix.</summary>
    /// <exception cref="InvalidFileException">The result has been changed by others.</exception>
    public PackedMatrix Read(PlannedTensor planned)
    {
        using Checkpoint written = Result.Open();
        return PackedMatrixReader.Read(written, planned.Tensor.Name, planned.Layout!);
    }

    private void Restore(PlannedTensor planned, Checkpoint written)
    {
        string name = planned.Tensor.Name, path = PathOf(name);
        if (!File.Exists(path))
            return;
        try
        {
            Entry? entry = JsonSerializer.Deserialize<Entry>(File.ReadAllBytes(path), s_json);
            if (entry?.Tensor == name && entry.Sha256 == ContentHash.OfPieces(PackedMatrixReader.Read(written, name, planned.Layout!).ArrayBytes()))
                _entries[name] = entry;
        }
        catch (Exception e) when (e is InvalidFileException or JsonException)
        {
            // What is damaged counts as not there.
        }
    }

    private string PathOf(string name) => Path.Combine(_folder, $"{_numbers[name]:D5}{Extension}");

    private sealed record Entry(string Tensor, string Sha256, SolvedLayerReport? Report);
}
