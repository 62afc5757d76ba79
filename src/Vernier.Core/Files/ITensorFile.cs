using Vernier.Errors;

namespace Vernier.Files;

/// <summary>A file of tensors, whatever its format. Any number of threads may read at the same time.</summary>
public interface ITensorFile : IDisposable
{
    /// <summary>The path.</summary>
    string Path { get; }

    /// <summary>Free-form pairs of strings that accompany the tensors.</summary>
    IReadOnlyDictionary<string, string> Metadata { get; }

    /// <summary>The tensors.</summary>
    IReadOnlyList<TensorInfo> Tensors { get; }

    /// <summary>A tensor by name.</summary>
    /// <exception cref="InvalidFileException">There is no such tensor.</exception>
    TensorInfo this[string name] { get; }

    /// <summary>The raw bytes of a tensor of less than 2 GiB, valid until the file is disposed. They can be unaligned.</summary>
    /// <exception cref="InvalidOperationException">The tensor is larger.</exception>
    ReadOnlySpan<byte> Bytes(string name);

    /// <summary>Copies raw bytes of a tensor of any size.</summary>
    /// <param name="name">The tensor.</param>
    /// <param name="firstByte">Where to begin, in bytes from the beginning of the tensor.</param>
    /// <param name="destination">Receives as many bytes as it is long.</param>
    /// <exception cref="ArgumentOutOfRangeException">The range reaches beyond the tensor.</exception>
    void ReadBytes(string name, long firstByte, Span<byte> destination);

    /// <summary>As <see cref="ReadBytes"/>, without making pages of the file part of the process's memory.</summary>
    void ReadOnce(string name, long firstByte, Span<byte> destination);

    /// <summary>Reads elements of any real type of whole bytes in single precision.</summary>
    /// <param name="name">The tensor.</param>
    /// <param name="first">The index of the first element, in row-major order.</param>
    /// <param name="destination">Receives as many elements as it is long.</param>
    /// <exception cref="ArgumentOutOfRangeException">The range reaches beyond the tensor.</exception>
    /// <exception cref="InvalidFileException">The elements are no real numbers of whole bytes.</exception>
    void Read(string name, long first, Span<float> destination);
}
