namespace Vernier.Quantization.Pipeline;

/// <summary>
/// A folder that appears whole or not at all: everything is written to <c>NAME.partial</c> beside it, which takes the name when complete.
/// </summary>
public sealed class OutputFolder : IDisposable
{
    private static readonly string[] s_companions = [".json", ".txt", ".model", ".md", ".jinja", ".tiktoken", ".py"];

    private readonly string _target;
    private readonly bool _replace;
    private bool _complete;

    /// <summary>Begins a folder.</summary>
    /// <param name="target">The folder to make.</param>
    /// <param name="replace">Whether a folder of that name may be replaced.</param>
    /// <exception cref="IOException">The folder exists and may not be replaced, or can't be written.</exception>
    public OutputFolder(string target, bool replace)
    {
        _target = Path.TrimEndingDirectorySeparator(Path.GetFullPath(target));
        _replace = replace;
        Check(target, replace);
        Partial = _target + ".partial";
        if (Directory.Exists(Partial))
            Directory.Delete(Partial, recursive: true);
        Directory.CreateDirectory(Partial);
    }

    /// <summary>The folder to write to until <see cref="Complete"/>.</summary>
    public string Partial { get; }

    /// <summary>Refuses a target that can't be written, before any work.</summary>
    /// <exception cref="IOException">The target exists and may not be replaced.</exception>
    public static void Check(string target, bool replace)
    {
        if (File.Exists(target))
            throw new IOException($"{target}: this is a file. Name a folder.");
        if (!replace && Directory.Exists(target) && Directory.EnumerateFileSystemEntries(target).Any())
            throw new IOException($"{target}: the folder exists and is not empty. Name another, or say --force to replace it.");
    }

    /// <summary>Copies what accompanies the weights and does not change: tokenizer, generation settings, licence, notes.</summary>
    public void CopyCompanions(string source)
    {
        foreach (string path in Directory.EnumerateFiles(source).Order(StringComparer.Ordinal))
        {
            string name = Path.GetFileName(path);
            bool licence = name.StartsWith("LICEN", StringComparison.OrdinalIgnoreCase);
            bool weights = name is "config.json" || name.EndsWith(".index.json", StringComparison.Ordinal);
            if (!weights && (licence || s_companions.Contains(Path.GetExtension(name), StringComparer.OrdinalIgnoreCase)))
                File.Copy(path, Path.Combine(Partial, name));
        }
    }

    /// <summary>Gives the folder its name.</summary>
    public void Complete()
    {
        string old = _target + ".replaced";
        if (Directory.Exists(_target))
        {
            Check(_target, _replace);
            if (Directory.Exists(old))
                Directory.Delete(old, recursive: true);
            Directory.Move(_target, old);
        }
        Directory.Move(Partial, _target);
        _complete = true;
        if (Directory.Exists(old))
            Directory.Delete(old, recursive: true);
    }

    /// <summary>Removes what was written unless it is complete.</summary>
    public void Dispose()
    {
        if (!_complete && Directory.Exists(Partial))
            Directory.Delete(Partial, recursive: true);
    }
}
