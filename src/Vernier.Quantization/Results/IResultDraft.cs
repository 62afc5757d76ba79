using Vernier.Errors;
using Vernier.Files;
using Vernier.Packing;
using Vernier.Quantization.Weights;

namespace Vernier.Quantization.Results;

/// <summary>
/// A quantized model while it comes into being: every tensor has its place from the beginning, is written in any order, and can be read as
/// soon as it is written. A draft that
/// an earlier run has left is continued.
/// </summary>
internal interface IResultDraft : IDisposable
{
    /// <summary>Writes a packed matrix where it belongs.</summary>
    /// <param name="name">The name of the matrix in the source.</param>
    /// <param name="layout">How it is stored.</param>
    /// <param name="arrays">The bytes of its arrays, in the order of the layout.</param>
    /// <exception cref="IOException">The disk can't be written.</exception>
    void Write(string name, PackedLayout layout, IReadOnlyList<ReadOnlyMemory<byte>> arrays);

    /// <summary>Brings what is written of a packed matrix to the disk.</summary>
    /// <param name="name">The name of the matrix in the source.</param>
    /// <param name="layout">How it is stored.</param>
    /// <exception cref="IOException">The disk can't be written.</exception>
    void Flush(string name, PackedLayout layout);

    /// <summary>Reads a packed matrix that was written.</summary>
    /// <param name="name">The name of the matrix in the source.</param>
    /// <param name="layout">How it is stored.</param>
    /// <exception cref="InvalidFileException">The draft has been changed by others, or the matrix was not written.</exception>
    PackedMatrix Read(string name, PackedLayout layout);

    /// <summary>Copies a tensor of the source that is not packed.</summary>
    /// <param name="tensor">The tensor.</param>
    /// <param name="order">The order to bring it into; null for that of the source.</param>
    void Copy(TensorInfo tensor, TensorOrder? order);

    /// <summary>Whether a tensor that is not packed reads back as it was copied.</summary>
    /// <param name="tensor">The tensor.</param>
    /// <param name="order">The order that it was brought into; null for that of the source.</param>
    bool HoldsCopy(TensorInfo tensor, TensorOrder? order);

    /// <summary>Brings everything to the disk and adds what accompanies the tensors. What is read afterwards is read as a user of the
    /// model would.</summary>
    /// <exception cref="IOException">The disk can't be written.</exception>
    void Complete();
}
