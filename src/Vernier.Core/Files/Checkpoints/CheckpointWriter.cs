using Vernier.Errors;
using Vernier.Files.Safetensors;

namespace Vernier.Files.Checkpoints;

/// <summary>
/// Writes the tensors of a model folder: <c>model.safetensors</c> if one file is enough, else the shards
/// <c>model-00001-of-0000N.safetensors</c> and their <c>model.safetensors.index.json</c>. No file has its name before
/// <see cref="Complete"/>; a writer that is disposed before leaves the folder as it was.
/// </summary>
public sealed class CheckpointWriter : IDisposable
{
    /// <summary>The most bytes of tensors in a file unless the caller says otherwise: 5 GB, as in Transformers.</summary>
    public const long DefaultShardBytes = 5_000_000_000;

    private readonly string _folder;
    private readonly IReadOnlyDictionary<string, string>? _metadata;
    private readonly CheckpointShards _shards;
    private readonly List<SafetensorsWriter> _finished = [];
    private SafetensorsWriter _writer;
    private bool _complete;

    /// <summary>Plans the files and begins the first.</summary>
    /// <param name="folder">The folder, which must exist. Files of a checkpoint of the same kind are replaced on completion.</param>
    /// <param name="tensors">The tensors in the order in which they will be written.</param>
    /// <param name="maxShardBytes">
    /// The most bytes of tensors in one file, at least 1. A larger tensor gets a file of its own.
    /// </param>
    /// <param name="metadata">Pairs for <c>__metadata__</c> of every file.</param>
    /// <exception cref="ArgumentException">As for <see cref="SafetensorsWriter"/>.</exception>
    /// <exception cref="InvalidFileException">
    /// The folder holds a checkpoint of the other kind, single or sharded, which a reader might take for this one.
    /// </exception>
    public CheckpointWriter(string folder, IReadOnlyList<TensorInfo> tensors, long maxShardBytes = DefaultShardBytes,
        IReadOnlyDictionary<string, string>? metadata = null)
    {
        _folder = folder;
        _metadata = metadata;
        _shards = new CheckpointShards(tensors, maxShardBytes);
        string other = Path.Combine(folder, _shards.Names.Count == 1 ? CheckpointIndex.FileName : Checkpoint.SingleFileName);
        if (File.Exists(other))
            throw new InvalidFileException(other, CheckpointRules.OtherCheckpoint,
                "the folder already holds another checkpoint, which could be taken for the new one",
                "Choose another folder or remove the file");
        _writer = Begin(0);
    }

    /// <summary>The names of the files with tensors, in order.</summary>
    public IReadOnlyList<string> FileNames => _shards.Names;

    /// <summary>The tensor that the next byte belongs to, or null when all are written. Tensors without data are skipped.</summary>
    public TensorInfo? Current => _writer.Current;

    /// <summary>The exact size in bytes of all files, the index included, before anything is written.</summary>
    /// <param name="tensors">The tensors in the order in which they would be written.</param>
    /// <param name="maxShardBytes">The most bytes of tensors in one file.</param>
    /// <param name="metadata">Pairs for <c>__metadata__</c> of every file.</param>
    /// <exception cref="ArgumentException">As for the constructor.</exception>
    public static long SizeOf(IReadOnlyList<TensorInfo> tensors, long maxShardBytes = DefaultShardBytes, IReadOnlyDictionary<string,
        string>? metadata = null)
    {
        var shards = new CheckpointShards(tensors, maxShardBytes);
        return shards.Tensors.Aggregate((long)(shards.Index?.Length ?? 0), (sum, shard) =>
            checked(sum + SafetensorsWriter.SizeOf(shard, metadata)));
    }

    /// <summary>Writes the next bytes of <see cref="Current"/>, little-endian and row-major.</summary>
    /// <param name="bytes">A piece of the current tensor; it may end anywhere but not reach into the next tensor.</param>
    /// <exception cref="InvalidOperationException">The bytes are more than the tensor lacks, or all tensors are written.</exception>
    public void Write(ReadOnlySpan<byte> bytes)
    {
        _writer.Write(bytes);
        SkipFull();
    }

    /// <summary>As <see cref="Write(ReadOnlySpan{byte})"/>, for a caller that says which tensor the bytes belong to.</summary>
    /// <param name="name">The tensor, which must be the current one unless there are no bytes.</param>
    /// <param name="bytes">A piece of the tensor.</param>
    /// <exception cref="InvalidOperationException">It is another tensor's turn.</exception>
    public void Write(string name, ReadOnlySpan<byte> bytes)
    {
        _writer.Write(name, bytes);
        SkipFull();
    }

    /// <summary>Brings all bytes to the disk and gives the files their names, the index last.</summary>
    /// <exception cref="InvalidOperationException">A tensor is not whole.</exception>
    public void Complete()
    {
        _writer.Finish();
        string index = Path.Combine(_folder, CheckpointIndex.FileName);
        if (_shards.Index is not null)
            File.Delete(index); // An index must never name shards that it was not written for.
        foreach (SafetensorsWriter writer in _finished)
            writer.Publish();
        _writer.Publish();
        if (_shards.Index is byte[] content)
            WriteWhole(index, content);
        _complete = true;
    }

    /// <summary>Closes the files, and removes them unless they are complete.</summary>
    public void Dispose()
    {
        if (_complete)
            return;
        _complete = true;
        _writer.Dispose();
        foreach (SafetensorsWriter writer in _finished)
            writer.Dispose();
    }

    private static void WriteWhole(string path, byte[] bytes)
    {
        string partial = path + ".partial";
        using (var stream = new FileStream(partial, FileMode.Create, FileAccess.Write))
        {
            stream.Write(bytes);
            stream.Flush(flushToDisk: true);
        }
        File.Move(partial, path, overwrite: true);
    }

    private SafetensorsWriter Begin(int shard) => new(Path.Combine(_folder, _shards.Names[shard]), _shards.Tensors[shard], _metadata);

    private void SkipFull()
    {
        while (_writer.Current is null && _finished.Count < _shards.Names.Count - 1)
        {
            _writer.Finish();
            _finished.Add(_writer);
            _writer = Begin(_finished.Count);
        }
    }
}
