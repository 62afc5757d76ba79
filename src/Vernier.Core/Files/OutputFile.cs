using Microsoft.Win32.SafeHandles;

namespace Vernier.Files;

/// <summary>
/// Reserves and writes files, and turns what .NET throws where there is no room, of several kinds and some without the path, into an
/// <see cref="IOException"/> that names the file and the remedy.
/// </summary>
public static class OutputFile
{
    // The code of an IOException without one of the system's, with which a reservation fails; errno of ENOSPC and of EDQUOT on Linux and
    // macOS; ERROR_HANDLE_DISK_FULL and ERROR_DISK_FULL of Windows.
    private const int Reservation = unchecked((int)0x80131620);
    private static readonly int[] s_full = [28, 69, 122, unchecked((int)0x80070027), unchecked((int)0x80070070)];

    /// <summary>Makes a file of a size, over one of that name, and reserves its space.</summary>
    /// <param name="path">The file.</param>
    /// <param name="size">Its bytes.</param>
    /// <exception cref="IOException">There is no room, or the folder can't be written.</exception>
    public static SafeFileHandle Create(string path, long size)
    {
        SafeFileHandle? file = null;
        try
        {
            file = File.OpenHandle(path, FileMode.Create, FileAccess.Write, FileShare.None, FileOptions.None, size);
            RandomAccess.SetLength(file, size);
            return file;
        }
        catch (Exception e)
        {
            file?.Dispose();
            if (Failure(path, e) is IOException failure)
                throw failure;
            if (e is IOException && e.HResult == Reservation)
                throw Full(path, e);
            throw;
        }
    }

    /// <summary>Writes bytes.</summary>
    /// <param name="file">The file.</param>
    /// <param name="path">Its path.</param>
    /// <param name="bytes">The bytes.</param>
    /// <param name="position">Where they belong.</param>
    /// <exception cref="IOException">There is no room, or the disk can't be written.</exception>
    public static void Write(SafeFileHandle file, string path, ReadOnlySpan<byte> bytes, long position)
    {
        try
        {
            RandomAccess.Write(file, bytes, position);
        }
        catch (Exception e)
        {
            if (Failure(path, e) is IOException failure)
                throw failure;
            throw;
        }
    }

    /// <summary>Does something that writes a file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="write">Writes it.</param>
    /// <exception cref="IOException">There is no room, or the disk can't be written.</exception>
    public static void Do(string path, Action write)
    {
        ArgumentNullException.ThrowIfNull(write);
        try
        {
            write();
        }
        catch (Exception e)
        {
            if (Failure(path, e) is IOException failure)
                throw failure;
            throw;
        }
    }

    /// <summary>The error for what was thrown as a file was written for which there is no room; null for anything else.</summary>
    /// <param name="path">The file.</param>
    /// <param name="e">What was thrown.</param>
    public static IOException? Failure(string path, Exception e) => e switch
    {
        // EFBIG: "Specified file length was too large for the file system."
        ArgumentOutOfRangeException { ParamName: "value" } when e.Message.Contains("file length", StringComparison.Ordinal) =>
            new IOException(
            $"{path}: the file would be larger than this process or this file system may write. Raise the limit on the size of files, or "
            + "write to another disk.", e),
        IOException when Array.IndexOf(s_full, e.HResult) >= 0 => Full(path, e),
        _ => null,
    };

    private static IOException Full(string path, Exception e) => new($"{path}: the disk is full. Make room, or write to another disk.", e);
}
