using Vernier.Files;

namespace Vernier.Quantization.Pipeline;

/// <summary>Small files that are there whole or not at all.</summary>
internal static class DurableFile
{
    /// <summary>Writes a file, brings it to the disk, and then gives it its name, in place of one that had it.</summary>
    /// <param name="path">The name.</param>
    /// <param name="content">The content.</param>
    /// <param name="durable">Whether it has to outlast a failure of the power, not only the end of the program.</param>
    /// <exception cref="IOException">The disk can't be written.</exception>
    public static void Write(string path, ReadOnlySpan<byte> content, bool durable = true)
    {
        string partial = path + ".partial";
        try
        {
            using var stream = new FileStream(partial, FileMode.Create, FileAccess.Write);
            stream.Write(content);
            stream.Flush(flushToDisk: durable);
        }
        catch (Exception e)
        {
            if (OutputFile.Failure(path, e) is IOException failure)
                throw failure;
            throw;
        }
        File.Move(partial, path, overwrite: true);
    }
}
