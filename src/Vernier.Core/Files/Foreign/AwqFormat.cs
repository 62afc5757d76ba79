namespace Vernier.Files.Foreign;

/// <summary>What AutoAWQ writes for its matrix product ("gemm"): <c>qweight</c>, <c>qzeros</c> and <c>scales</c>, 4 bits along the
/// outputs.</summary>
internal static class AwqFormat
{
    private const int PerWord = 8;
    private const string End = ".qweight";

    /// <summary>Finds the weights.</summary>
    public static void Read(ForeignReader reader)
    {
        ForeignConfig config = reader.Config;
        int bits = config.Integer(config.Written("w_bit") is not null ? "w_bit" : "bits", 1, 8, 4);
        int group = config.Integer(config.Written("q_group_size") is not null ? "q_group_size" : "group_size", -1, int.MaxValue, 128);
        if (bits != 4)
            throw config.Unsupported("bits", "and 4 are read here");
        if (group == 0)
            throw config.Unsupported("group_size", "which is no number of inputs");
        config.OneOf("version", "gemm", "gemm");
        if (!config.Flag("zero_point", true))
            throw config.Unsupported("zero_point", "which leaves out the zeros");
        config.Harmless("quant_method", "modules_to_not_convert", "backend", "do_fuse", "fuse_max_seq_len", "modules_to_fuse",
            "exllama_config");
        foreach (string prefix in reader.EndingWith(End))
            reader.Add(Weight(reader, prefix, group));
    }

    private static Matrix Weight(ForeignReader reader, string prefix, long group)
    {
        StoredPart codes = reader.Need(prefix + End, 2, ElementType.I32), zeros = reader.Need(prefix + ".qzeros", 2, ElementType.I32),
            scales = reader.Need(prefix + ".scales", 2);
        long inputs = codes.Shape[0], size = group < 0 ? inputs : group, groups = (inputs + size - 1) / size;
        ForeignReader.Fit(scales, groups, codes.Shape[1] * PerWord);
        ForeignReader.Fit(zeros, groups, codes.Shape[1]);
        return new Matrix(prefix + ".weight", codes, zeros, scales, size);
    }

    private sealed class Matrix(string name, StoredPart codes, StoredPart zeros, StoredPart scales, long group)
        : ForeignWeight(name, [codes.Shape[1] * PerWord, codes.Shape[0]], codes, zeros, scales)
    {
        // Where the code of an output is in its word: output 0 first, then 2, 4, 6, 1, 3, 5, 7.
        private static readonly int[] s_places = [0, 4, 1, 5, 2, 6, 3, 7];

        private readonly long _words = codes.Shape[1];

        protected override void ReadRow(long row, long column, Span<float> destination)
        {
            ReadOnlySpan<byte> packed = Codes.Bytes, packedZeros = zeros.Bytes, numbers = scales.Bytes;
            (long word, long output) = Math.DivRem(row, PerWord);
            int place = s_places[output];
            long current = -1;
            float scale = 0;
            int zero = 0;
            for (int i = 0; i < destination.Length; i++)
            {
                long input = column + i, of = input / group;
                if (of != current)
                {
                    current = of;
                    scale = StoredPart.Number(numbers, scales.Type, of * _words * PerWord + row);
                    zero = StoredPart.Code(packedZeros, of * _words + word, 1, place, 4);
                }
                destination[i] = scale * (StoredPart.Code(packed, input * _words + word, 1, place, 4) - zero);
            }
        }
    }
}
