using Vernier.Errors;
using Vernier.Files;
using Vernier.Files.Checkpoints;
using Vernier.Packing;

namespace Vernier.Inference.Models;

/// <summary>Reads bytes of a tensor in the type that it has in the source.</summary>
/// <param name="firstByte">Where they begin, from the beginning of the tensor.</param>
/// <param name="bytes">Receives as many bytes as it is long.</param>
public delegate void TensorReader(long firstByte, Span<byte> bytes);

/// <summary>
/// Writes a model, the mirror of <see cref="Model"/>: its tensors by the names that they have in a Hugging Face checkpoint, in any order
/// and by any
/// thread, one thread a tensor, then config.json and what accompanies it. Tensors can be read back as soon as they are written, and what an
/// earlier
/// writer of the same tensors has left is continued.
/// </summary>
public abstract class ModelWriter : IDisposable
{
    /// <summary>The bytes of one piece of a tensor.</summary>
    internal const int PieceBytes = 1 << 20;

    /// <summary>The exact bytes of what is being written, what accompanies the weights excepted.</summary>
    public abstract long Bytes { get; }

    /// <summary>Writes a matrix that was quantized.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="matrix">The matrix, of the layout that it is to have.</param>
    /// <exception cref="ArgumentException">It is to have another layout.</exception>
    /// <exception cref="IOException">The disk can't be written.</exception>
    public abstract void Write(string name, PackedMatrix matrix);

    /// <summary>Writes a tensor that was not quantized.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="read">Reads it.</param>
    /// <param name="report">Told the part of it that is done, 0 to 1.</param>
    /// <param name="cancellation">Stops between two pieces.</param>
    /// <exception cref="IOException">The disk can't be written.</exception>
    public abstract void Write(string name, TensorReader read, Action<double>? report = null, CancellationToken cancellation = default);

    /// <summary>Reads back a matrix that was quantized.</summary>
    /// <param name="name">Its name.</param>
    /// <exception cref="InvalidFileException">The file was changed by others.</exception>
    public abstract PackedMatrix Read(string name);

    /// <summary>Brings what is written to the disk.</summary>
    /// <exception cref="IOException">The disk can't be written.</exception>
    public abstract void Flush();

    /// <summary>Writes what accompanies the tensors, brings all to the disk, and gives the result its name.</summary>
    /// <exception cref="IOException">The disk can't be written.</exception>
    public abstract void Complete();

    /// <summary>Writes a tensor as a checkpoint has it.</summary>
    /// <param name="source">The checkpoint.</param>
    /// <param name="tensor">The tensor.</param>
    /// <param name="report">Told the part of it that is done, 0 to 1.</param>
    /// <param name="cancellation">Stops between two pieces.</param>
    public void Copy(Checkpoint source, TensorInfo tensor, Action<double>? report = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(tensor);
        Write(tensor.Name, (firstByte, bytes) => source.ReadOnce(tensor, firstByte, bytes), report, cancellation);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Lets go of the files.</summary>
    protected virtual void Dispose(bool disposing)
    {
    }
}
