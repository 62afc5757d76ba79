using Vernier.Files;
using Vernier.Files.Checkpoints;

namespace Vernier.Quantization.Weights;

/// <summary>The bytes of tensors whose rows and columns get another order, of any size.</summary>
internal static class TensorBytes
{
    private const int PieceBytes = 1 << 20;

    /// <summary>Reads bytes of a tensor as it will be, a row of it in memory at a time.</summary>
    /// <param name="source">Where the tensor is.</param>
    /// <param name="tensor">The tensor.</param>
    /// <param name="order">The order to bring it into; null for that of the source.</param>
    /// <param name="firstByte">Where to begin, from the beginning of the new tensor.</param>
    /// <param name="destination">Receives as many bytes as it is long.</param>
    public static void Read(Checkpoint source, TensorInfo tensor, TensorOrder? order, long firstByte, Span<byte> destination)
    {
        if (order is null)
        {
            source.ReadOnce(tensor, firstByte, destination);
            return;
        }
        int bytes = checked((int)(tensor.Bytes / tensor.Shape[0])), size = tensor.Type.Bits() / 8;
        byte[] old = new byte[bytes], line = new byte[bytes];
        for (long row = firstByte / bytes, at = firstByte % bytes; !destination.IsEmpty; row++, at = 0)
        {
            source.ReadOnce(tensor, (long)order.Row((int)row) * bytes, old);
            for (int i = 0; i < bytes / size; i++)
                old.AsSpan((order.Columns is null ? i : order.Columns[i]) * size, size).CopyTo(line.AsSpan(i * size));
            int count = (int)Math.Min(destination.Length, bytes - at);
            line.AsSpan((int)at, count).CopyTo(destination);
            destination = destination[count..];
        }
    }

    /// <summary>Whether two tensors have the same type, shape and bytes, once the left one is brought into an order.</summary>
    public static bool AreSame(Checkpoint left, TensorInfo leftTensor, Checkpoint right, TensorInfo rightTensor, TensorOrder? order = null)
    {
        if (leftTensor.Type != rightTensor.Type || !leftTensor.Shape.SequenceEqual(rightTensor.Shape))
            return false;
        byte[] a = new byte[(int)Math.Min(leftTensor.Bytes, PieceBytes)], b = new byte[a.Length];
        for (long position = 0; position < leftTensor.Bytes; position += a.Length)
        {
            int count = (int)Math.Min(a.Length, leftTensor.Bytes - position);
            Read(left, leftTensor, order, position, a.AsSpan(0, count));
            right.ReadOnce(rightTensor, position, b.AsSpan(0, count));
            if (!a.AsSpan(0, count).SequenceEqual(b.AsSpan(0, count)))
                return false;
        }
        return true;
    }
}
