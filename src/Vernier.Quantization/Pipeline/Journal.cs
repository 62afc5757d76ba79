using System.Collections.Concurrent;
using System.Text.Json;
using System.Text.Json.Serialization;
using Vernier.Errors;
using Vernier.Inference.Models;
using Vernier.Numerics;
using Vernier.Packing;
using Vernier.Quantization.Solvers;

namespace Vernier.Quantization.Pipeline;

/// <summary>
/// The matrices that are finished. Their arrays lie where they belong in the result, and an entry that names the matrix, the SHA-256 of
/// its arrays and the report of
/// its solver is made once they are on the disk: a run that is killed loses the matrix in hand. An entry that is damaged, or whose arrays
/// are, counts as not there.
/// docs/pipeline.md describes the folder.
/// </summary>
internal sealed class Journal : IDisposable
{
    private const string FingerprintName = "fingerprint.json", Extension = ".matrix.json";

    private static readonly JsonSerializerOptions s_json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
    };

    private readonly string _folder;
    private readonly Action<FaultPoint, string>? _trace;
    private readonly Workers _workers;
    private readonly Dictionary<string, int> _numbers;
    private readonly ConcurrentDictionary<string, Entry> _entries = new(StringComparer.Ordinal);

    private Journal(string folder, QuantizationPlan plan, ModelWriter result, Action<FaultPoint, string>? trace)
    {
        (_folder, _trace, Result, _workers) = (folder, trace, result, plan.Workers);
        _numbers = plan.Tensors.Index().ToDictionary(pair => pair.Item.Tensor.Name, pair => pair.Index, StringComparer.Ordinal);
    }

    /// <summary>Opens the journal of a run, empty or as an earlier run has left it.</summary>
    /// <param name="output">The folder of the run.</param>
    /// <param name="plan">What is being quantized.</param>
    /// <param name="fingerprint">The run.</param>
    /// <param name="open">Opens the result, whose folder is there.</param>
    /// <param name="trace">Told when a matrix comes to a point at which a run may be killed, and its name; null in all runs but those of
    /// tests.</param>
    /// <exception cref="InvalidFileException">The journal is that of a run with other inputs.</exception>
    /// <exception cref="IOException">The disk has no room for the result.</exception>
    public static Journal Open(OutputFolder output, QuantizationPlan plan, Fingerprint fingerprint, Func<ModelWriter> open,
        Action<FaultPoint, string>? trace)
    {
        string path = Path.Combine(output.Journal, FingerprintName);
        Fingerprint? earlier = File.Exists(path) ? Fingerprint.Parse(File.ReadAllBytes(path)) : null;
        if (earlier is not null && fingerprint.Differences(earlier) is { Length: > 0 } differences)
            throw new InvalidFileException(path, "resume-other-inputs", $"the unfinished run had other inputs: {differences}",
                "Give the same inputs again, or start afresh");
        foreach (string old in new[] { output.Journal, output.Result })
        {
            if (earlier is null && Directory.Exists(old))
                Directory.Delete(old, recursive: true);
            Directory.CreateDirectory(old);
        }
        var journal = new Journal(output.Journal, plan, open(), trace);
        if (earlier is null)
            DurableFile.Write(path, fingerprint.ToJson());
        else
            journal.Restore(plan);
        return journal;
    }

    /// <summary>The tensors of the result.</summary>
    public ModelWriter Result { get; }

    /// <summary>The number of finished matrices.</summary>
    public int Count => _entries.Count;

    /// <summary>Whether a folder holds a finished matrix.</summary>
    public static bool HasEntries(string folder) => Directory.Exists(folder) && Directory.EnumerateFiles(folder, "*" + Extension).Any();

    /// <summary>Whether a matrix is finished.</summary>
    public bool Contains(string name) => _entries.ContainsKey(name);

    /// <summary>The report of a finished matrix; null where it was rounded without data.</summary>
    public MatrixReport? ReportOf(string name) => _entries[name].Report;


    /// <summary>Writes a matrix where it belongs and notes that it is there; on the disk too, unless it was rounded without data and is
    /// soon done again.</summary>
    /// <exception cref="IOException">The disk can't be written.</exception>
    public void Add(TensorPlan planned, PackedMatrix packed, MatrixReport? report)
    {
        string name = planned.Tensor.Name;
        _trace?.Invoke(FaultPoint.BeforeArrays, name);
        Result.Write(name, packed);
        if (report is not null)
            Result.Flush();
        _trace?.Invoke(FaultPoint.BeforeEntry, name);
        var entry = new Entry(name, ContentHash.OfPieces(packed.ArrayBytes(), _workers), report);
        DurableFile.Write(PathOf(name), JsonSerializer.SerializeToUtf8Bytes(entry, s_json), durable: report is not null);
        _entries[name] = entry;
        _trace?.Invoke(FaultPoint.AfterEntry, name);
    }

    /// <summary>Reads a finished matrix from where it lies.</summary>
    /// <exception cref="InvalidFileException">The result has been changed by others.</exception>
    public PackedMatrix Read(TensorPlan planned) => Result.Read(planned.Tensor.Name);

    /// <summary>Whether a finished matrix reads back as it was solved.</summary>
    /// <param name="name">The matrix.</param>
    /// <param name="packed">What was read.</param>
    public bool IsAsSolved(string name, PackedMatrix packed) =>
        ContentHash.OfPieces(packed.ArrayBytes(), _workers) == _entries[name].Sha256;

    /// <summary>Closes the result.</summary>
    public void Dispose() => Result.Dispose();

    private void Restore(QuantizationPlan plan)
    {
        foreach (TensorPlan planned in plan.Tensors)
        {
            if (planned.Layout is not null && ReadEntry(planned.Tensor.Name) is Entry entry)
                _entries[entry.Tensor] = entry;
        }
    }

    // What is damaged counts as not there.
    private Entry? ReadEntry(string name)
    {
        string path = PathOf(name);
        if (!File.Exists(path))
            return null;
        try
        {
            Entry? entry = JsonSerializer.Deserialize<Entry>(File.ReadAllBytes(path), s_json);
            return entry?.Tensor == name && entry.Sha256 == ContentHash.OfPieces(Result.Read(name).ArrayBytes(), _workers) ? entry : null;
        }
        catch (Exception e) when (e is InvalidFileException or JsonException)
        {
            return null;
        }
    }

    private string PathOf(string name) => Path.Combine(_folder, $"{_numbers[name]:D5}{Extension}");

    private sealed record Entry(string Tensor, string Sha256, MatrixReport? Report);
}
