namespace Vernier.Files.Foreign;

/// <summary>What compressed-tensors (llm-compressor) writes: codes in words, whole numbers, 8-bit floats, NVFP4.</summary>
internal static class CompressedTensorsFormat
{
    private const string Weight = ".weight", Packed = ".weight_packed", Scale = ".weight_scale", Zero = ".weight_zero_point";

    /// <summary>Finds the weights.</summary>
    public static void Read(ForeignReader reader)
    {
        ForeignConfig config = reader.Config;
        config.OneOf("format", "", "pack-quantized", "int-quantized", "float-quantized", "naive-quantized", "nvfp4-pack-quantized",
            "mixed-precision");
        config.Refuse("kv_cache_scheme", "rounded keys and values");
        config.Refuse("transform_config", "transforms while it runs");
        config.Harmless("quant_method", "ignore", "quantization_status", "global_compression_ratio", "version", "quant_status");
        if (config.Object("sparsity_config") is ForeignConfig sparsity)
            sparsity.OneOf("format", "dense", "dense");
        IReadOnlyList<ForeignConfig> groups = config.Objects("config_groups");
        List<int> bits = [], sizes = [];
        foreach (ForeignConfig group in groups)
            ReadGroup(reader, group, bits, sizes);
        foreach (string prefix in reader.EndingWith(Packed))
        {
            reader.Add(reader.Find(prefix + Packed)!.Type == ElementType.U8 ? NvFp4(reader, prefix)
                : CompressedCodes.Read(reader, prefix, bits, sizes));
        }
        foreach (string prefix in reader.EndingWith(Scale))
        {
            if (reader.Find(prefix + Weight) is { Type: ElementType.I8 } codes)
                reader.Add(CompressedCodes.ReadWhole(reader, prefix, codes, sizes));
        }
    }

    private static void ReadGroup(ForeignReader reader, ForeignConfig group, List<int> bits, List<int> sizes)
    {
        group.Refuse("output_activations", "rounded outputs");
        if (group.Object("input_activations") is ForeignConfig inputs)
        {
            if (inputs.Written("dynamic") is not ("true" or "\"local\""))
                throw group.Unsupported("input_activations", "which asks for inputs rounded by constant scales");
            reader.Note($"the model was made for inputs rounded to {inputs.Integer("num_bits", 1, 16, 8)} bits while it runs; here they "
                + $"stay "
                + "as they are");
        }
        if (group.Object("weights") is not ForeignConfig weights)
            return;
        if (weights.Integer("num_bits", 1, 16, 8) is var width && !bits.Contains(width))
            bits.Add(width);
        if (weights.Integer("group_size", -1, int.MaxValue, -1) is var size and > 0 && !sizes.Contains(size))
            sizes.Add(size);
    }

    private static NvFp4Weight NvFp4(ForeignReader reader, string prefix)
    {
        StoredPart codes = reader.Need(prefix + Packed, 2, ElementType.U8), scales = reader.Need(prefix + Scale, 2, ElementType.F8_E4M3),
            whole = reader.Need(prefix + ".weight_global_scale", 1);
        ForeignReader.Fit(whole, 1);
        if (codes.Shape[1] % NvFp4Weight.GroupBytes != 0)
            throw ForeignReader.Shape(codes, $"its columns are no multiple of {NvFp4Weight.GroupBytes}");
        ForeignReader.Fit(scales, codes.Shape[0], codes.Shape[1] / NvFp4Weight.GroupBytes);
        reader.Hide(prefix + ".input_global_scale");
        return new NvFp4Weight(prefix + Weight, codes, scales, whole);
    }

    private sealed class NvFp4Weight(string name, StoredPart codes, StoredPart scales, StoredPart whole)
        : ForeignWeight(name, [codes.Shape[0], 2 * codes.Shape[1]], codes, scales, whole)
    {
        public const int GroupBytes = 8;

        private readonly float _whole = whole.Number(0);

        protected override void ReadRow(long row, long column, Span<float> destination)
        {
            long groups = scales.Shape[1];
            var bytes = new byte[(column + destination.Length + 1) / 2 - column / 2];
            var line = new float[groups];
            Codes.Raw(row * Codes.Shape[1] + column / 2, bytes);
            scales.Numbers(row * groups, line);
            for (int i = 0; i < destination.Length; i++)
            {
                long at = column + i;
                int pair = bytes[at / 2 - column / 2];
                destination[i] = SmallFloat.E2M1[at % 2 == 0 ? pair & 15 : pair >> 4] * (line[at / (2 * GroupBytes)] / _whole);
            }
        }
    }
}
