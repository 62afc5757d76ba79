using Vernier.Files;
using Vernier.Files.Checkpoints;
using Vernier.Packing;

namespace Vernier.Inference.Models;

/// <summary>What a folder is to hold beside its tensors.</summary>
/// <param name="Config">The text of config.json.</param>
/// <param name="Companions">What accompanies the weights.</param>
/// <param name="Layouts">How matrices that are quantized are stored.</param>
public sealed record FolderContent(ReadOnlyMemory<byte> Config, IReadOnlyList<Companion> Companions, IReadOnlyDictionary<string,
    PackedLayout> Layouts);

/// <summary>
/// Writes a Hugging Face folder. Its files have their names at once, so that the folder must be one that nobody takes for finished; the
/// caller gives it its name.
/// </summary>
public sealed class FolderWriter : ModelWriter
{
    private readonly string _folder;
    private readonly FolderContent _content;
    private readonly Dictionary<string, TensorInfo> _tensors;
    private readonly CheckpointDraft _draft;

    // Opened once for all that is read back: the files have their size and their headers from the beginning.
    private Checkpoint? _written;

    /// <summary>Reserves the space on the disk.</summary>
    /// <param name="folder">The folder, which must exist.</param>
    /// <param name="tensors">The tensors of the source, in the order in which they will lie.</param>
    /// <param name="content">What the folder is to hold beside them.</param>
    /// <param name="metadata">Pairs for <c>__metadata__</c> of every file; null, the default, for none.</param>
    /// <exception cref="IOException">The folder is missing, or the disk has no room.</exception>
    public FolderWriter(string folder, IReadOnlyList<TensorInfo> tensors, FolderContent content, IReadOnlyDictionary<string,
        string>? metadata = null)
    {
        ArgumentNullException.ThrowIfNull(tensors);
        ArgumentNullException.ThrowIfNull(content);
        (_folder, _content) = (folder, content);
        _tensors = tensors.ToDictionary(tensor => tensor.Name, StringComparer.Ordinal);
        TensorInfo[] arrays =
            [.. tensors.SelectMany(tensor => content.Layouts.TryGetValue(tensor.Name, out PackedLayout? layout) ? layout.Arrays(tensor.Name)
            : [tensor])];
        Bytes = CheckpointWriter.SizeOf(arrays, metadata: metadata) + content.Config.Length;
        _draft = new CheckpointDraft(folder, arrays, metadata: metadata);
    }

    /// <inheritdoc/>
    public override long Bytes { get; }

    /// <inheritdoc/>
    public override void Write(string name, PackedMatrix matrix)
    {
        ArgumentNullException.ThrowIfNull(matrix);
        if (!_content.Layouts.TryGetValue(name, out PackedLayout? layout) || layout != matrix.Layout)
            throw new ArgumentException($"{name} is {matrix.Layout.Summary}, and is to be {layout?.Summary ?? "left as it is"}",
                nameof(matrix));
        foreach ((TensorInfo array, ReadOnlyMemory<byte> bytes) in layout.Arrays(name).Zip(matrix.ArrayBytes()))
            _draft.Write(array.Name, 0, bytes.Span);
    }

    /// <inheritdoc/>
    public override void Write(string name, TensorReader read, Action<double>? report = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(read);
        TensorInfo tensor = _tensors[name];
        var buffer = new byte[Math.Min(PieceBytes, tensor.Bytes)];
        for (long position = 0; position < tensor.Bytes; position += buffer.Length)
        {
            cancellation.ThrowIfCancellationRequested();
            Span<byte> piece = buffer.AsSpan(0, (int)Math.Min(buffer.Length, tensor.Bytes - position));
            read(position, piece);
            _draft.Write(name, position, piece);
            report?.Invoke((position + piece.Length) / (double)tensor.Bytes);
        }
    }

    /// <inheritdoc/>
    public override PackedMatrix Read(string name)
    {
        lock (_draft)
            _written ??= _draft.Open();
        return PackedMatrixReader.Read(_written, name, _content.Layouts[name]);
    }

    /// <inheritdoc/>
    public override void Flush() => _draft.Flush();

    /// <inheritdoc/>
    public override void Complete()
    {
        _draft.Flush();
        string config = Path.Combine(_folder, "config.json");
        OutputFile.Do(config, () => File.WriteAllBytes(config, _content.Config.Span));
        foreach (Companion companion in _content.Companions)
            companion.CopyTo(_folder);
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        _written?.Dispose();
        base.Dispose(disposing);
    }
}
