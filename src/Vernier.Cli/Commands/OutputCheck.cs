using Vernier.Cli.Terminal;
using Vernier.Inference.Models;
using Vernier.Quantization.Pipeline;

namespace Vernier.Cli.Commands;

/// <summary>What is checked of the output folder before any work.</summary>
internal static class OutputCheck
{
    /// <summary>The output where none is named: in the current folder, named after the model, the recipe and the bits.</summary>
    public static string DefaultFor(Model model, string recipe, int bits)
    {
        string name = $"{ModelFiles.NameOf(model)}-{recipe}-{bits}bit";
        return string.Concat(name.Select(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-' ? c : '-'));
    }

    /// <summary>Refuses an output that would destroy something: a folder in use, the model itself, or with --force what is no
    /// model.</summary>
    public static void CheckOutput(string model, string output, RunOptions run)
    {
        string from = Resolve(model), to = Resolve(output);
        if (Contains(from, to) || Contains(to, from))
            throw new UsageException($"{output}: the output would lie in the model's folder, or replace it. Name another folder with -o.");
        OutputFolder.Check(output, run.Replace, run.Resume, run.Gguf is not null);
        bool replaces = Directory.Exists(output) && Directory.EnumerateFileSystemEntries(output).Any();
        if (replaces && !File.Exists(Path.Combine(output, "config.json")))
            throw new OutputException(output, "output-no-model", "this folder is no model, for it has no config.json",
                "Name another folder, or remove it yourself");
    }

    /// <summary>The free bytes of the disk that a folder lies on or will lie on.</summary>
    public static long FreeBytes(string folder)
    {
        DirectoryInfo? existing = new(Path.GetFullPath(folder));
        while (existing is { Exists: false })
            existing = existing.Parent;
        return existing is null ? long.MaxValue : new DriveInfo(existing.FullName).AvailableFreeSpace;
    }

    /// <summary>Refuses a disk that is too small.</summary>
    public static void CheckSpace(string output, long needed, long free)
    {
        if (needed > free)
            throw new IOException(
                $"{output}: the result takes {Figures.Size(needed)}, and the disk has {Figures.Size(free)} free. Make room, or name a "
                + $"folder on another disk with -o.");
    }

    /// <summary>Refuses a disk that is too small for what is written and removed again.</summary>
    public static void CheckTemporary(long needed)
    {
        string folder = Path.GetTempPath();
        if (needed > FreeBytes(folder))
            throw new IOException($"{folder}: the models that are compared take {Figures.Size(needed)}, and the disk has "
                + $"{Figures.Size(FreeBytes(folder))} free. Make room, or name a folder on another disk by the variable TMPDIR.");
    }

    /// <summary>Refuses a file that can't be written, before the work whose result it is to hold.</summary>
    public static void CheckWritable(string file)
    {
        if (Directory.Exists(file))
            throw new OutputException(file, OutputException.Kind, "this is a folder", "Name a file");
        string folder = Path.GetDirectoryName(Path.GetFullPath(file))!;
        if (!Directory.Exists(folder))
            throw new OutputException(file, "output-folder-missing", $"there is no such folder as {folder}", "Make it, or name another");
        bool there = File.Exists(file);
        using (File.OpenHandle(file, FileMode.OpenOrCreate, FileAccess.Write))
        {
        }
        if (!there)
            File.Delete(file);
    }

    /// <summary>Refuses a file that is the model itself, or a part of it.</summary>
    public static void CheckFile(Model model, string file)
    {
        string target = Resolve(file);
        if (model.Files.Append(model.Path).Any(part => string.Equals(Resolve(part), target, StringComparison.OrdinalIgnoreCase)))
            throw new UsageException($"{file}: this is the model itself. Name another file with -o.");
    }

    // Links count wherever they stand in the path, whether or not its end is there yet.
    private static string Resolve(string path)
    {
        string full = Path.TrimEndingDirectorySeparator(Path.GetFullPath(path));
        if (Path.GetDirectoryName(full) is not string parent)
            return full;
        string here = Path.Combine(Resolve(parent), Path.GetFileName(full));
        FileSystemInfo entry = Directory.Exists(here) ? new DirectoryInfo(here) : new FileInfo(here);
        return entry.LinkTarget is null ? here : Resolve(entry.ResolveLinkTarget(returnFinalTarget: true)!.FullName);
    }

    // Ignoring case refuses a little too much where file systems tell cases apart, and never too little.
    private static bool Contains(string folder, string path) =>
        (path + Path.DirectorySeparatorChar).StartsWith(
            Path.TrimEndingDirectorySeparator(folder) + Path.DirectorySeparatorChar, StringComparison.OrdinalIgnoreCase);
}
