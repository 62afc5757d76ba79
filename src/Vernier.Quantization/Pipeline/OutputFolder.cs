using Vernier.Inference.Models;

namespace Vernier.Quantization.Pipeline;

/// <summary>
/// A folder that appears whole or not at all. Until then its run works in <c>NAME.partial</c> beside it: <see cref="Result"/> is what will take the name,
/// <see cref="Journal"/> says which matrices in it are finished, both stay for <c>--resume</c> where the run doesn't come to its end, and a lock keeps a second run away.
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
    /// <exception cref="IOException">The folder or an unfinished run exists and may not be replaced, another run is at work, or nothing can be written.</exception>
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
    /// <exception cref="IOException">The target, or an unfinished run, exists and may not be replaced.</exception>
    public static void Check(string target, bool replace, bool resume = false)
    {
        if (File.Exists(target))
            throw new IOException($"{target}: this is a file. Name a folder.");
        bool finished = resume && File.Exists(Path.Combine(target, RunReport.FileName));
        if (!replace && !finished && Directory.Exists(target) && Directory.EnumerateFileSystemEntries(target).Any())
            throw new IOException($"{target}: the folder exists and is not empty. Name another, or say --force to replace it.");
        if (!replace && !resume && Pipeline.Journal.HasEntries(Path.Combine(PartialOf(target), JournalName)))
            throw new IOException($"{PartialOf(target)}: an unfinished run into this folder exists. Say --resume to go on where it stopped, or --force to start afresh.");
    }

    /// <summary>Copies what accompanies the weights and does not change: tokenizer, generation settings, licence, notes.</summary>
    public void CopyCompanions(string source)
    {
        using var model = Model.Open(source);
        foreach (Companion companion in model.Companions)
            companion.CopyTo(Result);
    }

    /// <summary>Gives the folder its name. What the run has left beside it is removed on disposal.</summary>
    /// <exception cref="IOException">A folder of that name exists and may not be replaced.</exception>
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
            throw new IOException($"{Partial}: another run is writing into this folder. Wait for its end, or name another folder with -o.", e);
        }
    }
}
