namespace Vernier.Files.Foreign;

/// <summary>What AutoGPTQ, GPTQModel and others write: <c>qweight</c>, <c>qzeros</c>, <c>scales</c> and <c>g_idx</c>.</summary>
internal static class GptqFormat
{
    private const string End = ".qweight";

    /// <summary>Finds the weights.</summary>
    public static void Read(ForeignReader reader)
    {
        ForeignConfig config = reader.Config;
        int bits = config.Integer("bits", 2, 8, 4), group = config.Integer("group_size", -1, int.MaxValue, 128);
        if (bits is not (2 or 3 or 4 or 8))
            throw config.Unsupported("bits", "and 2, 3, 4 and 8 are read here");
        if (group == 0)
            throw config.Unsupported("group_size", "which is no number of inputs");
        string version = config.Written("checkpoint_format") is not null ? "checkpoint_format" : "format";
        int added = config.OneOf(version, "gptq", "gptq", "gptq_v2") == "gptq" ? 1 : 0;
        bool ordered = config.Flag("desc_act", false);
        config.Refuse("is_marlin_format", "the order of codes of Marlin");
        config.Refuse("use_marlin", "the order of codes of Marlin");
        config.OneOf("pack_dtype", "int32", "int32");
        foreach (string pattern in config.Names("dynamic"))
        {
            if (!pattern.StartsWith("-:", StringComparison.Ordinal))
                throw config.Unsupported("dynamic", "which gives layers settings of their own");
        }
        config.Harmless("sym", "damp_percent", "damp_auto_increment", "static_groups", "true_sequential", "model_name_or_path",
            "model_file_base_name", "modules_in_block_to_quantize", "block_name_to_quantize", "modules_to_not_convert", "batch_size",
            "cache_block_outputs", "dataset", "disable_exllama", "exllama_config", "use_exllama", "max_input_length", "meta",
            "model_seqlen", "module_name_preceding_first_block", "pad_token_id", "tokenizer", "use_cuda_fp16", "backend", "lm_head",
            "quant_method", "format", "mse", "parallel_packing", "act_group_aware", "hyb_act");
        foreach (string prefix in reader.EndingWith(End))
            reader.Add(Weight(reader, prefix, bits, group, added, ordered));
    }

    private static GptqWeight Weight(ForeignReader reader, string prefix, int bits, int group, int added, bool ordered)
    {
        StoredPart codes = reader.Need(prefix + End, 2, ElementType.I32),
            zeros = reader.Need(prefix + ".qzeros", 2, ElementType.I32),
            scales = reader.Need(prefix + ".scales", 2);
        StoredPart? indices = ordered ? reader.Need(prefix + ".g_idx", 1, ElementType.I32, ElementType.I64)
            : reader.Option(prefix + ".g_idx", 1, ElementType.I32, ElementType.I64);
        long outputs = codes.Shape[1], inputs = indices is null ? codes.Shape[0] * 32 / bits : indices.Shape[0], groups = scales.Shape[0];
        if ((inputs * bits + 31) / 32 != codes.Shape[0])
            throw ForeignReader.Shape(codes, $"{inputs} inputs of {bits} bits take {(inputs * bits + 31) / 32} rows");
        ForeignReader.Fit(scales, groups, outputs);
        ForeignReader.Fit(zeros, groups, (outputs * bits + 31) / 32);
        long size = group < 0 ? inputs : group;
        var groupOf = new int[inputs];
        for (int i = 0; i < inputs; i++)
        {
            long of = indices is null ? i / size : indices.Integer(i);
            if (of < 0 || of >= groups)
                throw ForeignReader.Error(indices ?? scales, ForeignRules.PartValue, $"input {i} is in group {of}, and there are {groups}");
            groupOf[i] = (int)of;
        }
        return new GptqWeight(prefix + ".weight", codes, zeros, scales, indices, bits, added, groupOf);
    }
}
