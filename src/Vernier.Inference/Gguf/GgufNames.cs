using System.Globalization;

namespace Vernier.Inference.Gguf;

/// <summary>The names that tensors have in a Hugging Face checkpoint and in a GGUF file.</summary>
public static class GgufNames
{
    /// <summary>The correction factors of rotary frequencies: tensors in a GGUF file, values of config.json elsewhere.</summary>
    public const string RopeFactors = "rope_freqs.weight", LongFactors = "rope_factors_long.weight", ShortFactors = "rope_factors_short.weight";

    private const string HfLayer = "model.layers.", GgufLayer = "blk.";

    private static readonly (string Hf, string Gguf)[] s_whole =
        [("model.embed_tokens.weight", "token_embd.weight"), ("model.norm.weight", "output_norm.weight"), ("lm_head.weight", "output.weight")];

    private static readonly (string Hf, string Gguf)[] s_parts =
    [
        ("input_layernorm", "attn_norm"), ("post_attention_layernorm", "ffn_norm"),
        ("self_attn.q_proj", "attn_q"), ("self_attn.k_proj", "attn_k"), ("self_attn.v_proj", "attn_v"), ("self_attn.o_proj", "attn_output"), ("self_attn.qkv_proj", "attn_qkv"),
        ("self_attn.q_norm", "attn_q_norm"), ("self_attn.k_norm", "attn_k_norm"),
        ("mlp.gate_proj", "ffn_gate"), ("mlp.up_proj", "ffn_up"), ("mlp.down_proj", "ffn_down"), ("mlp.gate_up_proj", "ffn_up"),
    ];

    /// <summary>The name in a GGUF file, or null for a tensor that has none.</summary>
    public static string? ToGguf(string name) =>
        s_whole.FirstOrDefault(pair => pair.Hf == name).Gguf ?? Map(name, HfLayer, GgufLayer, part => s_parts.FirstOrDefault(pair => pair.Hf == part).Gguf);

    /// <summary>The name in a Hugging Face checkpoint, or null for a tensor that has none.</summary>
    public static string? ToHf(string name, bool fused) =>
        s_whole.FirstOrDefault(pair => pair.Gguf == name).Hf
        ?? Map(name, GgufLayer, HfLayer, part => fused && part == "ffn_up" ? "mlp.gate_up_proj" : s_parts.FirstOrDefault(pair => pair.Gguf == part).Hf);

    /// <summary>The block that a tensor of a GGUF file belongs to, or null.</summary>
    public static int? LayerOf(string name) =>
        name.StartsWith(GgufLayer, StringComparison.Ordinal) && name.IndexOf('.', GgufLayer.Length) is int end and > 0
        && int.TryParse(name.AsSpan(GgufLayer.Length, end - GgufLayer.Length), NumberStyles.None, CultureInfo.InvariantCulture, out int layer) ? layer : null;

    /// <summary>The heads by which the rows of a projection are reordered, or 0 for a tensor whose rows stay: see <see cref="RotaryRows"/>.</summary>
    public static int HeadsOf(string hfName, ModelConfig config)
    {
        if (config.Family is not (ModelFamily.Llama or ModelFamily.Mistral))
            return 0;
        return hfName.Contains(".self_attn.q_proj.", StringComparison.Ordinal) ? config.HeadCount
            : hfName.Contains(".self_attn.k_proj.", StringComparison.Ordinal) ? config.KeyValueHeadCount : 0;
    }

    private static string? Map(string name, string from, string to, Func<string, string?> part)
    {
        if (!name.StartsWith(from, StringComparison.Ordinal))
            return null;
        int number = name.IndexOf('.', from.Length), last = name.LastIndexOf('.');
        if (number < 0 || last <= number || name[last..] is not (".weight" or ".bias") || !name.AsSpan(from.Length, number - from.Length).ContainsAnyInRange('0', '9'))
            return null;
        return part(name[(number + 1)..last]) is string mapped ? $"{to}{name[from.Length..number]}.{mapped}{name[last..]}" : null;
    }
}

/// <summary>
/// The order of the rows of a query or key projection. Llama's rotary embedding turns coordinates i and i + R/2 together in a Hugging Face checkpoint and
/// 2i and 2i + 1 in a GGUF file, so that within each head the rows of the first half and of the second alternate there.
/// </summary>
internal static class RotaryRows
{
    /// <summary>The row of the GGUF tensor that is a row of the Hugging Face tensor.</summary>
    public static long InGguf(long row, long headSize)
    {
        long head = row / headSize, i = row % headSize, half = headSize / 2;
        return head * headSize + i % half * 2 + i / half;
    }

    /// <summary>The row of the Hugging Face tensor that is a row of the GGUF tensor.</summary>
    public static long InHf(long row, long headSize)
    {
        long head = row / headSize, i = row % headSize, half = headSize / 2;
        return head * headSize + i % 2 * half + i / 2;
    }
}
