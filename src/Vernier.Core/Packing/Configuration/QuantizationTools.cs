using System.Text.Json;

namespace Vernier.Packing.Configuration;

/// <summary>The programs that quantize models, by what they leave in config.json.</summary>
internal static class QuantizationTools
{
    /// <summary>What to do about a model of another program's codes.</summary>
    public const string Remedy = "Give the original model in F32, F16 or BF16; the program that made these codes may be able to write it";

    private static readonly Dictionary<string, string> s_methods = new(StringComparer.Ordinal)
    {
        ["gptq"] = "GPTQ (AutoGPTQ, GPTQModel)", ["awq"] = "AWQ (AutoAWQ)", ["bitsandbytes"] = "bitsandbytes",
        ["compressed-tensors"] = "compressed-tensors (llm-compressor)", ["fp8"] = "8-bit floats", ["fbgemm_fp8"] = "FBGEMM",
        ["aqlm"] = "AQLM", ["eetq"] = "EETQ", ["hqq"] = "HQQ", ["quanto"] = "Quanto", ["torchao"] = "torchao", ["higgs"] = "HIGGS",
        ["vptq"] = "VPTQ", ["bitnet"] = "BitNet", ["spqr"] = "SpQR", ["quip"] = "QuIP#", ["mxfp4"] = "MXFP4 (gpt-oss)",
        ["auto-round"] = "AutoRound", ["intel/auto-round"] = "AutoRound", ["quark"] = "Quark", ["modelopt"] = "ModelOpt",
        ["exl2"] = "ExLlamaV2", ["exl3"] = "ExLlamaV3", ["fp_quant"] = "FP-Quant", ["marlin"] = "Marlin", ["squeezellm"] = "SqueezeLLM",
    };

    // Tensors that nobody but these programs writes, by how their names end.
    private static readonly (string End, string Tool)[] s_tensors =
    [
        (".qweight", "GPTQ or AWQ"), (".weight_packed", "compressed-tensors (llm-compressor)"), (".weight.absmax", "bitsandbytes"),
        (".weight.quant_map", "bitsandbytes"), (".SCB", "bitsandbytes"), (".codebooks", "AQLM"), (".q_weight", "ExLlamaV2"),
        (".trellis", "ExLlamaV3"), (".biases", "MLX"),
    ];

    /// <summary>How the names of tensors end by which a program is known.</summary>
    public static IEnumerable<string> Tensors => s_tensors.Select(known => known.End);

    /// <summary>The program whose codes a tensor belongs to, or null.</summary>
    public static string? OfTensor(string name) =>
        Array.Find(s_tensors, known => name.EndsWith(known.End, StringComparison.Ordinal)).Tool;

    /// <summary>The <c>quant_method</c> values whose programs are known.</summary>
    public static IReadOnlyCollection<string> Methods => s_methods.Keys;

    /// <summary>Who made the codes that a member of config.json describes.</summary>
    /// <param name="member">The name of the member.</param>
    /// <param name="value">Its value.</param>
    public static string NameOf(string member, JsonElement value)
    {
        string? method = Text(value, "quant_method") ?? Text(value, "format");
        string? tool = method is not null && s_methods.TryGetValue(method, out string? known) ? known : null;
        if (tool is not null)
            return Text(value, "quant_algo") is string algorithm ? $"{tool}, {algorithm}" : tool;
        return method is not null ? $"'{method}'"
            : Has(value, "load_in_4bit") || Has(value, "load_in_8bit") ? "bitsandbytes"
            : Text(value, "producer") ?? (Has(value, "config_groups") ? "compressed-tensors (llm-compressor)"
            : member == "quantization" && Has(value, "group_size") ? "MLX" : "an unnamed program");
    }

    private static bool Has(JsonElement value, string name) => value.ValueKind == JsonValueKind.Object && value.TryGetProperty(name, out _);

    private static string? Text(JsonElement value, string name) =>
        Has(value, name) && value.GetProperty(name) is { ValueKind: JsonValueKind.String } text ? text.GetString() : null;
}
