using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using Vernier.Files;

namespace Vernier.Quantization.Networks;

/// <summary>Batches of activations, in memory or in a file. What is read is what was written, bit by bit, wherever it was.</summary>
internal sealed class ActivationStore : IDisposable
{
    private readonly float[][]? _memory;
    private readonly string _path = "";
    private SafeFileHandle? _file;
    private readonly long[] _offsets;
    private readonly int[] _lengths;

    /// <summary>Makes room.</summary>
    /// <param name="lengths">The numbers of each batch.</param>
    /// <param name="file">The file to use, which is removed at the end; null to stay in memory.</param>
    /// <exception cref="IOException">The file can't be made, or the disk has no room.</exception>
    public ActivationStore(IReadOnlyList<int> lengths, string? file)
    {
        _lengths = [.. lengths];
        _offsets = new long[_lengths.Length];
        for (int i = 1; i < _lengths.Length; i++)
            _offsets[i] = _offsets[i - 1] + _lengths[i - 1];
        if (file is null)
            _memory = Array.ConvertAll(_lengths, length => new float[length]);
        else
        {
            _path = file;
            OutputFile.Do(file, () => _file = File.OpenHandle(
                file, FileMode.Create, FileAccess.ReadWrite, FileShare.None, FileOptions.DeleteOnClose,
                sizeof(float) * _lengths.Sum(length => (long)length)));
        }
    }

    /// <summary>The numbers of a batch.</summary>
    public int Length(int batch) => _lengths[batch];

    /// <summary>Copies a batch to the beginning of a buffer.</summary>
    /// <exception cref="IOException">The file can't be read.</exception>
    public void Read(int batch, Span<float> destination)
    {
        if (_memory is not null)
        {
            _memory[batch].CopyTo(destination);
            return;
        }
        Span<byte> bytes = MemoryMarshal.AsBytes(destination[.._lengths[batch]]);
        for (long position = sizeof(float) * _offsets[batch]; !bytes.IsEmpty;)
        {
            int count = RandomAccess.Read(_file!, bytes, position);
            if (count == 0)
                throw new IOException("the file of activations has become shorter while it was in use");
            bytes = bytes[count..];
            position += count;
        }
    }

    /// <summary>Keeps a batch.</summary>
    /// <exception cref="IOException">The file can't be written.</exception>
    public void Write(int batch, ReadOnlySpan<float> source)
    {
        source = source[.._lengths[batch]];
        if (_memory is not null)
            source.CopyTo(_memory[batch]);
        else
            OutputFile.Write(_file!, _path, MemoryMarshal.AsBytes(source), sizeof(float) * _offsets[batch]);
    }

    /// <summary>Closes and removes the file.</summary>
    public void Dispose() => _file?.Dispose();
}
