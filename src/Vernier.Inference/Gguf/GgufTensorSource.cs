using Vernier.Errors;
using Vernier.Files;
using Vernier.Files.Gguf;
using Vernier.Files.Gguf.Blocks;
using Vernier.Inference.Configuration;
using Vernier.Memory;
using Vernier.Packing.Ggml;

namespace Vernier.Inference.Gguf;

/// <summary>
/// The tensors of a GGUF file as a Hugging Face checkpoint has them: its names, the rows of query and key projections in its order, blocks
/// as single precision.
/// What an export widened to single precision has its own type again.
/// </summary>
internal sealed class GgufTensorSource : ITensorFile
{
    private const int MostParts = 4096;

    private readonly GgufFile _file;
    private readonly Dictionary<string, Entry> _entries = new(StringComparer.Ordinal);

    /// <summary>Maps the tensors of a file.</summary>
    /// <param name="file">The file, which this disposes.</param>
    /// <param name="config">The model.</param>
    /// <param name="architecture">What llama.cpp has for it.</param>
    /// <param name="widened">The types of tensors, by their Hugging Face names, that are F32 in the file.</param>
    public GgufTensorSource(GgufFile file, ModelConfig config, GgufArchitecture architecture, IReadOnlyDictionary<string,
        ElementType> widened)
    {
        _file = file;
        GgufNames names = architecture.NamesOf(config);
        foreach (GgufTensor tensor in file.Tensors)
        {
            if (tensor.Name is GgufNames.RopeFactors or GgufNames.LongFactors or GgufNames.ShortFactors)
                continue;
            long parts = names.IsMerged(tensor.Name) && tensor.Shape.Count > 1 ? tensor.Shape[0] : 0;
            if (parts > MostParts)
                throw new InvalidFileException(file.Path, GgufModelRules.TensorShape, $"it has {parts} parts, and a layer has at most "
                    + $"{MostParts} experts", "Convert the model again", tensor.Name);
            for (int part = 0; part < Math.Max(1, parts); part++)
            {
                string name = names.ToHf(tensor.Name, part)
                    ?? throw new InvalidFileException(file.Path, GgufModelRules.TensorName, "the model has no place for it",
                        $"Give a model that has the tensors of a {config.ModelType} alone", tensor.Name);
                _entries.Add(name, EntryOf(tensor, name, parts > 0 ? part : null, config, architecture, widened));
            }
        }
        Tensors = [.. _entries.Values.Select(entry => entry.Info)];
    }

    /// <inheritdoc/>
    public string Path => _file.Path;

    /// <summary>The file itself.</summary>
    public GgufFile File => _file;

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, string> Metadata { get; } = new Dictionary<string, string>(StringComparer.Ordinal);

    /// <inheritdoc/>
    public IReadOnlyList<TensorInfo> Tensors { get; }

    /// <inheritdoc/>
    public TensorInfo this[string name] => Find(name).Info;

    /// <summary>The tensor of the file that a name stands for.</summary>
    public GgufTensor Stored(string name) => Find(name).Stored;

    /// <summary>The bytes of what a name stands for.</summary>
    public long StoredBytes(string name)
    {
        Entry entry = Find(name);
        return (long)((Int128)entry.Stored.Bytes * entry.Info.Count / Math.Max(1, entry.Stored.Count));
    }

    /// <summary>A matrix in blocks, its rows in the order of the checkpoint; null where the tensor is no matrix or not in blocks.</summary>
    public BlockMatrix? ReadBlocks(string name)
    {
        Entry entry = Find(name);
        if (entry.Stored.Type.Format is not BlockFormat format || entry.Info.Shape.Count != 2
            || entry.Info.Shape[1] != entry.Stored.Columns)
            return null;
        var layout = new BlockLayout(checked((int)entry.Info.Shape[0]), checked((int)entry.Info.Shape[1]), format);
        long begin = entry.First / layout.Columns * layout.BytesPerRow;
        byte[] stored = GC.AllocateUninitializedArray<byte>(checked(layout.Rows * layout.BytesPerRow));
        if (entry.Rows is null)
            _file.ReadBytes(entry.Stored.Name, begin, stored);
        for (int row = 0; row < layout.Rows && entry.Rows is not null; row++)
            _file.ReadBytes(entry.Stored.Name, begin + entry.Rows.InGguf(row) * layout.BytesPerRow,
                stored.AsSpan(row * layout.BytesPerRow, layout.BytesPerRow));
        return new BlockMatrix(layout, stored);
    }

