namespace Vernier.TestKit;

/// <summary>A small model in a folder that is deleted at the end: config.json and a float32 safetensors file.</summary>
public sealed class TinyFolder : IDisposable
{
    private readonly TempFolder _folder = new();

    public TinyFolder(string config, IReadOnlyDictionary<string, TinyTensor> tensors) => TinyModel.Write(_folder.Path, config, tensors);

    public string Path => _folder.Path;

    public void Dispose() => _folder.Dispose();
}
