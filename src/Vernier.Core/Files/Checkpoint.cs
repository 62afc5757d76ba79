using System.Text.Json;
using Vernier.Files.Safetensors;

namespace Vernier.Files;

/// <summary>
/// The tensors of a model folder, mapped into memory: one <c>model.safetensors</c>, or the shards that
/// <c>model.safetensors.index.json</c> lists.
/// </summary>
public sealed class Checkpoint : IDisposable
{
    private readonly List<SafetensorsFile> _files = [];
    private readonly Dictionary<string, SafetensorsFile> _fileOf = new(StringComparer.Ordinal);

    private Checkpoint(string folder) => Folder = folder;

    /// <summary>The folder.</summary>
    public string Folder { get; }

    /// <summary>The files that hold the tensors, in order.</summary>
    public IReadOnlyList<SafetensorsFile> Files => _files;

    /// <summary>All tensors: shards in the order of their names, in each the order of the data.</summary>
    public IEnumerable<TensorInfo> Tensors => _files.SelectMany(file => file.Tensors);

    /// <summary>Opens the folder.</summary>
    /// <exception cref="InvalidFileException">There is no checkpoint, or it breaks a rule of the format.</exception>
    public static Checkpoint Open(string folder)
    {
        var checkpoint = new Checkpoint(folder);
        try
        {
            foreach (string path in FindFiles(folder))
            {
                SafetensorsFile file = SafetensorsFile.Open(path);
                checkpoint._files.Add(file);
                foreach (TensorInfo tensor in file.Tensors)
                    checkpoint._fileOf.Add(tensor.Name, file);
            }
            return checkpoint;
        }
        catch
        {
            checkpoint.Dispose();
            throw;
        }
    }

    /// <summary>Finds a tensor by name.</summary>
    public bool TryGet(string name, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out TensorInfo? tensor)
    {
        tensor = _fileOf.TryGetValue(name, out SafetensorsFile? file) ? file[name] : null;
        return tensor is not null;
    }

    /// <summary>The path of the file that holds the tensor, for messages.</summary>
    public string FileOf(TensorInfo tensor) => _fileOf[tensor.Name].Path;

    /// <summary>The raw bytes of a tensor of less than 2 GiB, valid until the checkpoint is disposed.</summary>
    public ReadOnlySpan<byte> Bytes(TensorInfo tensor) => _fileOf[tensor.Name].Bytes(tensor.Name);

    /// <summary>Reads elements of any numeric type, converted to single precision.</summary>
    /// <param name="tensor">The tensor.</param>
    /// <param name="first">The index of the first element, in row-major order.</param>
    /// <param name="destination">Receives as many elements as it is long.</param>
    public void Read(TensorInfo tensor, long first, Span<float> destination) =>
        _fileOf[tensor.Name].Read(tensor.Name, first, destination);

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (SafetensorsFile file in _files)
            file.Dispose();
    }

    private static string[] FindFiles(string folder)
    {
        string single = System.IO.Path.Combine(folder, "model.safetensors");
        if (File.Exists(single))
            return [single];
        string index = System.IO.Path.Combine(folder, "model.safetensors.index.json");
        if (!File.Exists(index))
            throw new InvalidFileException(folder, "no-checkpoint", "there is no model.safetensors and no model.safetensors.index.json", "Give the folder of a Hugging Face model in safetensors format");
        using JsonDocument json = JsonDocument.Parse(File.ReadAllBytes(index));
        return [.. json.RootElement.GetProperty("weight_map").EnumerateObject().Select(entry => entry.Value.GetString()!)
            .Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal).Select(name => System.IO.Path.Combine(folder, name))];
    }
}
