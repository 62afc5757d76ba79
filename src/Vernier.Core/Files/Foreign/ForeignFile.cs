using System.Runtime.InteropServices;

namespace Vernier.Files.Foreign;

/// <summary>A file in which other tools packed weights: they are shown as what their codes stand for, and their parts are no
/// tensors.</summary>
internal sealed class ForeignFile : IStoredFile
{
    private readonly ITensorFile _file;
    private readonly Dictionary<string, ForeignWeight> _weights;

    /// <summary>Shows a file.</summary>
    /// <param name="file">The file, which this disposes.</param>
    /// <param name="weights">The weights whose codes it holds, by the names of the codes.</param>
    /// <param name="hidden">What is part of a weight, in any file.</param>
    public ForeignFile(ITensorFile file, ILookup<string, ForeignWeight> weights, IReadOnlySet<string> hidden)
    {
        _file = file;
        ForeignWeight[] here = [.. file.Tensors.SelectMany(tensor => weights[tensor.Name])];
        _weights = here.ToDictionary(weight => weight.Info.Name, StringComparer.Ordinal);
        Tensors = [.. file.Tensors.SelectMany(tensor => weights.Contains(tensor.Name) ? weights[tensor.Name].Select(weight => weight.Info)
            : hidden.Contains(tensor.Name) ? [] : [tensor])];
    }

    /// <inheritdoc/>
    public string Path => _file.Path;

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, string> Metadata => _file.Metadata;

    /// <inheritdoc/>
    public IReadOnlyList<TensorInfo> Tensors { get; }

    /// <inheritdoc/>
    public TensorInfo this[string name] => _weights.TryGetValue(name, out ForeignWeight? weight) ? weight.Info : _file[name];

    /// <inheritdoc/>
    public ReadOnlySpan<byte> Bytes(string name)
    {
        if (!_weights.TryGetValue(name, out ForeignWeight? weight))
            return _file.Bytes(name);
        var values = new float[checked((int)weight.Info.Count)];
        weight.Read(0, values);
        return MemoryMarshal.AsBytes(values.AsSpan());
    }

    /// <inheritdoc/>
    public void ReadBytes(string name, long firstByte, Span<byte> destination)
    {
        if (!_weights.TryGetValue(name, out ForeignWeight? weight))
        {
            _file.ReadBytes(name, firstByte, destination);
            return;
        }
        ArgumentOutOfRangeException.ThrowIfNegative(firstByte);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(firstByte, weight.Info.Bytes - destination.Length);
        // A range may begin and end within a number.
        int skip = (int)(firstByte % sizeof(float));
        var values = new float[(skip + destination.Length + sizeof(float) - 1) / sizeof(float)];
        weight.Read(firstByte / sizeof(float), values);
        MemoryMarshal.AsBytes(values.AsSpan()).Slice(skip, destination.Length).CopyTo(destination);
    }

    /// <inheritdoc/>
    public void ReadOnce(string name, long firstByte, Span<byte> destination)
    {
        if (_weights.ContainsKey(name))
            ReadBytes(name, firstByte, destination);
        else
            _file.ReadOnce(name, firstByte, destination);
    }

    /// <inheritdoc/>
    public void Read(string name, long first, Span<float> destination)
    {
        if (_weights.TryGetValue(name, out ForeignWeight? weight))
            weight.Read(first, destination);
        else
            _file.Read(name, first, destination);
    }

    /// <inheritdoc/>
    public (ElementType Type, long Bytes) Stored(TensorInfo tensor) =>
        _weights.TryGetValue(tensor.Name, out ForeignWeight? weight) ? (weight.Codes.Type, weight.StoredBytes)
            : _file is IStoredFile stored ? stored.Stored(tensor) : (tensor.Type, tensor.Bytes);

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();
}
