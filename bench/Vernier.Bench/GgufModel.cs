using System.Runtime.InteropServices;
using System.Text;

namespace Vernier.Bench;

/// <summary>
/// Writes a model of random weights as a GGUF file, version 3, in half precision and without a vocabulary: magic, version, counts, pairs of
/// key and value, the tensors' names, shapes (the fastest dimension first), types and offsets, then the data, aligned to 32 bytes.
/// </summary>
internal sealed class GgufModel
{
    private const int Alignment = 32;
    private const uint F32 = 0, F16 = 1, TypeUInt32 = 4, TypeFloat32 = 6, TypeString = 8;

    private readonly LlamaShape _shape;
    private readonly List<(string Name, int Rows, int Columns)> _tensors = [];

    private GgufModel(LlamaShape shape)
    {
        _shape = shape;
        _tensors.Add(("token_embd.weight", shape.Vocabulary, shape.Hidden));
        _tensors.Add(("output.weight", shape.Vocabulary, shape.Hidden));
        _tensors.Add(("output_norm.weight", 0, shape.Hidden));
        for (int layer = 0; layer < shape.Layers; layer++)
        {
            _tensors.Add(($"blk.{layer}.attn_norm.weight", 0, shape.Hidden));
            _tensors.Add(($"blk.{layer}.ffn_norm.weight", 0, shape.Hidden));
            _tensors.AddRange(shape.Matrices(layer).Select(matrix => (matrix.Gguf, matrix.Rows, matrix.Columns)));
        }
    }

    /// <summary>Writes the file.</summary>
    public static void Write(string path, LlamaShape shape) => new GgufModel(shape).Write(path);

    private void Write(string path)
    {
        using var stream = new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.None, 1 << 20);
        using var writer = new BinaryWriter(stream);
        writer.Write("GGUF"u8);
        writer.Write(3u);
        writer.Write((ulong)_tensors.Count);
        (string Key, object Value)[] pairs =
        [
            ("general.architecture", "llama"), ("general.file_type", 1u), ("tokenizer.ggml.model", "no_vocab"),
                ("llama.vocab_size", (uint)_shape.Vocabulary),
            ("llama.context_length", (uint)LlamaShape.Context), ("llama.embedding_length", (uint)_shape.Hidden),
                ("llama.block_count", (uint)_shape.Layers),
            ("llama.feed_forward_length", (uint)_shape.Intermediate), ("llama.attention.head_count", (uint)_shape.Heads),
            ("llama.attention.head_count_kv", (uint)_shape.KeyValueHeads), ("llama.attention.layer_norm_rms_epsilon", 1e-5f),
            ("llama.rope.dimension_count", (uint)(_shape.Hidden / _shape.Heads)),
        ];
        writer.Write((ulong)pairs.Length);
        foreach ((string key, object value) in pairs)
            WritePair(writer, key, value);
        ulong offset = 0;
        foreach ((string name, int rows, int columns) in _tensors)
        {
            WriteString(writer, name);
            writer.Write(rows == 0 ? 1u : 2u);
            writer.Write((ulong)columns);
            if (rows > 0)
                writer.Write((ulong)rows);
            writer.Write(rows == 0 ? F32 : F16);
            writer.Write(offset);
            offset += (ulong)(rows == 0 ? 4L * columns : 2L * rows * columns);
        }
        while (stream.Position % Alignment != 0)
            writer.Write((byte)0);
        WriteData(writer);
    }

    private void WriteData(BinaryWriter writer)
    {
        // A long block of normal numbers, over and over from other places.
        var random = new Random(1);
        var block = new Half[(1 << 21) + 1];
        for (int i = 0; i < block.Length; i++)
            block[i] = (Half)(0.02 * Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble()));
        ReadOnlySpan<byte> bytes = MemoryMarshal.AsBytes(block.AsSpan());
        foreach ((_, int rows, int columns) in _tensors)
        {
            for (int i = 0; rows == 0 && i < columns; i++)
                writer.Write(1f);
            for (long left = 2L * rows * columns; left > 0;)
            {
                int start = 2 * random.Next(block.Length / 2), count = (int)Math.Min(left, bytes.Length - start);
                writer.Write(bytes.Slice(start, count));
                left -= count;
            }
        }
    }

    private static void WritePair(BinaryWriter writer, string key, object value)
    {
        WriteString(writer, key);
        switch (value)
        {
            case uint number:
                writer.Write(TypeUInt32);
                writer.Write(number);
                break;
            case float number:
                writer.Write(TypeFloat32);
                writer.Write(number);
                break;
            default:
                writer.Write(TypeString);
                WriteString(writer, (string)value);
                break;
        }
    }

    private static void WriteString(BinaryWriter writer, string text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        writer.Write((ulong)bytes.Length);
        writer.Write(bytes);
    }
}
