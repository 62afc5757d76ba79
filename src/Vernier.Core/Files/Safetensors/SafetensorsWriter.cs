namespace Vernier.Files.Safetensors;

/// <summary>
/// Writes a safetensors file of known tensors, one after the other in pieces of any size, so that no tensor need be in
/// memory. The file appears under its name only when it is whole: until <see cref="Complete"/> it is the file
/// <c>path.partial</c>, which is removed if the writer is disposed before.
/// </summary>
/// <remarks>
/// Tensors are written in the order given. In the file they lie in that order if it keeps every tensor at a multiple of its
/// element size, else sorted by descending element size; either way a reader finds all elements aligned.
/// The same tensors, metadata and data give the same bytes.
/// </remarks>
public sealed class SafetensorsWriter : IDisposable
{
    private const int BufferBytes = 1 << 20;

    private readonly string _path;
    private readonly string _partial;
    private readonly IReadOnlyList<TensorInfo> _tensors;
    private readonly SafetensorsLayout _layout;
    private readonly FileStream _stream;
    private int _tensor = -1;
    private long _left;
    private bool _complete;

    /// <summary>Reserves the space on the disk and writes the header.</summary>
    /// <param name="path">The file to write; an existing file is replaced on completion.</param>
    /// <param name="tensors">The tensors in the order in which they will be written.</param>
    /// <param name="metadata">Pairs for <c>__metadata__</c>, written in ordinal order of their keys; none by default.</param>
    /// <exception cref="ArgumentException">
    /// A name is reserved, repeated or no Unicode; a shape is negative, overflows, has more than
    /// <see cref="SafetensorsFile.MaxRank"/> dimensions or does not fill whole bytes; or the header would be too large.
    /// </exception>
    /// <exception cref="IOException">The folder is missing, the disk has no room, or another writer is at the same file.</exception>
    public SafetensorsWriter(string path, IReadOnlyList<TensorInfo> tensors, IReadOnlyDictionary<string, string>? metadata = null)
    {
        if (!BitConverter.IsLittleEndian)
            throw new PlatformNotSupportedException("Safetensors files are little-endian and are written only on little-endian machines.");
        _layout = new SafetensorsLayout(tensors, metadata);
        _tensors = [.. tensors];
        _path = path;
        _partial = path + ".partial";
        _stream = new FileStream(_partial, new FileStreamOptions
        {
            Mode = FileMode.Create,
            Access = FileAccess.Write,
            Share = FileShare.None,
            BufferSize = BufferBytes,
            PreallocationSize = _layout.Size,
        });
        try
        {
            _stream.Write(_layout.Header);
            Advance();
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>The size of the finished file in bytes.</summary>
    public long Size => _layout.Size;

    /// <summary>The tensor that the next byte belongs to, or null when all are written. Tensors without data are skipped.</summary>
    public TensorInfo? Current => _tensor < _tensors.Count ? _tensors[_tensor] : null;

    /// <summary>The exact size of a file in bytes, before anything is written.</summary>
    /// <param name="tensors">The tensors in the order in which they would be written.</param>
    /// <param name="metadata">Pairs for <c>__metadata__</c>.</param>
    /// <exception cref="ArgumentException">As for the constructor.</exception>
    public static long SizeOf(IReadOnlyList<TensorInfo> tensors, IReadOnlyDictionary<string, string>? metadata = null) =>
        new SafetensorsLayout(tensors, metadata).Size;

    /// <summary>Writes the next bytes of <see cref="Current"/>, little-endian and row-major.</summary>
    /// <param name="bytes">A piece of the current tensor; it may end anywhere but not reach into the next tensor.</param>
    /// <exception cref="InvalidOperationException">The bytes are more than the tensor lacks, or all tensors are written.</exception>
    public void Write(ReadOnlySpan<byte> bytes)
    {
        if (bytes.IsEmpty)
            return;
        ObjectDisposedException.ThrowIf(!_stream.CanWrite, this);
        if (Current is not TensorInfo tensor)
            throw new InvalidOperationException($"{_path}: all tensors are written already.");
        if (bytes.Length > _left)
            throw new InvalidOperationException($"{_path}: tensor '{tensor.Name}' lacks {_left} bytes, but {bytes.Length} were given.");
        _stream.Write(bytes);
        _left -= bytes.Length;
        if (_left == 0)
            Advance();
    }

    /// <summary>As <see cref="Write(ReadOnlySpan{byte})"/>, for a caller that says which tensor the bytes belong to.</summary>
    /// <param name="name">The tensor, which must be the current one unless there are no bytes.</param>
    /// <param name="bytes">A piece of the tensor.</param>
    /// <exception cref="InvalidOperationException">It is another tensor's turn.</exception>
    public void Write(string name, ReadOnlySpan<byte> bytes)
    {
        if (!bytes.IsEmpty && !string.Equals(name, Current?.Name, StringComparison.Ordinal))
            throw new InvalidOperationException($"{_path}: tensor '{name}' was given, but '{Current?.Name}' comes next.");
        Write(bytes);
    }

    /// <summary>Brings all bytes to the disk and gives the file its name, in one step.</summary>
    /// <exception cref="InvalidOperationException">A tensor is not whole.</exception>
    public void Complete()
    {
        Finish();
        Publish();
    }

    /// <summary>Closes the file, and removes it unless it is complete.</summary>
    public void Dispose()
    {
        if (_complete)
            return;
        _complete = true;
        try
        {
            _stream.Dispose();
        }
        finally
        {
            File.Delete(_partial);
        }
    }

    /// <summary>The first half of <see cref="Complete"/>: all bytes are on the disk, under the partial name.</summary>
    internal void Finish()
    {
        if (Current is TensorInfo tensor)
            throw new InvalidOperationException($"{_path}: tensor '{tensor.Name}' lacks {_left} bytes.");
        _stream.Flush(flushToDisk: true);
        _stream.Dispose();
    }

    /// <summary>The second half of <see cref="Complete"/>: the partial file takes the place of the target.</summary>
    internal void Publish()
    {
        File.Move(_partial, _path, overwrite: true);
        _complete = true;
    }

    private void Advance()
    {
        do
        {
            _tensor++;
            _left = Current?.Bytes ?? 0;
        }
        while (_left == 0 && Current is not null);

        if (Current is null)
            return;
        long position = _layout.Header.Length + _layout.Offsets[_tensor];
        if (_stream.Position != position)
            _stream.Position = position;
    }
}
