using Vernier.Quantization.Results;

namespace Vernier.Quantization.Pipeline;

/// <summary>
/// A folder that appears whole or not at all. Until then its run works in <c>NAME.partial</c> beside it: <see cref="Result"/> is what will
/// take the name,
/// <see cref="Journal"/> says which matrices in it are finished, both stay for a run that continues it where the run doesn't come to its
/// end, and a lock keeps a second run away.
/// </summary>
public sealed class OutputFolder : IDisposable
{
    private const string JournalName = "journal", ResultName = "result", LockName = "lock";

    private readonly string _target;
    private readonly bool _replace;
    private readonly FileStream _lock;
    private bool _complete;

    /// <summary>Begins a folder, or goes on with one.</summary>
    /// <param name="target">The folder to make.</param>
    /// <param name="replace">Whether a folder of that name may be replaced, and an unfinished run be forgotten.</param>
    /// <param name="resume">Whether an unfinished run is continued.</param>
    /// <exception cref="OutputException">The folder or an unfinished run exists and may not be replaced, or another run is at
    /// work.</exception>
    /// <exception cref="IOException">Nothing can be written.</exception>
    public OutputFolder(string target, bool replace, bool resume = false)
    {
        _target = Path.TrimEndingDirectorySeparator(Path.GetFullPath(target));
        _replace = replace;
        Partial = PartialOf(target);
        Check(target, replace, resume);
        Directory.CreateDirectory(Partial);
        _lock = Lock();
        foreach (string folder in new[] { Result, Journal }.Where(folder => !resume && Directory.Exists(folder)))
            Directory.Delete(folder, recursive: true);
        Directory.CreateDirectory(Result);
    }

    /// <summary>The folder to work in.</summary>
    public string Partial { get; }

    /// <summary>The folder that takes the name on <see cref="Complete"/>.</summary>
    public string Result => Path.Combine(Partial, ResultName);

    /// <summary>The folder of the journal.</summary>
    public string Journal => Path.Combine(Partial, JournalName);

    /// <summary>Refuses a target that can't be written, before any work.</summary>
    /// <exception cref="OutputException">The target, or an unfinished run, exists and may not be replaced.</exception>
    public static void Check(string target, bool replace, bool resume = false)
    {
        if (File.Exists(target))
            throw new OutputException(target, OutputException.IsFile, "this is a file", "Name a folder");
        bool finished = resume && File.Exists(Path.Combine(target, RunReport.FileName));
        if (!replace && !finished && Directory.Exists(target) && Directory.EnumerateFileSystemEntries(target).Any())
            throw new OutputException(target, OutputException.Exists, "the folder exists and is not empty", "Name another, or allow to replace it");
        if (!replace && !resume && Pipeline.Journal.HasEntries(Path.Combine(PartialOf(target), JournalName)))
        {
            throw new OutputException(PartialOf(target), OutputException.Unfinished, "an unfinished run into this folder exists",
                "Go on where it stopped, or start afresh");
        }
    }

    /// <summary>Gives the folder its name. What the run has left beside it is removed on disposal.</summary>
    /// <exception cref="OutputException">A folder of that name exists and may not be replaced.</exception>
    public void Complete()
    {
        string old = _target + ".replaced";
        if (Directory.Exists(_target))
        {
            Check(_target, _replace, resume: true);
            if (Directory.Exists(old))
                Directory.Delete(old, recursive: true);
            Directory.Move(_target, old);
        }
        Directory.Move(Result, _target);
        Forget();
        if (Directory.Exists(old))
            Directory.Delete(old, recursive: true);
    }

    /// <summary>Lets go of unfinished work: it is removed on disposal.</summary>
    public void Forget() => _complete = true;

    /// <summary>Removes what the run has left, unless it is unfinished and can be continued.</summary>
    public void Dispose()
    {
        bool keep = !_complete && Pipeline.Journal.HasEntries(Journal);
        _lock.Dispose();
        if (!keep && Directory.Exists(Partial))
            Directory.Delete(Partial, recursive: true);
    }

    private static string PartialOf(string target) => Path.TrimEndingDirectorySeparator(Path.GetFullPath(target)) + ".partial";

    private FileStream Lock()
    {
        try
        {
            return new FileStream(Path.Combine(Partial, LockName), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException e)
        {
            throw new OutputException(Partial, OutputException.InUse, "another run is writing into this folder", "Wait for its end, or name another folder", e);
        }
    }
}
