namespace Vernier.Quantization.Pipeline;

/// <summary>
/// An output, a folder or a file, that appears whole or not at all. Until then its run works in the folder <c>NAME.partial</c> beside it:
/// <see cref="Result"/> holds what
/// will take the name, <see cref="Journal"/> says which matrices in it are finished, both stay for a run that continues it where the run
/// doesn't come to its end, and a
/// lock keeps a second run away.
/// </summary>
public sealed class OutputFolder : IDisposable
{
    /// <summary>The name of a file in <see cref="Result"/> until it gets its own.</summary>
    internal const string FileName = "model.gguf";

    private const string JournalName = "journal", ResultName = "result", LockName = "lock";

    private readonly string _target;
    private readonly bool _replace;
    private readonly bool _isFile;
    private readonly FileStream _lock;
    private bool _complete;

    /// <summary>Begins an output, or goes on with one.</summary>
    /// <param name="target">The folder or file to make.</param>
    /// <param name="replace">Whether one of that name may be replaced, and an unfinished run be forgotten.</param>
    /// <param name="resume">Whether an unfinished run is continued.</param>
    /// <param name="isFile">Whether it is a file; by default a folder.</param>
    /// <exception cref="OutputException">The output or an unfinished run exists and may not be replaced, or another run is at
    /// work.</exception>
    /// <exception cref="IOException">Nothing can be written.</exception>
    public OutputFolder(string target, bool replace, bool resume = false, bool isFile = false)
    {
        _target = Path.TrimEndingDirectorySeparator(Path.GetFullPath(target));
        (_replace, _isFile) = (replace, isFile);
        Partial = PartialOf(target);
        Check(target, replace, resume, isFile);
        Directory.CreateDirectory(Partial);
        _lock = Lock();
        foreach (string folder in new[] { Result, Journal }.Where(folder => !resume && Directory.Exists(folder)))
            Directory.Delete(folder, recursive: true);
        Directory.CreateDirectory(Result);
    }

    /// <summary>The folder to work in.</summary>
    public string Partial { get; }

    /// <summary>The folder that takes the name on <see cref="Complete"/>, or holds the file that does.</summary>
    public string Result => Path.Combine(Partial, ResultName);

    /// <summary>The folder of the journal.</summary>
    public string Journal => Path.Combine(Partial, JournalName);

    /// <summary>The report of an output.</summary>
    /// <param name="target">The folder or file.</param>
    /// <param name="isFile">Whether it is a file.</param>
    public static string ReportOf(string target, bool isFile) =>
        isFile ? $"{target}.{RunReport.FileName}" : Path.Combine(target, RunReport.FileName);

    /// <summary>Refuses a target that can't be written, before any work.</summary>
    /// <param name="target">The folder or file to make.</param>
    /// <param name="replace">Whether one of that name may be replaced, and an unfinished run be forgotten.</param>
    /// <param name="resume">Whether an unfinished run is continued.</param>
    /// <param name="isFile">Whether it is a file; by default a folder.</param>
    /// <exception cref="OutputException">The target, or an unfinished run, exists and may not be replaced.</exception>
    public static void Check(string target, bool replace, bool resume = false, bool isFile = false)
    {
        if (isFile ? Directory.Exists(target) : File.Exists(target))
        {
            throw new OutputException(target, OutputException.Kind, isFile ? "this is a folder" : "this is a file", isFile ? "Name a file"
                : "Name a folder");
        }
        if (!resume || !File.Exists(ReportOf(target, isFile)))
            CheckFree(target, replace, isFile);
        if (!replace && !resume && Pipeline.Journal.HasEntries(Path.Combine(PartialOf(target), JournalName)))
        {
            throw new OutputException(PartialOf(target), OutputException.Unfinished, "an unfinished run into this output exists",
                "Go on where it stopped, or start afresh");
        }
    }

    /// <summary>Refuses an output that is there and may not be replaced, finished or not.</summary>
    /// <exception cref="OutputException">There is one.</exception>
    internal void CheckFree() => CheckFree(_target, _replace, _isFile);

    /// <summary>Gives the output its name. What the run has left beside it is removed on disposal.</summary>
    /// <exception cref="OutputException">An output of that name exists and may not be replaced.</exception>
    public void Complete()
    {
        if (_isFile)
            CompleteFile();
        else
            CompleteFolder();
        Forget();
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

    private static void CheckFree(string target, bool replace, bool isFile)
    {
        bool exists = isFile ? File.Exists(target) : Directory.Exists(target) && Directory.EnumerateFileSystemEntries(target).Any();
        if (exists && !replace)
        {
            throw new OutputException(target, OutputException.Exists, isFile ? "the file exists" : "the folder exists and is not empty",
                "Name another, or allow to replace it");
        }
    }

    private static string PartialOf(string target) => Path.TrimEndingDirectorySeparator(Path.GetFullPath(target)) + ".partial";

    private void CompleteFolder()
    {
        string old = _target + ".replaced";
        if (Directory.Exists(_target))
        {
            CheckFree();
            if (Directory.Exists(old))
                Directory.Delete(old, recursive: true);
            Directory.Move(_target, old);
        }
        Directory.Move(Result, _target);
        if (Directory.Exists(old))
            Directory.Delete(old, recursive: true);
    }

    // The file comes last: a report alone is no finished output.
    private void CompleteFile()
    {
        string report = ReportOf(_target, isFile: true);
        Check(_target, _replace, resume: true, isFile: true);
        CheckFree();
        File.Delete(report);
        File.Delete(_target);
        File.Move(Path.Combine(Result, RunReport.FileName), report);
        File.Move(Path.Combine(Result, FileName), _target);
    }

    private FileStream Lock()
    {
        try
        {
            return new FileStream(Path.Combine(Partial, LockName), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException e)
        {
            throw new OutputException(Partial, OutputException.InUse, "another run is writing this output",
                "Wait for its end, or name another", e);
        }
    }
}
