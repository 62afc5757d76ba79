using Vernier.Errors;
using Vernier.Files;
using Vernier.Files.Checkpoints;
using Vernier.Files.Gguf;
using Vernier.Packing.Configuration;

namespace Vernier.Inference.Models;

/// <summary>
/// The tensors of a folder or of a GGUF file, also of a model that is refused: of a family that does not run here, quantized by others, not
/// as it says. Only a file whose tensors can't be found is not listed.
/// </summary>
public sealed class ModelListing : IDisposable
{
    private readonly Model? _model;
    private readonly GgufListing? _gguf;
    private readonly string[] _files;

    private ModelListing(Model model, VernierException? refusal)
    {
        (_model, Refusal, Checkpoint, Architecture) = (model, refusal, model.Checkpoint, model.Architecture);
        _files = [.. model.Files];
        try
        {
            Packed = model.Quantization;
        }
        catch (VernierException e)
        {
            Refusal ??= e;
        }
    }

    private ModelListing(string path, VernierException refusal)
    {
        Refusal = refusal;
        if (!File.Exists(path))
        {
            Checkpoint = Checkpoint.Open(path);
            _files = [.. Checkpoint.Files.Select(file => file.Path)];
            Architecture = "";
            return;
        }
        var file = GgufFile.Open(path, listing: true);
        _gguf = new GgufListing(file);
        _files = [path];
        Checkpoint = Checkpoint.Of(_gguf, path);
        Architecture = file.Metadata.GetValueOrDefault("general.architecture")?.Data as string ?? "";
    }

    /// <summary>The tensors.</summary>
    public Checkpoint Checkpoint { get; }

    /// <summary>The architecture as the model names it; empty where it does not.</summary>
    public string Architecture { get; }

    /// <summary>Which matrices Vernier has packed, and how; null where that is none.</summary>
    public QuantizationConfig? Packed { get; }

    /// <summary>Why the model is refused; null where it is not.</summary>
    public VernierException? Refusal { get; }

    /// <summary>The bytes of the files.</summary>
    public long Bytes => _files.Sum(path => new FileInfo(path).Length);

    /// <summary>Opens a model, or what can be listed of it.</summary>
    /// <param name="path">A Hugging Face folder, or a GGUF file.</param>
    /// <exception cref="InvalidFileException">Not even its tensors can be listed.</exception>
    public static ModelListing Open(string path)
    {
        Model model;
        try
        {
            model = Model.Open(path);
        }
        catch (VernierException refusal)
        {
            try
            {
                return new ModelListing(path, refusal);
            }
            catch (InvalidFileException)
            {
                // What was wrong at first says more.
            }
            throw;
        }
        return new ModelListing(model, RefusalOf(model));
    }

    /// <summary>The type and the bytes that a tensor has in its file.</summary>
    public (string Type, long Bytes) Stored(TensorInfo tensor)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        if (_model is not null)
            return _model.Stored(tensor);
        if (_gguf is null)
            return (tensor.Type.ToString(), tensor.Bytes);
        GgufTensor stored = _gguf.Stored(tensor.Name);
        return (stored.Type.Name, stored.Bytes);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_model is not null)
            _model.Dispose();
        else
            Checkpoint.Dispose();
    }

    private static VernierException? RefusalOf(Model model)
    {
        try
        {
            _ = model.Quantization;
            _ = model.Configuration;
            model.Check();
            return null;
        }
        catch (VernierException e)
        {
            return e;
        }
    }
}
