using Vernier.Files;

namespace Vernier.Quantization.Pipeline;

/// <summary>Copies and compares tensors of any size, a piece of 1 MiB in memory at a time.</summary>
internal static class TensorBytes
{
    private const int PieceBytes = 1 << 20;

    /// <summary>Copies a tensor that is next in a writer.</summary>
    public static void Copy(Checkpoint source, TensorInfo tensor, CheckpointWriter writer)
    {
        var buffer = new byte[(int)Math.Min(tensor.Bytes, PieceBytes)];
        for (long position = 0; position < tensor.Bytes; position += buffer.Length)
        {
            Span<byte> piece = buffer.AsSpan(0, (int)Math.Min(buffer.Length, tensor.Bytes - position));
            source.ReadOnce(tensor, position, piece);
            writer.Write(tensor.Name, piece);
        }
    }

    /// <summary>Whether two tensors have the same type, shape and bytes.</summary>
    public static bool AreSame(Checkpoint left, TensorInfo leftTensor, Checkpoint right, TensorInfo rightTensor)
    {
        if (leftTensor.Type != rightTensor.Type || !leftTensor.Shape.SequenceEqual(rightTensor.Shape))
            return false;
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
}
