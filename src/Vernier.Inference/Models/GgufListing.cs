using Vernier.Files;
using Vernier.Files.Gguf;
using Vernier.Memory;

namespace Vernier.Inference.Models;

/// <summary>The tensors of a GGUF file under the names that they have there, whatever model it holds.</summary>
/// <param name="file">The file, which this disposes.</param>
internal sealed class GgufListing(GgufFile file) : ITensorFile
{
    private readonly Dictionary<string, TensorInfo> _tensors = file.Tensors.ToDictionary(tensor => tensor.Name,
        tensor => new TensorInfo(tensor.Name, tensor.Type.Element ?? ElementType.F32, tensor.Shape), StringComparer.Ordinal);

    /// <inheritdoc/>
    public string Path => file.Path;

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, string> Metadata { get; } = new Dictionary<string, string>(StringComparer.Ordinal);

    /// <inheritdoc/>
    public IReadOnlyList<TensorInfo> Tensors { get; } = [.. file.Tensors.Select(tensor =>
        new TensorInfo(tensor.Name, tensor.Type.Element ?? ElementType.F32, tensor.Shape))];

    /// <inheritdoc/>
    public TensorInfo this[string name] => _tensors.TryGetValue(name, out TensorInfo? tensor) ? tensor : throw Missing(name);

    /// <summary>A tensor as the file has it.</summary>
    public GgufTensor Stored(string name) => file[name];

    /// <inheritdoc/>
    public ReadOnlySpan<byte> Bytes(string name)
    {
        if (Stored(name).Type.Element is not null)
            return file.Bytes(name);
        var bytes = new byte[this[name].Bytes];
        ReadBytes(name, 0, bytes);
        return bytes;
    }

    /// <inheritdoc/>
    public void ReadBytes(string name, long firstByte, Span<byte> destination)
    {
        if (Stored(name).Type.Element is not null)
        {
            file.ReadBytes(name, firstByte, destination);
            return;
        }
        // Blocks are shown in single precision; a range may begin and end within a number.
        int skip = (int)(firstByte % sizeof(float)), count = (skip + destination.Length + sizeof(float) - 1) / sizeof(float);
        using var numbers = new PooledArray<float>(count);
        Read(name, firstByte / sizeof(float), numbers.Span);
        System.Runtime.InteropServices.MemoryMarshal.AsBytes(numbers.Span).Slice(skip, destination.Length).CopyTo(destination);
    }

    /// <inheritdoc/>
    public void ReadOnce(string name, long firstByte, Span<byte> destination) => ReadBytes(name, firstByte, destination);

    /// <inheritdoc/>
    public void Read(string name, long first, Span<float> destination)
    {
        GgufTensorType type = Stored(name).Type;
        if (!type.IsRead)
            throw new Errors.InvalidFileException(Path, GgufRules.TensorType, $"its type, {type}, is not supported",
                $"Give a file whose tensors are of the types {string.Join(", ", GgufTensorType.All)}", name);
        file.Read(name, first, destination);
    }

    /// <inheritdoc/>
    public void Dispose() => file.Dispose();

    private Errors.InvalidFileException Missing(string name) =>
        new(Path, GgufRules.TensorMissing, "the file has no such tensor", "Check that the file is whole", name);
}
