using System.Buffers;
using System.Buffers.Binary;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Vernier.Files.Safetensors;

/// <summary>
/// Where everything lies in a file to be written. Elements are aligned to their size: data begin at a multiple of 8, and
/// tensors lie in the given order if that keeps each at a multiple of its element size, else in descending order of
/// element size and in the given order among equals, which always does.
/// </summary>
internal sealed class SafetensorsLayout
{
    private static readonly Encoding Strict = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>Lays out a file.</summary>
    /// <exception cref="ArgumentException">A tensor or the metadata would break a rule of the format.</exception>
    public SafetensorsLayout(IReadOnlyList<TensorInfo> tensors, IReadOnlyDictionary<string, string>? metadata)
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        long[] bytes = new long[tensors.Count];
        for (int i = 0; i < bytes.Length; i++)
            bytes[i] = Check(tensors[i], names);

        int[] order = [.. Enumerable.Range(0, bytes.Length)];
        if (!IsAligned(tensors, bytes))
            order = [.. order.OrderByDescending(i => Alignment(tensors[i]))];
        long end = 0;
        Offsets = new long[bytes.Length];
        foreach (int i in order)
        {
            Offsets[i] = end;
            end = checked(end + bytes[i]);
        }
        Header = WriteHeader(order, tensors, bytes, metadata);
        Size = checked(Header.Length + end);
    }

    /// <summary>The first bytes of the file: the size of the header and the header, padded to a multiple of 8.</summary>
    public byte[] Header { get; }

    /// <summary>Where the data of each given tensor begin, in bytes from the end of the header.</summary>
    public long[] Offsets { get; }

    /// <summary>The size of the whole file in bytes.</summary>
    public long Size { get; }

    private static bool IsAligned(IReadOnlyList<TensorInfo> tensors, long[] bytes)
    {
        long begin = 0;
        for (int i = 0; i < bytes.Length; i++)
        {
            if (begin % Alignment(tensors[i]) != 0)
                return false;
            begin = checked(begin + bytes[i]);
        }
        return true;
    }

    private static int Alignment(TensorInfo tensor) => Math.Max(tensor.Type.Bits() / 8, 1);

    /// <summary>Checks that a reader will accept the tensor, and returns its size in bytes.</summary>
    private static long Check(TensorInfo tensor, HashSet<string> names)
    {
        string? fault = tensor.Name == "__metadata__" ? "the name is reserved"
            : !IsUnicode(tensor.Name) ? "the name has half of a surrogate pair"
            : !names.Add(tensor.Name) ? "two tensors have this name"
            : tensor.Shape.Count > SafetensorsFile.MaxRank ? $"it has more than {SafetensorsFile.MaxRank} dimensions"
            : tensor.Shape.Any(dimension => dimension < 0) ? "a dimension is negative"
            : null;
        try
        {
            if (fault is null && (tensor.Count & 7) * tensor.Type.Bits() % 8 != 0)
                fault = "its elements do not fill whole bytes";
            if (fault is null)
                return tensor.Bytes;
        }
        catch (OverflowException)
        {
            fault = "it has more than 2^63 - 1 elements or bytes";
        }
        throw new ArgumentException($"Tensor '{tensor.Name}' cannot be written: {fault}.", nameof(tensor));
    }

    private static bool IsUnicode(string text)
    {
        try
        {
            return Strict.GetByteCount(text) >= 0;
        }
        catch (EncoderFallbackException)
        {
            return false;
        }
    }

    private static byte[] WriteHeader(int[] order, IReadOnlyList<TensorInfo> tensors, long[] bytes, IReadOnlyDictionary<string,
        string>? metadata)
    {
        var buffer = new ArrayBufferWriter<byte>();
        buffer.GetSpan(8)[..8].Clear();
        buffer.Advance(8); // for the size of the header, which is known last
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartObject();
            if (metadata is { Count: > 0 })
            {
                json.WriteStartObject("__metadata__");
                foreach ((string key, string value) in metadata.OrderBy(pair => pair.Key, StringComparer.Ordinal))
                {
                    if (!IsUnicode(key) || !IsUnicode(value))
                        throw new ArgumentException($"Metadata '{key}' cannot be written: it has half of a surrogate pair.",
                            nameof(metadata));
                    json.WriteString(key, value);
                }
                json.WriteEndObject();
            }
            long begin = 0;
            foreach (int i in order)
            {
                WriteTensor(json, tensors[i], begin, begin + bytes[i]);
                begin += bytes[i];
            }
            json.WriteEndObject();
        }
        int padding = -buffer.WrittenCount & 7;
        buffer.GetSpan(8)[..padding].Fill((byte)' ');
        buffer.Advance(padding);

        byte[] header = buffer.WrittenSpan.ToArray();
        if (header.Length - 8 > SafetensorsFile.MaxHeaderBytes)
            throw new ArgumentException(
                $"The header would be {header.Length - 8} bytes long, and at most {SafetensorsFile.MaxHeaderBytes} are allowed.",
                nameof(tensors));
        BinaryPrimitives.WriteInt64LittleEndian(header, header.Length - 8);
        return header;
    }

    private static void WriteTensor(Utf8JsonWriter json, TensorInfo tensor, long begin, long end)
    {
        json.WriteStartObject(tensor.Name);
        json.WriteString("dtype"u8, tensor.Type.ToString());
        json.WriteStartArray("shape"u8);
        foreach (long dimension in tensor.Shape)
            json.WriteNumberValue(dimension);
        json.WriteEndArray();
        json.WriteStartArray("data_offsets"u8);
        json.WriteNumberValue(begin);
        json.WriteNumberValue(end);
        json.WriteEndArray();
        json.WriteEndObject();
    }
}
