using Vernier.Files;
using Vernier.Inference.Gguf;
using Vernier.Packing;
using Vernier.Quantization.Weights;

namespace Vernier.Quantization.Results;

/// <summary>A Hugging Face folder while it comes into being: safetensors files, config.json, and what accompanies them.</summary>
internal sealed class FolderDraft : IResultDraft
{
    private static readonly string[] s_companions = [".json", ".txt", ".model", ".md", ".jinja", ".tiktoken", ".py"];

    private readonly string _folder;
    private readonly Checkpoint _source;
    private readonly ReadOnlyMemory<byte> _config;
    private readonly CheckpointDraft _arrays;
    private Checkpoint? _written;

    /// <summary>Reserves the space on the disk, or goes on with what is there.</summary>
    /// <param name="folder">The folder, which must exist.</param>
    /// <param name="source">The model that is quantized, which must outlive the draft.</param>
    /// <param name="arrays">The arrays of the result, in order.</param>
    /// <param name="config">Its config.json.</param>
    /// <exception cref="IOException">The disk has no room.</exception>
    public FolderDraft(string folder, Checkpoint source, IReadOnlyList<TensorInfo> arrays, ReadOnlyMemory<byte> config)
    {
        (_folder, _source, _config) = (folder, source, config);
        _arrays = new CheckpointDraft(folder, arrays);
    }

    /// <inheritdoc/>
    public void Write(string name, PackedLayout layout, IReadOnlyList<ReadOnlyMemory<byte>> arrays)
    {
        foreach ((TensorInfo array, ReadOnlyMemory<byte> bytes) in layout.Arrays(name).Zip(arrays))
            _arrays.Write(array.Name, 0, bytes.Span);
    }

    /// <inheritdoc/>
    public void Flush(string name, PackedLayout layout) => _arrays.Flush(layout.Arrays(name).Select(array => array.Name));

    /// <inheritdoc/>
    public PackedMatrix Read(string name, PackedLayout layout) => PackedMatrixReader.Read(Written, name, layout);

    /// <inheritdoc/>
    public void Copy(TensorInfo tensor, TensorOrder? order) => TensorBytes.Copy(_source, tensor, _arrays, order);

    /// <inheritdoc/>
    public bool HoldsCopy(TensorInfo tensor, TensorOrder? order) =>
        Written.TryGet(tensor.Name, out TensorInfo? copy) && TensorBytes.AreSame(_source, tensor, Written, copy, order);

    /// <inheritdoc/>
    public void Complete()
    {
        _arrays.Flush();
        File.WriteAllBytes(Path.Combine(_folder, "config.json"), _config.Span);
        CopyCompanions();
        Dispose();
    }

    /// <summary>Closes the files.</summary>
    public void Dispose()
    {
        _written?.Dispose();
        _written = null;
    }

    // Opened once for all matrices: the files have their size and their headers from the beginning.
    private Checkpoint Written => _written ??= _arrays.Open();

    // What does not change: tokenizer, generation settings, licence, notes.
    private void CopyCompanions()
    {
        if (ModelSource.IsGguf(_source.Folder))
        {
            foreach ((string name, byte[] text) in ModelSource.Companions(_source.Folder))
                File.WriteAllBytes(Path.Combine(_folder, name), text);
            return;
        }
        foreach (string path in Directory.EnumerateFiles(_source.Folder).Order(StringComparer.Ordinal))
        {
            string name = Path.GetFileName(path);
            bool licence = name.StartsWith("LICEN", StringComparison.OrdinalIgnoreCase);
            bool weights = name is "config.json" || name.EndsWith(".index.json", StringComparison.Ordinal);
            if (!weights && (licence || s_companions.Contains(Path.GetExtension(name), StringComparer.OrdinalIgnoreCase)))
                File.Copy(path, Path.Combine(_folder, name), overwrite: true);
        }
    }
}
