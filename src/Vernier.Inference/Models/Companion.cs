namespace Vernier.Inference.Models;

/// <summary>A file that accompanies the weights in a Hugging Face folder and does not change: tokenizer, generation settings, licence,
/// notes.</summary>
public sealed class Companion
{
    private readonly string? _path;
    private readonly byte[] _text;

    internal Companion(string path) => (Name, _path, _text) = (Path.GetFileName(path), path, []);

    internal Companion(string name, byte[] text) => (Name, _text) = (name, text);

    /// <summary>The name of the file.</summary>
    public string Name { get; }

    /// <summary>Writes it into a folder, over a file of that name.</summary>
    /// <exception cref="IOException">It can't be read, or the folder not be written.</exception>
    public void CopyTo(string folder)
    {
        string target = Path.Combine(folder, Name);
        if (_path is null)
            File.WriteAllBytes(target, _text);
        else
            File.Copy(_path, target, overwrite: true);
    }
}
