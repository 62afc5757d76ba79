using System.Text.Json;
using System.Text.Json.Nodes;

namespace Vernier.TestKit;

/// <summary>Models as other tools quantize them: for each format how a matrix is packed, and what config.json says.</summary>
public sealed record ForeignFolder(string Name, string Config, Action<ForeignPacker, string, int, int> Pack)
{
    private const string Group32 = "\"weights\": {\"num_bits\": 4, \"type\": \"int\", \"strategy\": \"group\", \"group_size\": 32}";

    /// <summary>All formats of matrices, any of outputs in eights and inputs in sixteens.</summary>
    public static IReadOnlyList<ForeignFolder> All { get; } =
    [
        Gptq("gptq-2", 2, true, false), Gptq("gptq-3", 3, true, true), Gptq("gptq-4", 4, true, false),
            Gptq("gptq-4-ordered", 4, true, true),
        Gptq("gptq-4-second", 4, false, true), Gptq("gptq-8", 8, false, false),
        new("awq", """{"quant_method": "awq", "bits": 4, "group_size": 32, "version": "gemm", "zero_point": true}""",
            (packer, name, outputs, inputs) => packer.Awq(name, outputs, inputs, 32)),
        new("bitsandbytes-8", """{"quant_method": "bitsandbytes", "load_in_8bit": true, "llm_int8_threshold": 6.0}""",
            (packer, name, outputs, inputs) => packer.Int8(name, outputs, inputs)),
        new("bitsandbytes-4", """{"load_in_4bit": true, "bnb_4bit_quant_type": "nf4"}""",
            (packer, name, outputs, inputs) => packer.Nf4(name, outputs, inputs, 64, 0)),
        new("bitsandbytes-4-nested", """{"quant_method": "bitsandbytes", "load_in_4bit": true, "bnb_4bit_use_double_quant": true}""",
            (packer, name, outputs, inputs) => packer.Nf4(name, outputs, inputs, 64, 4)),
        Compressed("packed-4", "pack-quantized", Group32, (packer, name, o, i) => packer.Packed(name, o, i, 4, 32, false, false)),
        Compressed("packed-4-zeros", "pack-quantized", Group32, (packer, name, o, i) => packer.Packed(name, o, i, 4, 32, true, false)),
        Compressed("packed-4-ordered", "pack-quantized", Group32, (packer, name, o, i) => packer.Packed(name, o, i, 4, 32, true, true)),
        Compressed("packed-8", "pack-quantized", Group32.Replace("4", "8", StringComparison.Ordinal),
            (packer, name, o, i) => packer.Packed(name, o, i, 8, 32, true, false)),
        Compressed("int-8", "int-quantized", """ "weights": {"num_bits": 8}, "input_activations": {"num_bits": 8, "dynamic": true}""",
            (packer, name, o, i) => packer.Whole(name, o, i, 1, true)),
        Compressed("int-8-groups", "int-quantized", """ "weights": {"num_bits": 8, "group_size": 8}""",
            (packer, name, o, i) => packer.Whole(name, o, i, i / 8, false)),
        Compressed("float-8", "float-quantized", """ "weights": {"num_bits": 8, "type": "float"}""",
            (packer, name, o, i) => packer.Whole(name, o, i, 1, false, floats: true)),
        Compressed("float-8-groups", "naive-quantized", """ "weights": {"num_bits": 8, "type": "float", "group_size": 16}""",
            (packer, name, o, i) => packer.Whole(name, o, i, i / 16, false, floats: true)),
        Compressed("nvfp4", "nvfp4-pack-quantized", """ "weights": {"num_bits": 4, "type": "float"}""",
            (packer, name, o, i) => packer.NvFp4(name, o, i)),
        new("bitnet", """{"quant_method": "bitnet"}""", (packer, name, o, i) => packer.BitNet(name, o, i, true)),
        new("bitnet-auto", """{"quant_method": "bitnet", "linear_class": "autobitlinear", "quantization_mode": "offline"}""",
            (packer, name, o, i) => packer.BitNet(name, o, i, false)),
        new("fp8", """{"quant_method": "fp8", "activation_scheme": "dynamic", "weight_block_size": [128, 128]}""",
            (packer, name, o, i) => packer.Whole(name, o, i, 1, false, floats: true)),
    ];

    /// <summary>A folder of the format's name.</summary>
    public static ForeignFolder Of(string name) => All.Single(folder => folder.Name == name);

    /// <summary>Writes a network: its projections packed, all else in single precision.</summary>
    /// <returns>What its weights stand for, by name.</returns>
    public Dictionary<string, float[]> Write(string folder, TinySpec spec)
    {
        var packer = new ForeignPacker(7);
        var values = new Dictionary<string, float[]>(StringComparer.Ordinal);
        foreach ((string name, TinyTensor tensor) in spec.Tensors(1))
        {
            if (name.EndsWith("_proj.weight", StringComparison.Ordinal))
                Pack(packer, name[..^".weight".Length], tensor.Shape[0], tensor.Shape[1]);
            else
            {
                packer.Tensors.Add(StoredTensor.F32(name, [.. tensor.Shape.Select(side => (long)side)], tensor.Values));
                values[name] = tensor.Values;
            }
        }
        JsonObject config = JsonNode.Parse(spec.Config())!.AsObject();
        config["quantization_config"] = JsonNode.Parse(Config);
        Write(folder, config.ToJsonString(), packer.Tensors);
        foreach ((string name, (long[] _, float[] weight)) in packer.Expected)
            values[name] = weight;
        return values;
    }

    /// <summary>Writes a folder.</summary>
    public static void Write(string folder, string config, IReadOnlyList<StoredTensor> tensors)
    {
        Directory.CreateDirectory(folder);
        File.WriteAllText(Path.Combine(folder, "config.json"), config);
        File.WriteAllBytes(Path.Combine(folder, "model.safetensors"), Bytes(tensors));
    }

    /// <summary>A safetensors file.</summary>
    public static byte[] Bytes(IReadOnlyList<StoredTensor> tensors)
    {
        var header = new Dictionary<string, object>();
        long offset = 0;
        foreach (StoredTensor tensor in tensors)
        {
            header.Add(tensor.Name, new { dtype = tensor.Type, shape = tensor.Shape, data_offsets = new[] { offset,
                offset + tensor.Data.Length } });
            offset += tensor.Data.Length;
        }
        byte[] json = JsonSerializer.SerializeToUtf8Bytes(header);
        return [.. BitConverter.GetBytes((long)json.Length), .. json, .. tensors.SelectMany(tensor => tensor.Data)];
    }

    private static ForeignFolder Gptq(string name, int bits, bool first, bool permuted) => new(name,
        $$"""{"quant_method": "gptq", "bits": {{bits}}, "group_size": 32, "desc_act": {{(permuted ? "true" : "false")}}, """
            + $$""" "checkpoint_format": "{{(first ? "gptq" : "gptq_v2")}}", "sym": false}""",
        (packer, prefix, outputs, inputs) => packer.Gptq(prefix, outputs, inputs, bits, 32, first, permuted));

    private static ForeignFolder Compressed(string name, string format, string group, Action<ForeignPacker, string, int, int> pack) =>
        new(name, $$"""{"quant_method": "compressed-tensors", "format": "{{format}}", "ignore": ["lm_head"], """
            + """ "config_groups": {"group_0": {""" + group + "}}}", pack);
}
