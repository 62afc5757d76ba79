using System.IO.MemoryMappedFiles;
using System.Text.Json;

namespace Vernier.Files.Safetensors;

/// <summary>A safetensors file, mapped into memory for reading.</summary>
public sealed unsafe class SafetensorsFile : IDisposable
{
    private readonly MemoryMappedFile _map;
    private readonly MemoryMappedViewAccessor _view;
    private readonly byte* _data;
    private readonly List<TensorInfo> _tensors = [];
    private readonly Dictionary<string, (TensorInfo Info, long Begin)> _entries = new(StringComparer.Ordinal);

    private SafetensorsFile(string path)
    {
        Path = path;
        _map = MemoryMappedFile.CreateFromFile(path, FileMode.Open, null, 0, MemoryMappedFileAccess.Read);
        _view = _map.CreateViewAccessor(0, 0, MemoryMappedFileAccess.Read);
        byte* start = null;
        _view.SafeMemoryMappedViewHandle.AcquirePointer(ref start);
        long header = *(long*)start;
        _data = start + 8 + header;
        using JsonDocument json = JsonDocument.Parse(new ReadOnlySpan<byte>(start + 8, (int)header).ToArray());
        var metadata = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (JsonProperty entry in json.RootElement.EnumerateObject())
        {
            if (entry.Name == "__metadata__")
            {
                foreach (JsonProperty item in entry.Value.EnumerateObject())
                    metadata.Add(item.Name, item.Value.GetString()!);
                continue;
            }
            long[] shape = [.. entry.Value.GetProperty("shape").EnumerateArray().Select(x => x.GetInt64())];
            var type = Enum.Parse<ElementType>(entry.Value.GetProperty("dtype").GetString()!);
            _entries.Add(entry.Name, (new TensorInfo(entry.Name, type, shape), entry.Value.GetProperty("data_offsets")[0].GetInt64()));
        }
        Metadata = metadata;
        _tensors.AddRange(_entries.Values.OrderBy(x => x.Begin).Select(x => x.Info));
    }

    /// <summary>The path.</summary>
    public string Path { get; }

    /// <summary>The free-form <c>__metadata__</c> of the header.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; }

    /// <summary>The tensors in the order of their data.</summary>
    public IReadOnlyList<TensorInfo> Tensors => _tensors;

    /// <summary>A tensor by name.</summary>
    public TensorInfo this[string name] => _entries[name].Info;

    /// <summary>Opens and validates a file.</summary>
    /// <exception cref="InvalidFileException">The file breaks a rule of the format.</exception>
    public static SafetensorsFile Open(string path) => new(path);

    /// <summary>The raw bytes of a tensor of less than 2 GiB, valid until the file is disposed.</summary>
    public ReadOnlySpan<byte> Bytes(string name) =>
        new(_data + _entries[name].Begin, checked((int)_entries[name].Info.Bytes));

    /// <summary>Reads elements, converted to single precision.</summary>
    public void Read(string name, long first, Span<float> destination)
    {
        (TensorInfo info, long begin) = _entries[name];
        ArgumentOutOfRangeException.ThrowIfNegative(first);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(first + destination.Length, info.Count);
        byte* source = _data + begin + first * info.Type.Size();
        switch (info.Type)
        {
            case ElementType.F32:
                new ReadOnlySpan<float>(source, destination.Length).CopyTo(destination);
                break;
            case ElementType.BF16:
                for (int i = 0; i < destination.Length; i++)
                    destination[i] = BitConverter.Int32BitsToSingle(((ushort*)source)[i] << 16);
                break;
            case ElementType.F16:
                System.Numerics.Tensors.TensorPrimitives.ConvertToSingle(new ReadOnlySpan<Half>(source, destination.Length), destination);
                break;
            default:
                throw new InvalidFileException(Path, "not-a-number", $"elements of type {info.Type} can't be read as numbers yet", "Convert the checkpoint to F32, F16 or BF16", name);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _view.SafeMemoryMappedViewHandle.ReleasePointer();
        _view.Dispose();
        _map.Dispose();
    }
}
