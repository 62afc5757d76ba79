using System.Text.Json;
using System.Text.Json.Serialization;
using Vernier.Files;
using Vernier.Files.Safetensors;
using Vernier.Packing;

namespace Vernier.Quantization.Pipeline;

/// <summary>
/// The matrices that are finished, each in a safetensors file of its own, which gets its name once all its bytes are on the disk: a run that is killed loses
/// the matrix in hand. In the metadata stand the matrix, the report of its solver and the SHA-256 of its arrays; a file that is damaged all the same counts
/// as not there. docs/pipeline.md describes the folder.
/// </summary>
internal sealed class Journal
{
    private const string FingerprintName = "fingerprint.json", Extension = ".safetensors";

    private static readonly JsonSerializerOptions s_json = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower, NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals };

    private readonly string _folder;
    private readonly Dictionary<string, int> _numbers;
    private readonly Dictionary<string, Entry> _entries = new(StringComparer.Ordinal);

    /// <summary>Opens the journal of a run, empty or as an earlier run has left it.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="plan">What is being quantized.</param>
    /// <param name="fingerprint">The run.</param>
    /// <exception cref="InvalidFileException">The journal is that of a run with other inputs.</exception>
    public Journal(string folder, QuantizationPlan plan, Fingerprint fingerprint)
    {
        _folder = folder;
        _numbers = plan.Tensors.Index().ToDictionary(pair => pair.Item.Tensor.Name, pair => pair.Index, StringComparer.Ordinal);
        string path = Path.Combine(folder, FingerprintName);
        if (File.Exists(path) && Fingerprint.Parse(File.ReadAllBytes(path)) is Fingerprint earlier)
        {
            if (fingerprint.Differences(earlier) is { Length: > 0 } differences)
                throw new InvalidFileException(path, "resume-other-inputs", $"the unfinished run had other inputs: {differences}", "Give the same inputs again, or say --force in place of --resume to start afresh");
            foreach (PlannedTensor planned in plan.Tensors.Where(planned => planned.Layout is not null))
                Restore(planned);
            return;
        }
        if (Directory.Exists(folder))
            Directory.Delete(folder, recursive: true);
        Directory.CreateDirectory(folder);
        DurableFile.Write(path, fingerprint.ToJson());
    }

    /// <summary>The number of finished matrices.</summary>
    public int Count => _entries.Count;

    /// <summary>Whether a folder holds a finished matrix.</summary>
    public static bool HasEntries(string folder) => Directory.Exists(folder) && Directory.EnumerateFiles(folder, "*" + Extension).Any();

    /// <summary>Whether a matrix is finished.</summary>
    public bool Contains(string name) => _entries.ContainsKey(name);

    /// <summary>The report of a finished matrix; null where it was rounded without data.</summary>
    public SolvedLayerReport? ReportOf(string name) => _entries[name].Report;

    /// <summary>The SHA-256 of the arrays of a finished matrix.</summary>
    public string HashOf(string name) => _entries[name].Hash;

    /// <summary>Adds a matrix and brings it to the disk.</summary>
    /// <exception cref="IOException">The disk can't be written.</exception>
    public void Add(PlannedTensor planned, PackedMatrix packed, SolvedLayerReport? report)
    {
        string name = planned.Tensor.Name, path = PathOf(name);
        IReadOnlyList<TensorInfo> arrays = planned.Layout!.Arrays(name);
        ReadOnlyMemory<byte>[] bytes = [.. packed.ArrayBytes()];
        string hash = ContentHash.Of(bytes);
        var metadata = new Dictionary<string, string>(StringComparer.Ordinal) { ["tensor"] = name, ["sha256"] = hash, ["report"] = JsonSerializer.Serialize(report, s_json) };
        // What was rounded without data is soon done again.
        using (var writer = new SafetensorsWriter(path, arrays, metadata) { Durable = report is not null })
        {
            foreach ((TensorInfo array, ReadOnlyMemory<byte> content) in arrays.Zip(bytes))
                writer.Write(array.Name, content.Span);
            writer.Complete();
        }
        _entries[name] = new Entry(path, hash, report);
    }

    /// <summary>Reads a finished matrix.</summary>
    /// <exception cref="InvalidFileException">Its file has been changed since.</exception>
    public PackedMatrix Read(PlannedTensor planned)
    {
        using Checkpoint file = Checkpoint.OpenFile(_entries[planned.Tensor.Name].Path);
        return PackedMatrixReader.Read(file, planned.Tensor.Name, planned.Layout!);
    }

    /// <summary>Copies the arrays of a finished matrix.</summary>
    /// <exception cref="InvalidFileException">Its file has been changed since.</exception>
    public void CopyTo(CheckpointWriter writer, PlannedTensor planned)
    {
        using Checkpoint file = Checkpoint.OpenFile(_entries[planned.Tensor.Name].Path);
        foreach (TensorInfo array in planned.Layout!.Arrays(planned.Tensor.Name))
            TensorBytes.Copy(file, array, writer);
    }

    private void Restore(PlannedTensor planned)
    {
        string name = planned.Tensor.Name, path = PathOf(name);
        if (!File.Exists(path))
            return;
        try
        {
            using Checkpoint file = Checkpoint.OpenFile(path);
            IReadOnlyDictionary<string, string> metadata = file.Files[0].Metadata;
            string hash = ContentHash.Of(file, planned.Layout!.Arrays(name).Select(array => file[array.Name]));
            if (metadata["tensor"] == name && metadata["sha256"] == hash)
                _entries[name] = new Entry(path, hash, JsonSerializer.Deserialize<SolvedLayerReport>(metadata["report"], s_json));
        }
        catch (Exception e) when (e is InvalidFileException or KeyNotFoundException or JsonException)
        {
            // A damaged file counts as not there.
        }
    }

    private string PathOf(string name) => Path.Combine(_folder, $"{_numbers[name]:D5}{Extension}");

    private sealed record Entry(string Path, string Hash, SolvedLayerReport? Report);
}
