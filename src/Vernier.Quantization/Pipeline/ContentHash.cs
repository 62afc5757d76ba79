using System.Security.Cryptography;
using Microsoft.Win32.SafeHandles;
using Vernier.Memory;
using Vernier.Numerics;

namespace Vernier.Quantization.Pipeline;

/// <summary>SHA-256 of what files and packed matrices hold, as 64 lower-case hexadecimal digits.</summary>
internal static class ContentHash
{
    private const int PieceBytes = 1 << 20, FilePieceBytes = 16 << 20;

    /// <summary>The hash of pieces, one after the other.</summary>
    public static string Of(IEnumerable<ReadOnlyMemory<byte>> pieces)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (ReadOnlyMemory<byte> piece in pieces)
            hash.AppendData(piece.Span);
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>The hash of the hashes of the pieces of 1 MiB that arrays are cut into, each array from its beginning; they are taken in
    /// parallel.</summary>
    public static string OfPieces(IEnumerable<ReadOnlyMemory<byte>> arrays, Workers workers)
    {
        ReadOnlyMemory<byte>[] pieces = [.. arrays.SelectMany(array => Enumerable.Range(0, (array.Length + PieceBytes - 1) / PieceBytes)
            .Select(piece => array.Slice(piece * PieceBytes, Math.Min(PieceBytes, array.Length - piece * PieceBytes))))];
        var hashes = new byte[pieces.Length][];
        workers.For(pieces.Length, piece => hashes[piece] = SHA256.HashData(pieces[piece].Span));
        return Of(hashes.Select(hash => (ReadOnlyMemory<byte>)hash));
    }

    /// <summary>The hash of the hashes of a file's pieces of 16 MiB, which are taken in parallel.</summary>
    public static string OfFile(string path, Workers workers, CancellationToken cancellation)
    {
        using SafeFileHandle file = File.OpenHandle(path);
        long length = RandomAccess.GetLength(file);
        var hashes = new byte[checked((int)((length + FilePieceBytes - 1) / FilePieceBytes))][];
        workers.For(hashes.Length, piece =>
        {
            if (cancellation.IsCancellationRequested)
                return;
            using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            using var buffer = new PooledArray<byte>(PieceBytes);
            long end = Math.Min(length, (piece + 1L) * FilePieceBytes);
            for (long position = (long)piece * FilePieceBytes; position < end;)
            {
                int read = RandomAccess.Read(file, buffer.Span[..(int)Math.Min(PieceBytes, end - position)], position);
                if (read == 0)
                    throw new IOException($"{path} became shorter while it was read.");
                hash.AppendData(buffer.Span[..read]);
                position += read;
            }
            hashes[piece] = hash.GetHashAndReset();
        });
        cancellation.ThrowIfCancellationRequested();
        return Of(hashes.Select(hash => (ReadOnlyMemory<byte>)hash));
    }
}
