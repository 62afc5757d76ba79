using System.IO.MemoryMappedFiles;
using Vernier.Errors;

namespace Vernier.Files;

/// <summary>
/// A whole file, mapped into memory for reading: pages are read from the disk when first touched and cost no memory of the
/// process. The file must not be shortened while it is mapped: the operating system ends a process that touches a page
/// beyond the end.
/// </summary>
internal sealed unsafe class MappedFile : IDisposable
{
    private readonly MemoryMappedFile _map;
    private readonly MemoryMappedViewAccessor _view;

    private MappedFile(FileStream stream)
    {
        Length = stream.Length;
        _map = MemoryMappedFile.CreateFromFile(stream, null, Length, MemoryMappedFileAccess.Read, HandleInheritability.None,
            leaveOpen: false);
        try
        {
            _view = _map.CreateViewAccessor(0, Length, MemoryMappedFileAccess.Read);
            byte* start = null;
            _view.SafeMemoryMappedViewHandle.AcquirePointer(ref start);
            Start = start + _view.PointerOffset;
        }
        catch
        {
            _view?.Dispose();
            _map.Dispose();
            throw;
        }
    }

    /// <summary>The first byte of the file.</summary>
    public byte* Start { get; private set; }

    /// <summary>The length of the file in bytes, at least 1.</summary>
    public long Length { get; }

    /// <summary>Maps a file.</summary>
    /// <exception cref="InvalidFileException">The file is missing, unreadable or empty.</exception>
    public static MappedFile Open(string path)
    {
        FileStream stream = InputFile.Open(path);
        try
        {
            return new MappedFile(stream);
        }
        catch (Exception e)
        {
            stream.Dispose();
            if (InputFile.Failure(path, e) is InvalidFileException failure)
                throw failure;
            throw;
        }
    }

    /// <summary>Unmaps the file. No pointer into it may be used afterwards.</summary>
    public void Dispose()
    {
        if (Start is null)
            return;
        Start = null;
        _view.SafeMemoryMappedViewHandle.ReleasePointer();
        _view.Dispose();
        _map.Dispose();
    }
}
