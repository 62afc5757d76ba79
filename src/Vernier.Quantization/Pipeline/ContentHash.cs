using System.Security.Cryptography;
using Vernier.Files;

namespace Vernier.Quantization.Pipeline;

/// <summary>SHA-256 of what files and packed matrices hold, as 64 lower-case hexadecimal digits.</summary>
internal static class ContentHash
{
    private const int PieceBytes = 1 << 20;

    /// <summary>The hash of pieces, one after the other.</summary>
    public static string Of(IEnumerable<ReadOnlyMemory<byte>> pieces)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (ReadOnlyMemory<byte> piece in pieces)
            hash.AppendData(piece.Span);
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>The hash of tensors, one after the other, a piece in memory at a time.</summary>
    public static string Of(Checkpoint checkpoint, IEnumerable<TensorInfo> tensors) =>
        Of(tensors.SelectMany(tensor => Pieces(tensor.Bytes, (position, piece) => checkpoint.ReadOnce(tensor, position, piece.Span))));

    /// <summary>The hash of a file, a piece in memory at a time.</summary>
    public static string OfFile(string path, CancellationToken cancellation)
    {
        using FileStream stream = new(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0);
        return Of(Pieces(stream.Length, (_, piece) =>
        {
            cancellation.ThrowIfCancellationRequested();
            stream.ReadExactly(piece.Span);
        }));
    }

    private static IEnumerable<ReadOnlyMemory<byte>> Pieces(long length, Action<long, Memory<byte>> read)
    {
        var buffer = new byte[(int)Math.Min(PieceBytes, length)];
        for (long position = 0; position < length; position += buffer.Length)
        {
            Memory<byte> piece = buffer.AsMemory(0, (int)Math.Min(buffer.Length, length - position));
            read(position, piece);
            yield return piece;
        }
    }
}
