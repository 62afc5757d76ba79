using System.Globalization;
using System.Text;

namespace Vernier.Tests.References;

/// <summary>A value of the metadata: the number of its type in the format, and its bytes behind that.</summary>
internal sealed record StoredValue(string Key, int Type, byte[] Data)
{
    public const int Single = 6, Text = 8, List = 9;

    public static StoredValue OfText(string key, string text) => new(key, Text, StoredGguf.Text(text));

    public static StoredValue OfSingle(string key, float number) => new(key, Single, BitConverter.GetBytes(number));

    public static StoredValue OfInteger(string key, uint number) => new(key, 4, BitConverter.GetBytes(number));

    /// <summary>The whole number, or null for another type.</summary>
    public long? Integer => Type switch
    {
        0 => Data[0],
        1 => (sbyte)Data[0],
        2 => BitConverter.ToUInt16(Data),
        3 => BitConverter.ToInt16(Data),
        4 => BitConverter.ToUInt32(Data),
        5 => BitConverter.ToInt32(Data),
        10 => BitConverter.ToUInt64(Data) is <= long.MaxValue and ulong number ? (long)number : null,
        11 => BitConverter.ToInt64(Data),
        _ => null,
    };

    /// <summary>The number, or null for another type.</summary>
    public double? Number => Type switch
    {
        // The decimal that was meant: 1e-5 rather than 9.99999974737875e-06.
        Single => double.Parse(BitConverter.ToSingle(Data).ToString("R", CultureInfo.InvariantCulture), CultureInfo.InvariantCulture),
        12 => BitConverter.ToDouble(Data),
        _ => Integer,
    };

    public string? String => Type == Text ? Encoding.UTF8.GetString(Data.AsSpan(8)) : null;

    /// <summary>The length of a list, or null for another type.</summary>
    public long? Length => Type == List ? BitConverter.ToInt64(Data, 4) : null;
}

/// <summary>A GGUF file in pieces, read and written byte by byte and apart from the production code.</summary>
internal sealed class StoredGguf
{
    private const int Alignment = 32;

    private static readonly Dictionary<uint, string> s_types =
        new() { [0] = "F32", [1] = "F16", [30] = "BF16", [28] = "F64", [26] = "I32" };

    public List<StoredValue> Values { get; init; } = [];

    /// <summary>The tensors, their shapes in the order of rows: the reverse of that in the file.</summary>
    public List<ReferenceTensor> Tensors { get; init; } = [];

    public StoredValue? this[string key] => Values.Find(value => value.Key == key);

    public StoredGguf Copy() => new() { Values = [.. Values], Tensors = [.. Tensors] };

    /// <summary>Reads a file that is sound.</summary>
    public static StoredGguf Read(byte[] bytes)
    {
        var file = new StoredGguf();
        using var reader = new BinaryReader(new MemoryStream(bytes));
        if (reader.ReadUInt32() != 0x46554747 || reader.ReadUInt32() is not (2 or 3))
            throw new ReferenceRefusal("no GGUF file");
        long tensors = reader.ReadInt64(), values = reader.ReadInt64();
        for (long i = 0; i < values; i++)
        {
            string key = ReadText(reader);
            int type = reader.ReadInt32();
            long begin = reader.BaseStream.Position;
            Skip(reader, type);
            file.Values.Add(new StoredValue(key, type, bytes[(int)begin..(int)reader.BaseStream.Position]));
        }
        var places = new List<long>();
        for (long i = 0; i < tensors; i++)
        {
            string name = ReadText(reader);
            long[] shape = [.. Enumerable.Range(0, reader.ReadInt32()).Select(_ => reader.ReadInt64()).Reverse()];
            uint type = reader.ReadUInt32();
            file.Tensors.Add(new ReferenceTensor(name, s_types.TryGetValue(type, out string? known) ? known
                : throw new ReferenceRefusal($"the type {type}"), shape, []));
            places.Add(reader.ReadInt64());
        }
        int alignment = file["general.alignment"] is not { } said ? Alignment
            : said.Integer is 8 or 16 or 32 or 64 ? (int)said.Integer : throw new ReferenceRefusal("the alignment");
        long data = Align(reader.BaseStream.Position, alignment);
        for (int i = 0; i < places.Count; i++)
        {
            ReferenceTensor tensor = file.Tensors[i];
            long first = data + places[i], count = tensor.Count() * ReferenceTensor.SizeOf(tensor.Type);
            if (first < data || first > bytes.Length - count)
                throw new ReferenceRefusal($"the place of {tensor.Name}");
            file.Tensors[i] = tensor with { Data = bytes[(int)first..(int)(first + count)] };
        }
        return file.Values.DistinctBy(value => value.Key).Count() < file.Values.Count
            || file.Tensors.DistinctBy(tensor => tensor.Name).Count() < file.Tensors.Count
            ? throw new ReferenceRefusal("a name stands twice") : file;
    }

    /// <summary>The bytes of the file.</summary>
    public byte[] ToBytes()
    {
        using var bytes = new MemoryStream();
        using var writer = new BinaryWriter(bytes);
        writer.Write("GGUF"u8);
        writer.Write(3);
        writer.Write((long)Tensors.Count);
        writer.Write((long)Values.Count);
        foreach (StoredValue value in Values)
        {
            writer.Write(Text(value.Key));
            writer.Write(value.Type);
            writer.Write(value.Data);
        }
        long place = 0;
        foreach (ReferenceTensor tensor in Tensors)
        {
            writer.Write(Text(tensor.Name));
            writer.Write(tensor.Shape.Length);
            foreach (long size in tensor.Shape.Reverse())
                writer.Write(size);
            writer.Write(s_types.First(pair => pair.Value == tensor.Type).Key);
            writer.Write(place);
            place = Align(place + tensor.Data.Length, Alignment);
        }
        Pad(bytes);
        foreach (ReferenceTensor tensor in Tensors)
        {
            writer.Write(tensor.Data);
            Pad(bytes);
        }
        return bytes.ToArray();
    }

    /// <summary>A text as the format has it: its length in bytes, and they.</summary>
    public static byte[] Text(string text) =>
        [.. BitConverter.GetBytes((long)Encoding.UTF8.GetByteCount(text)), .. Encoding.UTF8.GetBytes(text)];

    private static string ReadText(BinaryReader reader) => Encoding.UTF8.GetString(reader.ReadBytes((int)reader.ReadInt64()));

    private static void Skip(BinaryReader reader, int type)
    {
        switch (type)
        {
            case StoredValue.Text:
                ReadText(reader);
                break;
            case StoredValue.List:
                int element = reader.ReadInt32();
                for (long left = reader.ReadInt64(); left > 0; left--)
                    Skip(reader, element);
                break;
            default:
                reader.BaseStream.Position += type switch { 0 or 1 or 7 => 1, 2 or 3 => 2, 4 or 5 or 6 => 4, _ => 8 };
                break;
        }
    }

    private static void Pad(MemoryStream bytes) => bytes.Write(new byte[Align(bytes.Length, Alignment) - bytes.Length]);

    private static long Align(long position, int alignment) => (position + alignment - 1) / alignment * alignment;
}
