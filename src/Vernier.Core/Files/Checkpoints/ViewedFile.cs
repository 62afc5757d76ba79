using Vernier.Errors;
using Vernier.Memory;

namespace Vernier.Files.Checkpoints;

/// <summary>A file some tensors of which are shown as views; those that are only shown so are hidden.</summary>
internal sealed class ViewedFile : IStoredFile
{
    private readonly ITensorFile _file;
    private readonly Dictionary<string, TensorView> _views = new(StringComparer.Ordinal);

    /// <summary>Shows views of a file.</summary>
    /// <param name="file">The file, which this disposes.</param>
    /// <param name="views">Views of tensors that it has.</param>
    /// <exception cref="InvalidFileException">A view reaches beyond its source, or has the name of another tensor.</exception>
    public ViewedFile(ITensorFile file, IReadOnlyList<TensorView> views)
    {
        _file = file;
        var sources = new HashSet<string>(StringComparer.Ordinal);
        foreach (TensorView view in views)
        {
            sources.Add(view.Source);
            TensorInfo source = file[view.Source];
            if (view.Count > 0 && view.At(view.Count - 1) >= source.Count)
                throw new InvalidFileException(file.Path, CheckpointRules.TensorView,
                    $"it has {source.Count} elements; {view.Name}, which is part of it, ends at {view.At(view.Count - 1) + 1}",
                    "Give the config.json that belongs to these weights", view.Source);
            if (!_views.TryAdd(view.Name, view))
                throw Twice(view);
        }
        var tensors = new List<TensorInfo>();
        foreach (TensorInfo tensor in file.Tensors)
        {
            if (!sources.Contains(tensor.Name))
                tensors.Add(tensor);
            else
                tensors.AddRange(views.Where(view => view.Source == tensor.Name).Select(view => tensor with {
                    Name = view.Name, Shape = view.Shape }));
            if (_views.TryGetValue(tensor.Name, out TensorView? other) && !sources.Contains(tensor.Name))
                throw Twice(other);
        }
        Tensors = tensors;
    }

    /// <inheritdoc/>
    public string Path => _file.Path;

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, string> Metadata => _file.Metadata;

    /// <inheritdoc/>
    public IReadOnlyList<TensorInfo> Tensors { get; }

    /// <inheritdoc/>
    public TensorInfo this[string name] => _views.TryGetValue(name, out TensorView? view)
        ? _file[view.Source] with { Name = name, Shape = view.Shape } : _file[name];

    /// <inheritdoc/>
    public ReadOnlySpan<byte> Bytes(string name)
    {
        if (!_views.TryGetValue(name, out TensorView? view))
            return _file.Bytes(name);
        int size = _file[view.Source].Type.Size();
        if (view.IsContiguous)
            return _file.Bytes(view.Source).Slice(checked((int)(view.Offset * size)), checked((int)(view.Count * size)));
        var bytes = new byte[checked((int)(view.Count * size))];
        Gather(view, 0, bytes);
        return bytes;
    }

    /// <inheritdoc/>
    public void ReadBytes(string name, long firstByte, Span<byte> destination) => Read(name, firstByte, destination, once: false);

    /// <inheritdoc/>
    public void ReadOnce(string name, long firstByte, Span<byte> destination) => Read(name, firstByte, destination, once: true);

    /// <inheritdoc/>
    public void Read(string name, long first, Span<float> destination)
    {
        if (!_views.TryGetValue(name, out TensorView? view))
        {
            _file.Read(name, first, destination);
            return;
        }
        ArgumentOutOfRangeException.ThrowIfNegative(first);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(first, view.Count - destination.Length);
        if (view.IsContiguous)
        {
            _file.Read(view.Source, view.Offset + first, destination);
            return;
        }
        (long from, long count) = Reach(view, first, destination.Length);
        using var source = new PooledArray<float>(checked((int)count));
        _file.Read(view.Source, from, source.Span);
        for (int i = 0; i < destination.Length; i++)
            destination[i] = source.Span[(int)(view.At(first + i) - from)];
    }

    /// <inheritdoc/>
    public (ElementType Type, long Bytes) Stored(TensorInfo tensor)
    {
        if (!_views.TryGetValue(tensor.Name, out TensorView? view))
            return _file is IStoredFile plain ? plain.Stored(tensor) : (tensor.Type, tensor.Bytes);
        TensorInfo source = _file[view.Source];
        (ElementType type, long bytes) = _file is IStoredFile inner ? inner.Stored(source) : (source.Type, source.Bytes);
        return (type, source.Count == 0 ? 0 : (long)((double)bytes * view.Count / source.Count));
    }

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();

    private void Read(string name, long firstByte, Span<byte> destination, bool once)
    {
        string source = name;
        if (_views.TryGetValue(name, out TensorView? view))
        {
            int size = _file[view.Source].Type.Size();
            ArgumentOutOfRangeException.ThrowIfNegative(firstByte);
            ArgumentOutOfRangeException.ThrowIfGreaterThan(firstByte, view.Count * size - destination.Length);
            if (!view.IsContiguous)
            {
                Gather(view, firstByte, destination);
                return;
            }
            source = view.Source;
            firstByte += view.Offset * size;
        }
        if (once)
            _file.ReadOnce(source, firstByte, destination);
        else
            _file.ReadBytes(source, firstByte, destination);
    }

    // A range may begin and end within a number.
    private void Gather(TensorView view, long firstByte, Span<byte> destination)
    {
        if (destination.IsEmpty)
            return;
        int size = _file[view.Source].Type.Size(), skip = (int)(firstByte % size);
        long first = firstByte / size;
        int elements = (skip + destination.Length + size - 1) / size;
        (long from, long count) = Reach(view, first, elements);
        using var source = new PooledArray<byte>(checked((int)(count * size)));
        using var gathered = new PooledArray<byte>(checked(elements * size));
        _file.ReadBytes(view.Source, from * size, source.Span);
        for (int i = 0; i < elements; i++)
            source.Span.Slice((int)(view.At(first + i) - from) * size, size).CopyTo(gathered.Span[(i * size)..]);
        gathered.Span.Slice(skip, destination.Length).CopyTo(destination);
    }

    // The elements of the source between the first and the last that some elements of a view are.
    private static (long From, long Count) Reach(TensorView view, long first, int count)
    {
        long columns = view.Shape[1], last = first + count - 1, firstRow = first / columns, lastRow = last / columns;
        bool one = firstRow == lastRow;
        long from = view.Offset + firstRow * view.RowStride + (one ? first % columns : 0) * view.ColumnStride;
        long end = view.Offset + lastRow * view.RowStride + (one ? last % columns : columns - 1) * view.ColumnStride;
        return (from, end - from + 1);
    }

    private InvalidFileException Twice(TensorView view) => new(_file.Path, CheckpointRules.TensorView,
        $"it is there twice, once as part of {view.Source}", "Remove the tensors that belong to another version of the model", view.Name);
}
