using System.Text;
using Vernier.Tests.References;

namespace Vernier.Tests.Edits;

/// <summary>A GGUF file.</summary>
internal sealed class EditedGguf : EditedModel
{
    private const string Kept = "vernier.config";

    private static readonly string[] s_types = ["F16", "BF16", "F32"];

    private static readonly string[] s_added =
    [
        "output.weight", "output.bias", "rope_freqs.weight", "rope_factors_long.weight", "rope_factors_short.weight", "blk.0.attn_q.bias",
        "blk.0.attn_k.bias", "blk.1.attn_output.bias", "blk.0.ffn_down.bias", "blk.0.attn_q_norm.weight", "blk.0.ffn_gate_inp.weight",
        "blk.0.ffn_up_exps.weight", "blk.2.attn_norm.weight", "blk.0.attn_sinks.weight", "blk.0.post_ffw_norm.weight", "cls.weight",
    ];

    private static readonly (string Key, object[] Values)[] s_values =
    [
        ("general.architecture", ["llama", "qwen2", "qwen3", "phi3", "gemma2", "mistral"]), ("general.alignment", [32u, 64u, 8u, 0u]),
        ("block_count", [1u, 2u, 3u]), ("context_length", [16u, 128u, 64u]), ("embedding_length", [24u, 48u]),
        ("feed_forward_length", [29u, 58u]), ("attention.head_count", [1u, 2u, 4u]), ("attention.head_count_kv", [1u, 2u, 4u]),
        ("attention.key_length", [6u, 12u]), ("attention.value_length", [6u, 12u]), ("attention.layer_norm_rms_epsilon", [1e-6f, 0.01f]),
        ("attention.layer_norm_epsilon", [1e-5f]), ("attention.sliding_window", [5u, 9u, 4096u]), ("attention.causal", [1u]),
        ("attention.scale", [0.25f]), ("attention.clamp_kqv", [8f]), ("logit_scale", [0.5f, 1f]), ("embedding_scale", [12f]),
        ("residual_scale", [0.25f]), ("attn_logit_softcapping", [50f]), ("final_logit_softcapping", [30f]), ("vocab_size", [37u, 36u]),
        ("expert_count", [0u, 8u]), ("expert_used_count", [2u]), ("rope.freq_base", [10000f, 500000f, 77f]),
        ("rope.dimension_count", [6u, 4u, 3u]), ("rope.scaling.type", ["none", "linear", "yarn", "longrope", "odd"]),
        ("rope.scaling.factor", [1f, 2f]), ("rope.scaling.attn_factor", [1f, 1.25f]), ("rope.scaling.original_context_length", [16u, 64u]),
        ("rope.scale_linear", [2f]), ("rope.scaling.finetuned", [1u]), ("rope.scaling.yarn_log_multiplier", [0.1f]),
        ("use_parallel_residual", [1u]), ("tensor_data_layout", ["Meta AI original pth"]), ("quantize.imatrix.file", ["x"]),
        ("split.count", [2u]), ("general.file_type", [0u, 99u]), ("tokenizer.ggml.bos_token_id", [0u, 36u, 37u]),
    ];

    private StoredGguf _file = new();

    /// <summary>A file of these bytes.</summary>
    public static EditedGguf Of(string name, byte[] bytes) => new() { Name = name, _file = StoredGguf.Read(bytes) };

    /// <summary>The same without what the export keeps for itself, as another program would have written it.</summary>
    public EditedGguf Foreign() => new()
    {
        Name = Name + ", foreign",
        _file = new StoredGguf
        {
            Values = [.. _file.Values.Where(value => !value.Key.StartsWith("vernier.", StringComparison.Ordinal))], Tensors = _file.Tensors,
        },
    };

    /// <inheritdoc/>
    public override EditedModel Copy() => new EditedGguf { Name = Name, _file = _file.Copy() };

