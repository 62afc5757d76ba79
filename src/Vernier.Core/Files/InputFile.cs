using Vernier.Errors;

namespace Vernier.Files;

/// <summary>Opens files for reading and turns every failure into an <see cref="InvalidFileException"/> with a rule of
/// <see cref="FileRules"/>.</summary>
internal static class InputFile
{
    /// <summary>What to do about a file that was damaged on its way.</summary>
    public const string Again = "Download or copy the file again";

    /// <summary>What to do about a file that may have been damaged, or written wrongly: then another download is no other file.</summary>
    public const string Compare =
        "Compare its checksum with the published one: where they differ, download or copy it again; where they are "
        + "equal, it was written wrongly and has to be saved anew";

    /// <summary>Opens an ordinary file that is not empty, unbuffered.</summary>
    public static FileStream Open(string path)
    {
        FileStream? stream = null;
        try
        {
            // The length is asked before the file is opened: opening a pipe would wait for its other end.
            CheckNotEmpty(path, new FileInfo(path).Length);
            stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0);
            CheckNotEmpty(path, stream.Length);
            return stream;
        }
        catch (Exception e)
        {
            stream?.Dispose();
            if (Failure(path, e) is InvalidFileException failure)
                throw failure;
            throw;
        }
    }

    /// <summary>The error for an exception that the file system threw; null for any other exception.</summary>
    public static InvalidFileException? Failure(string path, Exception e) => e switch
    {
        FileNotFoundException or DirectoryNotFoundException when Directory.Exists(path) =>
            new InvalidFileException(path, FileRules.FileUnreadable, "this is a folder, not a file", "Give the path of a file",
                innerException: e),
        FileNotFoundException or DirectoryNotFoundException when new FileInfo(path).LinkTarget is string target =>
            new InvalidFileException(path, FileRules.FileMissing, $"this is a link to '{target}', where there is no file",
                "Put the file there, or remove the link", innerException: e),
        FileNotFoundException or DirectoryNotFoundException =>
            new InvalidFileException(path, FileRules.FileMissing, "the file does not exist", "Check the path", innerException: e),
        IOException or UnauthorizedAccessException or NotSupportedException =>
            new InvalidFileException(path, FileRules.FileUnreadable, $"the file cannot be read ({e.Message.TrimEnd('.')})",
                "Check its permissions and the disk", innerException: e),
        _ => null,
    };

    /// <summary>Whether a file is there, and where it is a link, what it leads to; for a link that leads nowhere counts as there to
    /// .NET.</summary>
    public static bool Exists(string path)
    {
        try
        {
            return File.Exists(path) && new FileInfo(path).ResolveLinkTarget(returnFinalTarget: true) is null or { Exists: true };
        }
        catch (IOException)
        {
            // Links in a circle.
            return false;
        }
    }

    private static void CheckNotEmpty(string path, long length)
    {
        if (length == 0)
            throw new InvalidFileException(path, FileRules.FileEmpty, "the file is empty", Again);
    }
}
