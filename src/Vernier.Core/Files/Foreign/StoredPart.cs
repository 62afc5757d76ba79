using System.Buffers.Binary;

namespace Vernier.Files.Foreign;

/// <summary>A tensor that is part of a weight, with the file that holds it: the parts of a weight may stand in several.</summary>
/// <param name="file">The file.</param>
/// <param name="info">The tensor.</param>
internal sealed class StoredPart(ITensorFile file, TensorInfo info)
{
    /// <summary>The tensor.</summary>
    public TensorInfo Info => info;

    /// <summary>The name.</summary>
    public string Name => info.Name;

    /// <summary>The type.</summary>
    public ElementType Type => info.Type;

    /// <summary>The shape.</summary>
    public IReadOnlyList<long> Shape => info.Shape;

    /// <summary>The path of the file, for messages.</summary>
    public string Path => file.Path;

    /// <summary>The bytes of a tensor of less than 2 GiB.</summary>
    public ReadOnlySpan<byte> Bytes => file.Bytes(info.Name);

    /// <summary>Copies bytes as they are stored.</summary>
    public void Raw(long first, Span<byte> destination) => file.ReadOnce(info.Name, first, destination);

    /// <summary>Reads numbers of a real type.</summary>
    public void Numbers(long first, Span<float> destination) => file.Read(info.Name, first, destination);

    /// <summary>Reads one number of a real type.</summary>
    public float Number(long index)
    {
        Span<float> one = stackalloc float[1];
        Numbers(index, one);
        return one[0];
    }

    /// <summary>Reads one number of a type of floats.</summary>
    /// <param name="bytes">The bytes of a tensor.</param>
    /// <param name="type">F32, F16 or BF16.</param>
    /// <param name="index">Which number.</param>
    public static float Number(ReadOnlySpan<byte> bytes, ElementType type, long index) => type switch
    {
        ElementType.F32 => BinaryPrimitives.ReadSingleLittleEndian(bytes[(int)(4 * index)..]),
        ElementType.F16 => (float)BinaryPrimitives.ReadHalfLittleEndian(bytes[(int)(2 * index)..]),
        _ => BitConverter.Int32BitsToSingle(BinaryPrimitives.ReadUInt16LittleEndian(bytes[(int)(2 * index)..]) << 16),
    };

    /// <summary>Reads all numbers of a small tensor of a real type.</summary>
    public float[] Numbers()
    {
        var values = new float[checked((int)info.Count)];
        Numbers(0, values);
        return values;
    }

    /// <summary>Reads a whole number of type I32 or I64.</summary>
    public long Integer(long index) => info.Type == ElementType.I64
        ? BinaryPrimitives.ReadInt64LittleEndian(Bytes[(int)(index * sizeof(long))..])
        : BinaryPrimitives.ReadInt32LittleEndian(Bytes[(int)(index * sizeof(int))..]);

    /// <summary>
    /// The number of <paramref name="bits"/> bits at place <paramref name="index"/> of a stream of words of 32 bits, each filled from its
    /// least significant bit; a number may go on in the next word.
    /// </summary>
    /// <param name="words">The words, little-endian.</param>
    /// <param name="first">The index of the first word of the stream.</param>
    /// <param name="stride">From a word of the stream to the next.</param>
    /// <param name="index">Which number.</param>
    /// <param name="bits">1 to 8.</param>
    public static int Code(ReadOnlySpan<byte> words, long first, long stride, long index, int bits)
    {
        (long word, long shift) = Math.DivRem(index * bits, 32);
        ulong value = Word(words, first + word * stride);
        if (shift + bits > 32)
            value |= (ulong)Word(words, first + (word + 1) * stride) << 32;
        return (int)(value >> (int)shift) & ((1 << bits) - 1);
    }

    private static uint Word(ReadOnlySpan<byte> words, long index) =>
        BinaryPrimitives.ReadUInt32LittleEndian(words[(int)(index * sizeof(uint))..]);
}
