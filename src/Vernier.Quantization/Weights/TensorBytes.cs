using Vernier.Files;
using Vernier.Files.Checkpoints;

namespace Vernier.Quantization.Weights;

/// <summary>Copies and compares tensors of any size, a piece of 1 MiB in memory at a time.</summary>
internal static class TensorBytes
{
    private const int PieceBytes = 1 << 20;

    /// <summary>Copies a tensor.</summary>
    /// <param name="source">Where it is.</param>
    /// <param name="tensor">The tensor.</param>
    /// <param name="target">Where it is to be.</param>
    /// <param name="order">The order to bring it into, a row in memory at a time; null for that of the source.</param>
    public static void Copy(Checkpoint source, TensorInfo tensor, CheckpointDraft target, TensorOrder? order = null)
    {
        if (order is not null)
        {
            long at = 0;
            ForRows(source, tensor, order, line =>
            {
                target.Write(tensor.Name, at, line.Span);
                at += line.Length;
            });
            return;
        }
        var buffer = new byte[(int)Math.Min(tensor.Bytes, PieceBytes)];
        for (long position = 0; position < tensor.Bytes; position += buffer.Length)
        {
            Span<byte> piece = buffer.AsSpan(0, (int)Math.Min(buffer.Length, tensor.Bytes - position));
            source.ReadOnce(tensor, position, piece);
            target.Write(tensor.Name, position, piece);
        }
    }

    /// <summary>Whether two tensors have the same type, shape and bytes, once the left one is brought into an order.</summary>
    public static bool AreSame(Checkpoint left, TensorInfo leftTensor, Checkpoint right, TensorInfo rightTensor, TensorOrder? order = null)
    {
        if (leftTensor.Type != rightTensor.Type || !leftTensor.Shape.SequenceEqual(rightTensor.Shape))
            return false;
        if (order is not null)
        {
            long at = 0;
            bool same = true;
            ForRows(left, leftTensor, order, line =>
            {
                var other = new byte[line.Length];
                right.ReadOnce(rightTensor, at, other);
                same &= line.Span.SequenceEqual(other);
                at += line.Length;
            });
            return same;
        }
        byte[] a = new byte[(int)Math.Min(leftTensor.Bytes, PieceBytes)], b = new byte[a.Length];
        for (long position = 0; position < leftTensor.Bytes; position += a.Length)
        {
            int count = (int)Math.Min(a.Length, leftTensor.Bytes - position);
            left.ReadOnce(leftTensor, position, a.AsSpan(0, count));
            right.ReadOnce(rightTensor, position, b.AsSpan(0, count));
            if (!a.AsSpan(0, count).SequenceEqual(b.AsSpan(0, count)))
                return false;
        }
        return true;
    }

    private static void ForRows(Checkpoint source, TensorInfo tensor, TensorOrder order, Action<ReadOnlyMemory<byte>> action)
    {
        int rows = checked((int)tensor.Shape[0]), bytes = checked((int)(tensor.Bytes / rows)), size = tensor.Type.Bits() / 8;
        byte[] old = new byte[bytes], line = new byte[bytes];
        for (int row = 0; row < rows; row++)
        {
            source.ReadOnce(tensor, (long)order.Row(row) * bytes, old);
            for (int i = 0; i < bytes / size; i++)
                old.AsSpan((order.Columns is null ? i : order.Columns[i]) * size, size).CopyTo(line.AsSpan(i * size));
            action(line);
        }
    }
}
