using Vernier.Errors;
using Vernier.Files;

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

    /// <summary>Its bytes.</summary>
    /// <exception cref="InvalidFileException">As for <see cref="Check"/>.</exception>
    public long Bytes
    {
        get
        {
            Check();
            return _path is null ? _text.Length : new FileInfo(_path).ResolveLinkTarget(returnFinalTarget: true) is FileInfo target
                ? target.Length : new FileInfo(_path).Length;
        }
    }

    /// <summary>Refuses one that can't be read, before any work.</summary>
    /// <exception cref="InvalidFileException">It can't: a rule of <see cref="FileRules"/>.</exception>
    public void Check()
    {
        if (_path is null)
            return;
        try
        {
            using FileStream stream = File.OpenRead(_path);
        }
        catch (Exception e)
        {
            if (InputFile.Failure(_path, e) is InvalidFileException failure)
                throw failure;
            throw;
        }
    }

    /// <summary>Writes it into a folder, over a file of that name.</summary>
    /// <exception cref="IOException">It can't be read, or the folder not be written.</exception>
    public void CopyTo(string folder)
    {
        string target = Path.Combine(folder, Name);
        OutputFile.Do(target, () =>
        {
            if (_path is null)
                File.WriteAllBytes(target, _text);
            else
                File.Copy(_path, target, overwrite: true);
        });
    }
}
