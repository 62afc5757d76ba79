using System.Runtime.InteropServices;
using Vernier.Files.Gguf;

namespace Vernier.Tests.Gguf;

/// <summary>A small Llama as llama.cpp's converter writes one, in single precision: made here, apart from the production code.</summary>
internal static class TinyGguf
{
    /// <summary>Writes a file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="spec">The network.</param>
    /// <param name="tensors">Its tensors, under the names of a checkpoint.</param>
    /// <param name="edits">Keys with other values; null for one that goes.</param>
    /// <param name="more">Further tensors, under the names of the file.</param>
    /// <returns>The path.</returns>
    public static string Write(string path, TinySpec spec, IReadOnlyDictionary<string, TinyTensor> tensors,
        IEnumerable<(string Key, object? Value)> edits, params (string Name, float[] Values)[] more)
    {
        OrderedDictionary<string, GgufValue> metadata = Metadata(spec);
        foreach ((string key, object? value) in edits)
        {
            if (value is null)
                metadata.Remove(key);
            else
                metadata[key] = GgufValue.Of(value);
        }
        (string Name, TinyTensor Tensor)[] named = [.. tensors.Select(pair => (NameOf(pair.Key), Ordered(pair.Key, pair.Value, spec)))];
        using var writer = new GgufWriter(path, metadata, [
            .. named.Select(entry => new GgufTensor(entry.Name, GgufTensorType.F32, [.. entry.Tensor.Shape.Select(size => (long)size)])),
            .. more.Select(entry => new GgufTensor(entry.Name, GgufTensorType.F32, [entry.Values.Length]))]);
        foreach ((string name, TinyTensor tensor) in named)
            writer.Write(name, MemoryMarshal.AsBytes(tensor.Values.AsSpan()));
        foreach ((string name, float[] values) in more)
            writer.Write(name, MemoryMarshal.AsBytes(values.AsSpan()));
        writer.Complete();
        return path;
    }

    private static OrderedDictionary<string, GgufValue> Metadata(TinySpec spec)
    {
        var metadata = new OrderedDictionary<string, GgufValue>(StringComparer.Ordinal);
        (string Key, object Value)[] pairs =
        [
            ("general.architecture", "llama"), ("general.type", "model"), ("general.name", "tiny"),
            ("llama.block_count", (uint)spec.Layers), ("llama.context_length", 128u), ("llama.embedding_length", (uint)spec.Hidden),
            ("llama.feed_forward_length", (uint)spec.Intermediate), ("llama.attention.head_count", (uint)spec.Heads),
            ("llama.attention.head_count_kv", (uint)spec.KeyValueHeads), ("llama.attention.key_length", (uint)spec.HeadSize),
            ("llama.attention.value_length", (uint)spec.HeadSize), ("llama.attention.layer_norm_rms_epsilon", (float)spec.Epsilon),
            ("llama.vocab_size", (uint)spec.Vocabulary), ("llama.rope.dimension_count", (uint)spec.Rotary),
            ("llama.rope.freq_base", 10000f), ("tokenizer.ggml.model", "gpt2"), ("tokenizer.ggml.pre", "gpt-2"),
            ("tokenizer.ggml.tokens", Tokens(spec.Vocabulary)), ("tokenizer.ggml.token_type", Types(spec.Vocabulary)),
            ("tokenizer.ggml.merges", new[] { "a b" }), ("tokenizer.ggml.bos_token_id", 1u), ("tokenizer.ggml.eos_token_id", 2u),
            ("tokenizer.ggml.add_bos_token", true),
        ];
        foreach ((string key, object value) in pairs)
            metadata[key] = GgufValue.Of(value);
        return metadata;
    }

    // Three of control, the letters a to z, a space, ab, and what is left.
    private static string[] Tokens(int count) =>
        [.. Enumerable.Range(0, count).Select(id => id < 3 ? (string[])["<unk>", "<s>", "</s>"] is var names ? names[id] : ""
            : id < 29 ? $"{(char)('a' + id - 3)}" : id == 29 ? "\u0120" : id == 30 ? "ab" : $"more{id}")];

    private static int[] Types(int count) => [.. Enumerable.Range(0, count).Select(id => id < 3 ? 3 : 1)];

    private static string NameOf(string name)
    {
        foreach ((string hf, string gguf) in ((string, string)[])[("model.embed_tokens", "token_embd"), ("model.norm", "output_norm"),
            ("lm_head", "output"), ("model.layers.", "blk."), ("self_attn.q_proj", "attn_q"), ("self_attn.k_proj", "attn_k"),
            ("self_attn.v_proj", "attn_v"), ("self_attn.o_proj", "attn_output"), ("post_attention_layernorm", "ffn_norm"),
            ("input_layernorm", "attn_norm"), ("mlp.gate_proj", "ffn_gate"), ("mlp.up_proj", "ffn_up"), ("mlp.down_proj", "ffn_down")])
            name = name.Replace(hf, gguf, StringComparison.Ordinal);
        return name;
    }

    // Neighbours are turned together there: rows of the two halves of a head alternate.
    private static TinyTensor Ordered(string name, TinyTensor tensor, TinySpec spec)
    {
        if (!name.Contains("q_proj", StringComparison.Ordinal) && !name.Contains("k_proj", StringComparison.Ordinal))
            return tensor;
        int width = tensor.Shape.Length == 1 ? 1 : tensor.Shape[1], size = spec.HeadSize, half = size / 2;
        var values = new float[tensor.Values.Length];
        for (int row = 0; row < tensor.Shape[0]; row++)
        {
            int i = row % size, to = row - i + (i < half ? 2 * i : 2 * (i - half) + 1);
            tensor.Values.AsSpan(row * width, width).CopyTo(values.AsSpan(to * width));
        }
        return tensor with { Values = values };
    }
}
