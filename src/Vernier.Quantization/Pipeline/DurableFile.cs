namespace Vernier.Quantization.Pipeline;

/// <summary>Small files that are there whole or not at all.</summary>
internal static class DurableFile
{
    /// <summary>Writes a file, brings it to the disk, and then gives it its name, in place of one that had it.</summary>
    /// <exception cref="IOException">The disk can't be written.</exception>
    public static void Write(string path, ReadOnlySpan<byte> content)
    {
        string partial = path + ".partial";
        using (var stream = new FileStream(partial, FileMode.Create, FileAccess.Write))
        {
            stream.Write(content);
            stream.Flush(flushToDisk: true);
        }
        File.Move(partial, path, overwrite: true);
    }
}