    /// <inheritdoc/>
    public ReadOnlySpan<byte> Bytes(string name)
    {
        Entry entry = Find(name);
        if (entry.IsDirect && entry.First == 0 && entry.Info.Count == entry.Stored.Count)
            return _file.Bytes(entry.Stored.Name);
        if (entry.Info.Bytes > Array.MaxLength)
            throw new InvalidOperationException(
                $"{Path}: tensor '{name}' has {entry.Info.Bytes} bytes, more than one span holds; read it in parts with ReadBytes.");
        var bytes = new byte[entry.Info.Bytes];
        ReadBytes(name, 0, bytes);
        return bytes;
    }

    /// <inheritdoc/>
    public void ReadBytes(string name, long firstByte, Span<byte> destination)
    {
        Entry entry = Find(name);
        ArgumentOutOfRangeException.ThrowIfNegative(firstByte);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(firstByte, entry.Info.Bytes - destination.Length);
        if (entry.IsDirect)
        {
            _file.ReadBytes(entry.Stored.Name, entry.First * entry.Info.Type.Size() + firstByte, destination);
            return;
        }
        // Only floats of whole bytes come here; a range may begin and end within one.
        const int Piece = 1 << 14;
        int size = entry.Info.Type.Size();
        using var numbers = new PooledArray<float>(Piece);
        using var bytes = new PooledArray<byte>(Piece * size);
        while (!destination.IsEmpty)
        {
            long first = firstByte / size;
            int skip = (int)(firstByte % size), count = (int)Math.Min(Piece, (skip + (long)destination.Length + size - 1) / size);
            Read(entry, first, numbers.Span[..count]);
            FloatBytes.Write(numbers.Span[..count], entry.Info.Type, bytes.Span);
            int copied = Math.Min(destination.Length, count * size - skip);
            bytes.Span.Slice(skip, copied).CopyTo(destination);
            destination = destination[copied..];
            firstByte += copied;
        }
    }

    /// <inheritdoc/>
    public void ReadOnce(string name, long firstByte, Span<byte> destination) => ReadBytes(name, firstByte, destination);

    /// <inheritdoc/>
    public void Read(string name, long first, Span<float> destination) => Read(Find(name), first, destination);

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();

    private void Read(Entry entry, long first, Span<float> destination)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(first);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(first, entry.Info.Count - destination.Length);
        if (entry.Rows is null)
        {
            _file.Read(entry.Stored.Name, entry.First + first, destination);
            entry.Numbers.ToHf(destination);
            return;
        }
        long columns = entry.Stored.Shape.Count == 1 ? 1 : entry.Stored.Columns;
        while (!destination.IsEmpty)
        {
            int count = (int)Math.Min(columns - first % columns, destination.Length);
            _file.Read(entry.Stored.Name, entry.First + entry.Rows.InGguf(first / columns) * columns + first % columns,
                destination[..count]);
            destination = destination[count..];
            first += count;
        }
    }

    private Entry EntryOf(GgufTensor tensor, string name, int? part, ModelConfig config, GgufArchitecture architecture,
        IReadOnlyDictionary<string, ElementType> widened)
    {
        IReadOnlyList<long> shape = part is null ? tensor.Shape : [.. tensor.Shape.Skip(1)];
        long first = part is int index ? index * (tensor.Count / tensor.Shape[0]) : 0;
        GgufRows? rows = architecture.RowsOf(name, config);
        GgufNumbers numbers = architecture.NumbersOf(name, config);
        if (rows is not null && (shape.Count is < 1 or > 2 || shape[0] != rows.Count))
        {
            throw new InvalidFileException(Path, GgufModelRules.TensorShape,
                $"its shape is [{string.Join(", ", tensor.Shape)}], and {rows.Parts} need {rows.Count} rows", "Convert the model again",
                tensor.Name);
        }
        ElementType type = tensor.Type.Element ?? ElementType.F32;
        if ((rows is not null || numbers != GgufNumbers.Same) && type is not (ElementType.F32 or ElementType.F16 or ElementType.BF16))
            throw new InvalidFileException(Path, GgufModelRules.TensorType, $"it is a projection of type {type}",
                "Convert the model again to F32, F16 or BF16", tensor.Name);
        if (tensor.Type == GgufTensorType.F32 && widened.TryGetValue(name, out ElementType narrow))
            type = narrow;
        return new Entry(tensor, new TensorInfo(name, type, architecture.ToHfShape(name, shape, config)), rows, numbers, first);
    }

    private Entry Find(string name) => _entries.TryGetValue(name, out Entry entry) ? entry
        : throw new InvalidFileException(Path, GgufRules.TensorMissing, "the file has no such tensor", "Check that the file is whole",
            name);

    private readonly record struct Entry(GgufTensor Stored, TensorInfo Info, GgufRows? Rows, GgufNumbers Numbers, long First)
    {
        public bool IsDirect => Rows is null && Numbers == GgufNumbers.Same && Stored.Type.Element == Info.Type;
    }
}