    /// <inheritdoc/>
    public override string Change(Random random) => random.Next(10) switch
    {
        < 4 => ChangeValue(random),
        4 or 5 => AddValue(random),
        6 => ChangeConfig(random),
        _ => "tensors: " + new TensorEdits(random, s_types, s_added).Change(_file.Tensors),
    };

    /// <inheritdoc/>
    public override string Write(string folder)
    {
        string path = Path.Combine(folder, "model.gguf");
        File.WriteAllBytes(path, _file.ToBytes());
        return path;
    }

    private string ChangeValue(Random random)
    {
        if (_file.Values.Count == 0)
            return AddValue(random);
        int at = random.Next(_file.Values.Count);
        StoredValue value = _file.Values[at];
        switch (random.Next(7))
        {
            case 0:
                _file.Values.RemoveAt(at);
                return $"drop {value.Key}";
            case 1:
                _file.Values[at] = value with { Key = JsonEdits.Unknown + value.Key };
                return $"rename {value.Key}";
            case 2:
                _file.Values.Insert(random.Next(_file.Values.Count + 1), value);
                return $"repeat {value.Key}";
            case 3:
                StoredValue other = _file.Values[random.Next(_file.Values.Count)];
                _file.Values[at] = other with { Key = value.Key };
                return $"{value.Key} has the value of {other.Key}";
            case 4 when value.Data.Length == 4:
                _file.Values[at] = value with { Type = value.Type == 4 ? random.Next(2) == 0 ? 5 : StoredValue.Single : 4 };
                return $"{value.Key} has the type {_file.Values[at].Type}";
            default:
                _file.Values[at] = Near(value, random);
                return $"{value.Key} = {(object?)_file.Values[at].Number ?? "other bytes"}";
        }
    }

    private static StoredValue Near(StoredValue value, Random random)
    {
        if (value.Type == StoredValue.Single)
        {
            float number = BitConverter.ToSingle(value.Data);
            float[] others = [number * 2, number / 2, -number, 0, 1, float.NaN, float.PositiveInfinity];
            return StoredValue.OfSingle(value.Key, others[random.Next(others.Length)]);
        }
        if (value.Type is 4 or 5)
        {
            uint number = BitConverter.ToUInt32(value.Data);
            uint[] others = [number + 1, number - 1, number * 2, number / 2, 0, 1, uint.MaxValue, 1u << 31];
            return StoredValue.OfInteger(value.Key, others[random.Next(others.Length)]);
        }
        return value.Type == StoredValue.Text ? StoredValue.OfText(value.Key, random.Next(2) == 0 ? "" : value.String + "x") : value;
    }

    private string AddValue(Random random)
    {
        (string key, object[] values) = s_values[random.Next(s_values.Length)];
        string architecture = _file["general.architecture"]?.String ?? "llama";
        if (!key.StartsWith("general.", StringComparison.Ordinal) && !key.StartsWith("tokenizer.", StringComparison.Ordinal))
            key = $"{architecture}.{key}";
        object value = values[random.Next(values.Length)];
        StoredValue stored = value switch
        {
            string text => StoredValue.OfText(key, text),
            float number => StoredValue.OfSingle(key, number),
            _ => StoredValue.OfInteger(key, (uint)value),
        };
        int at = _file.Values.FindIndex(one => one.Key == key);
        if (at >= 0)
            _file.Values[at] = stored;
        else
            _file.Values.Insert(random.Next(_file.Values.Count + 1), stored);
        return $"{key} = {value}";
    }

    private string ChangeConfig(Random random)
    {
        int at = _file.Values.FindIndex(value => value.Key == Kept);
        if (at < 0 || _file.Values[at].String is not string text || JsonText.Parse(text) is not { } json)
            return AddValue(random);
        string what = new JsonEdits(random, EditWords.Config).Change(json);
        _file.Values[at] = new StoredValue(Kept, StoredValue.Text, [.. BitConverter.GetBytes((long)Encoding.UTF8.GetByteCount($"{json}")),
            .. Encoding.UTF8.GetBytes($"{json}")]);
        return $"{Kept}: {what}";
    }
}
