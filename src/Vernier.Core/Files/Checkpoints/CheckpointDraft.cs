using Microsoft.Win32.SafeHandles;
using Vernier.Errors;
using Vernier.Files.Safetensors;

namespace Vernier.Files.Checkpoints;

/// <summary>
/// The safetensors files of a model folder while they come into being: every tensor has its place from the beginning, is written in any
/// order and by any
/// thread, and can be read as soon as it is written. The files have their names at once, so the folder must be one that nobody takes for
/// finished. A draft that
/// an earlier run has left is continued.
/// </summary>
public sealed class CheckpointDraft
{
    private readonly string _folder;
    private readonly Dictionary<string, Place> _places = new(StringComparer.Ordinal);
    private readonly string[] _paths;

    /// <summary>Reserves the space on the disk and writes the headers, and the index where there are several files.</summary>
    /// <param name="folder">The folder, which must exist.</param>
    /// <param name="tensors">The tensors. What lies in the folder is kept where it is a draft of the same tensors.</param>
    /// <param name="maxShardBytes">The most bytes of tensors in one file, at least 1. A larger tensor gets a file of its own.</param>
    /// <param name="metadata">Pairs for <c>__metadata__</c> of every file.</param>
    /// <exception cref="ArgumentException">As for <see cref="SafetensorsWriter"/>.</exception>
    /// <exception cref="IOException">The folder is missing, or the disk has no room.</exception>
    public CheckpointDraft(string folder, IReadOnlyList<TensorInfo> tensors, long maxShardBytes = CheckpointWriter.DefaultShardBytes,
        IReadOnlyDictionary<string, string>? metadata = null)
    {
        _folder = folder;
        var shards = new CheckpointShards(tensors, maxShardBytes);
        _paths = [.. shards.Names.Select(name => Path.Combine(folder, name))];
        foreach ((string path, TensorInfo[] shard) in _paths.Zip(shards.Tensors))
        {
            var layout = new SafetensorsLayout(shard, metadata);
            for (int i = 0; i < shard.Length; i++)
                _places[shard[i].Name] = new Place(path, layout.Header.Length + layout.Offsets[i], shard[i].Bytes);
            if (!IsDraft(path, layout))
                Begin(path, layout);
        }
        if (shards.Index is byte[] index)
        {
            string path = Path.Combine(folder, CheckpointIndex.FileName);
            OutputFile.Do(path, () => File.WriteAllBytes(path, index));
        }
    }

    /// <summary>Writes bytes of a tensor.</summary>
    /// <param name="name">The tensor.</param>
    /// <param name="firstByte">Where they belong, from the beginning of the tensor.</param>
    /// <param name="bytes">The bytes, little-endian and row-major.</param>
    /// <exception cref="ArgumentOutOfRangeException">They reach beyond the tensor.</exception>
    /// <exception cref="IOException">The disk can't be written.</exception>
    public void Write(string name, long firstByte, ReadOnlySpan<byte> bytes)
    {
        Place place = _places[name];
        ArgumentOutOfRangeException.ThrowIfNegative(firstByte);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(firstByte, place.Bytes - bytes.Length);
        using SafeFileHandle file = File.OpenHandle(place.Path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite);
        OutputFile.Write(file, place.Path, bytes, place.Position + firstByte);
    }

    /// <summary>Brings what is written of some tensors to the disk.</summary>
    /// <exception cref="IOException">The disk can't be written.</exception>
    public void Flush(IEnumerable<string> names) => Flush(names.Select(name => _places[name].Path).ToHashSet(StringComparer.Ordinal));

    /// <summary>Brings all that is written to the disk.</summary>
    /// <exception cref="IOException">The disk can't be written.</exception>
    public void Flush() => Flush(_paths.ToHashSet(StringComparer.Ordinal));

    /// <summary>Opens the files as they are. What was not written has any content.</summary>
    /// <exception cref="InvalidFileException">They have been changed by others.</exception>
    public Checkpoint Open() => Checkpoint.Open(_folder);

    private static void Flush(HashSet<string> paths)
    {
        foreach (string path in paths)
        {
            using SafeFileHandle file = File.OpenHandle(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite);
            RandomAccess.FlushToDisk(file);
        }
    }

    private static bool IsDraft(string path, SafetensorsLayout layout)
    {
        if (!File.Exists(path))
            return false;
        using SafeFileHandle file = File.OpenHandle(path);
        var header = new byte[layout.Header.Length];
        return RandomAccess.GetLength(file) == layout.Size && RandomAccess.Read(file, header, 0) == header.Length
            && header.AsSpan().SequenceEqual(layout.Header);
    }

    private static void Begin(string path, SafetensorsLayout layout)
    {
        if (!BitConverter.IsLittleEndian)
            throw new PlatformNotSupportedException("Safetensors files are little-endian and are written only on little-endian machines.");
        using SafeFileHandle file = OutputFile.Create(path, layout.Size);
        OutputFile.Write(file, path, layout.Header, 0);
    }

    private readonly record struct Place(string Path, long Position, long Bytes);
}
