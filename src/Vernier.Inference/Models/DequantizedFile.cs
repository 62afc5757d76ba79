using Vernier.Files;
using Vernier.Files.Checkpoints;
using Vernier.Inference.Gguf;
using Vernier.Memory;
using Vernier.Packing;
using Vernier.Packing.Configuration;

namespace Vernier.Inference.Models;

/// <summary>
/// A checkpoint in which Vernier has packed matrices, as one file of floats: each packed matrix is what its codes stand for, outliers and
/// low rank included, and its arrays are no tensors.
/// </summary>
internal sealed class DequantizedFile : ITensorFile
{
    private readonly Checkpoint _stored;
    private readonly QuantizationConfig _packed;
    private readonly Dictionary<string, TensorInfo> _tensors;
    private readonly Lock _gate = new();

    // The matrix that was read last: tensors are read from the first row to the last.
    private (string Name, PackedMatrix Matrix)? _last;

    /// <summary>Shows a checkpoint.</summary>
    /// <param name="stored">The checkpoint, which this disposes.</param>
    /// <param name="packed">Which of its matrices are packed.</param>
    /// <param name="type">What packed matrices are shown as: F32, F16 or BF16.</param>
    public DequantizedFile(Checkpoint stored, QuantizationConfig packed, ElementType type)
    {
        (_stored, _packed) = (stored, packed);
        HashSet<string> arrays = [.. packed.Tensors.SelectMany(pair => pair.Value.Arrays(pair.Key)).Select(array => array.Name)];
        Tensors = [.. stored.Tensors.Where(tensor => !arrays.Contains(tensor.Name)),
            .. packed.Tensors.Select(pair => new TensorInfo(pair.Key, type, [pair.Value.Rows, pair.Value.Columns]))];
        _tensors = Tensors.ToDictionary(tensor => tensor.Name, StringComparer.Ordinal);
    }

    /// <inheritdoc/>
    public string Path => _stored.Folder;

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, string> Metadata { get; } = new Dictionary<string, string>(StringComparer.Ordinal);

    /// <inheritdoc/>
    public IReadOnlyList<TensorInfo> Tensors { get; }

    /// <inheritdoc/>
    public TensorInfo this[string name] => _tensors.TryGetValue(name, out TensorInfo? tensor) ? tensor : _stored[name];

    /// <inheritdoc/>
    public ReadOnlySpan<byte> Bytes(string name)
    {
        if (!_packed.Tensors.ContainsKey(name))
            return _stored.Bytes(_stored[name]);
        byte[] bytes = new byte[checked((int)this[name].Bytes)];
        ReadBytes(name, 0, bytes);
        return bytes;
    }

    /// <inheritdoc/>
    public void ReadBytes(string name, long firstByte, Span<byte> destination)
    {
        TensorInfo tensor = this[name];
        if (!_packed.Tensors.ContainsKey(name))
        {
            _stored.ReadBytes(tensor, firstByte, destination);
            return;
        }
        ArgumentOutOfRangeException.ThrowIfNegative(firstByte);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(firstByte, tensor.Bytes - destination.Length);
        // A range may begin and end within a number.
        int size = tensor.Type.Size(), skip = (int)(firstByte % size), count = (skip + destination.Length + size - 1) / size;
        using var numbers = new PooledArray<float>(count);
        using var bytes = new PooledArray<byte>(count * size);
        Read(name, firstByte / size, numbers.Span);
        FloatBytes.Write(numbers.Span, tensor.Type, bytes.Span);
        bytes.Span.Slice(skip, destination.Length).CopyTo(destination);
    }

    /// <inheritdoc/>
    public void ReadOnce(string name, long firstByte, Span<byte> destination) => ReadBytes(name, firstByte, destination);

    /// <inheritdoc/>
    public void Read(string name, long first, Span<float> destination)
    {
        if (!_packed.Tensors.TryGetValue(name, out PackedLayout? layout))
        {
            _stored.Read(_stored[name], first, destination);
            return;
        }
        ArgumentOutOfRangeException.ThrowIfNegative(first);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(first, (long)layout.Rows * layout.Columns - destination.Length);
        PackedMatrix matrix = MatrixOf(name, layout);
        using var line = new PooledArray<float>(layout.Columns);
        while (!destination.IsEmpty)
        {
            (long row, long column) = Math.DivRem(first, layout.Columns);
            int count = (int)Math.Min(destination.Length, layout.Columns - column);
            matrix.DequantizeRow((int)row, line.Span);
            line.Span.Slice((int)column, count).CopyTo(destination);
            destination = destination[count..];
            first += count;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _stored.Dispose();

    private PackedMatrix MatrixOf(string name, PackedLayout layout)
    {
        lock (_gate)
        {
            if (_last is not { } last || last.Name != name)
                _last = last = (name, PackedMatrixReader.Read(_stored, name, layout));
            return last.Matrix;
        }
    }
}
