using System.Runtime.InteropServices;

namespace Vernier.Files.Checkpoints;

/// <summary>
/// A file in which some matrices are stored in 8 bits with scales beside them, as other tools write them: w = q s, with one scale for the
/// whole, for each row, or for each block. They are read as what they stand for, in single precision, and their scales are no tensors.
/// </summary>
/// <param name="file">The file, which this disposes.</param>
/// <param name="scales">The scales by the name of the matrix.</param>
internal sealed class ScaledFile(ITensorFile file, IReadOnlyDictionary<string, BlockScales> scales) : IStoredFile
{
    private readonly HashSet<string> _hidden = [.. scales.Values.Select(scale => scale.Name)];

    /// <inheritdoc/>
    public string Path => file.Path;

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, string> Metadata => file.Metadata;

    /// <inheritdoc/>
    public IReadOnlyList<TensorInfo> Tensors => [.. file.Tensors.Where(tensor => !_hidden.Contains(tensor.Name)).Select(Shown)];

    /// <inheritdoc/>
    public TensorInfo this[string name] => Shown(file[name]);

    /// <inheritdoc/>
    public ReadOnlySpan<byte> Bytes(string name)
    {
        if (!scales.ContainsKey(name))
            return file.Bytes(name);
        var values = new float[checked((int)file[name].Count)];
        Read(name, 0, values);
        return MemoryMarshal.AsBytes(values.AsSpan());
    }

    /// <inheritdoc/>
    public void ReadBytes(string name, long firstByte, Span<byte> destination)
    {
        if (!scales.ContainsKey(name))
        {
            file.ReadBytes(name, firstByte, destination);
            return;
        }
        ArgumentOutOfRangeException.ThrowIfNegative(firstByte);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(firstByte, this[name].Bytes - destination.Length);
        // A range may begin and end within a number.
        int skip = (int)(firstByte % sizeof(float));
        var values = new float[(skip + destination.Length + sizeof(float) - 1) / sizeof(float)];
        Read(name, firstByte / sizeof(float), values);
        MemoryMarshal.AsBytes(values.AsSpan()).Slice(skip, destination.Length).CopyTo(destination);
    }

    /// <inheritdoc/>
    public void ReadOnce(string name, long firstByte, Span<byte> destination)
    {
        if (scales.ContainsKey(name))
            ReadBytes(name, firstByte, destination);
        else
            file.ReadOnce(name, firstByte, destination);
    }

    /// <inheritdoc/>
    public void Read(string name, long first, Span<float> destination)
    {
        file.Read(name, first, destination);
        if (scales.TryGetValue(name, out BlockScales? scale))
            scale.Multiply(first, destination);
    }

    /// <inheritdoc/>
    public (ElementType Type, long Bytes) Stored(TensorInfo tensor)
    {
        TensorInfo stored = file[tensor.Name];
        return (stored.Type, stored.Bytes + (scales.TryGetValue(tensor.Name, out BlockScales? scale) ? scale.Bytes : 0));
    }

    /// <inheritdoc/>
    public void Dispose() => file.Dispose();

    private TensorInfo Shown(TensorInfo tensor) => scales.ContainsKey(tensor.Name) ? tensor with { Type = ElementType.F32 } : tensor;
}
