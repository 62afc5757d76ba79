namespace Vernier.Files.Foreign;

/// <summary>What bitsandbytes writes: rows of 8 bits with their largest magnitudes, or blocks of 4 bits.</summary>
internal static class BitsAndBytesFormat
{
    private const string RowScales = ".SCB", State = ".quant_state.bitsandbytes__";

    /// <summary>Finds the weights.</summary>
    public static void Read(ForeignReader reader)
    {
        ForeignConfig config = reader.Config;
        bool eight = config.Flag("load_in_8bit", false) | config.Flag("_load_in_8bit", false);
        config.Harmless("quant_method", "load_in_4bit", "_load_in_4bit", "llm_int8_threshold", "llm_int8_skip_modules",
            "llm_int8_enable_fp32_cpu_offload", "llm_int8_has_fp16_weight", "bnb_4bit_quant_type", "bnb_4bit_use_double_quant",
            "bnb_4bit_compute_dtype", "bnb_4bit_quant_storage");
        foreach (string prefix in reader.EndingWith(RowScales))
        {
            StoredPart codes = reader.Need(prefix + ".weight", 2, ElementType.I8),
                scales = reader.Need(prefix + RowScales, 1, ElementType.F32);
            ForeignReader.Fit(scales, codes.Shape[0]);
            if (reader.Option(prefix + ".weight_format", -1, ElementType.U8) is StoredPart format)
            {
                if (format.Bytes[0] != 0)
                    throw ForeignReader.Error(format, ForeignRules.PartValue, "the order of the codes is not that of rows");
                reader.Hide(format.Name);
            }
            reader.Add(new Rows(codes, scales));
        }
        foreach (TensorInfo tensor in reader.Tensors)
        {
            int at = tensor.Name.IndexOf(State, StringComparison.Ordinal);
            if (at > 0)
                reader.Add(BitsAndBytesBlocks.Read(reader, tensor.Name[..at], reader.Need(tensor.Name, 1, ElementType.U8)));
        }
        if (eight)
            reader.Note("bitsandbytes rounds the inputs of 8-bit layers to 8 bits but for outliers; here they stay as they are");
    }

    private sealed class Rows(StoredPart codes, StoredPart scales) : ForeignWeight(codes.Name, codes.Shape, codes, scales)
    {
        // 1 / 127 as bitsandbytes has it.
        private const float Unit = 7.874015718698502e-3f;

        protected override void ReadRow(long row, long column, Span<float> destination)
        {
            Codes.Numbers(row * Codes.Shape[1] + column, destination);
            float scale = scales.Number(row);
            for (int i = 0; i < destination.Length; i++)
                destination[i] = destination[i] * scale * Unit;
        }
    }
}
