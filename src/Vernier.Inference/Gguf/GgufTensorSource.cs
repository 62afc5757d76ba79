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
        foreach (GgufTensor tensor in file.Tensors)
        {
            if (tensor.Name is GgufNames.RopeFactors or GgufNames.LongFactors or GgufNames.ShortFactors)
                continue;
            string name = architecture.Names.ToHf(tensor.Name)
                ?? throw new InvalidFileException(file.Path, GgufModelRules.TensorName, "the model has no place for it",
                    $"Give a model that has the tensors of a {config.ModelType} alone", tensor.Name);
            (int heads, int headSize) = architecture.RotaryHeads(name, config);
            if (heads > 0 && (tensor.Shape.Count is < 1 or > 2 || tensor.Shape[0] != (long)heads * headSize))
            {
                throw new InvalidFileException(file.Path, GgufModelRules.TensorShape,
                    $"its shape is [{string.Join(", ", tensor.Shape)}], and {heads} heads of {headSize} need {heads * headSize} rows",
                        "Convert the model again", tensor.Name);
            }
            ElementType type = tensor.Type.Element ?? ElementType.F32;
            if (heads > 0 && type is not (ElementType.F32 or ElementType.F16 or ElementType.BF16))
                throw new InvalidFileException(file.Path, GgufModelRules.TensorType, $"it is a projection of type {type}",
                    "Convert the model again to F32, F16 or BF16", tensor.Name);
            if (tensor.Type == GgufTensorType.F32 && widened.TryGetValue(name, out ElementType narrow))
                type = narrow;
            _entries.Add(name, new Entry(tensor, new TensorInfo(name, type, tensor.Shape), headSize));
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

    /// <summary>A matrix in blocks, its rows in the order of the checkpoint; null where the tensor is no matrix or not in blocks.</summary>
    public BlockMatrix? ReadBlocks(string name)
    {
        Entry entry = Find(name);
        if (entry.Stored.Type.Format is not BlockFormat format || entry.Stored.Shape.Count != 2)
            return null;
        var layout = new BlockLayout(checked((int)entry.Stored.Shape[0]), checked((int)entry.Stored.Shape[1]), format);
        byte[] stored = GC.AllocateUninitializedArray<byte>(checked(layout.Rows * layout.BytesPerRow));
        if (entry.HeadSize == 0)
            _file.ReadBytes(entry.Stored.Name, 0, stored);
        for (int row = 0; row < layout.Rows && entry.HeadSize > 0; row++)
            _file.ReadBytes(entry.Stored.Name, RotaryRows.InGguf(row, entry.HeadSize) * layout.BytesPerRow,
                stored.AsSpan(row * layout.BytesPerRow, layout.BytesPerRow));
        return new BlockMatrix(layout, stored);
    }

    /// <inheritdoc/>
    public ReadOnlySpan<byte> Bytes(string name)
    {
        Entry entry = Find(name);
        if (entry.IsDirect)
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
        if (entry.IsDirect)
        {
            _file.ReadBytes(entry.Stored.Name, firstByte, destination);
            return;
        }
        ArgumentOutOfRangeException.ThrowIfNegative(firstByte);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(firstByte, entry.Info.Bytes - destination.Length);
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
        if (entry.HeadSize == 0)
        {
            _file.Read(entry.Stored.Name, first, destination);
            return;
        }
        ArgumentOutOfRangeException.ThrowIfNegative(first);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(first, entry.Stored.Count - destination.Length);
        long columns = entry.Stored.Shape.Count == 1 ? 1 : entry.Stored.Columns;
        while (!destination.IsEmpty)
        {
            int count = (int)Math.Min(columns - first % columns, destination.Length);
            _file.Read(entry.Stored.Name, RotaryRows.InGguf(first / columns, entry.HeadSize) * columns + first % columns,
                destination[..count]);
            destination = destination[count..];
            first += count;
        }
    }

    private Entry Find(string name) => _entries.TryGetValue(name, out Entry entry) ? entry
        : throw new InvalidFileException(Path, GgufRules.TensorMissing, "the file has no such tensor", "Check that the file is whole",
            name);

    private readonly record struct Entry(GgufTensor Stored, TensorInfo Info, int HeadSize)
    {
        public bool IsDirect => HeadSize == 0 && Stored.Type.Element == Info.Type;
    }
}
