namespace Vernier.Files.Foreign;

/// <summary>
/// MXFP4 as gpt-oss is published: for the layers of all experts <c>NAME_blocks</c>, U8 [experts, outputs, groups, 16], two codes E2M1 in a
/// byte, the lower half first, and <c>NAME_scales</c>, U8 [experts, outputs, groups], exponents of 2. Each expert is a matrix of its own.
/// </summary>
internal static class Mxfp4Format
{
    private const int GroupBytes = 16;
    private const string Blocks = "_blocks", Scales = "_scales";

    /// <summary>Finds the weights.</summary>
    public static void Read(ForeignReader reader)
    {
        reader.Config.Harmless("quant_method", "modules_to_not_convert", "dequantize");
        foreach (string name in reader.EndingWith(Blocks))
        {
            StoredPart codes = reader.Need(name + Blocks, 4, ElementType.U8), scales = reader.Need(name + Scales, 3, ElementType.U8);
            ForeignReader.Fit(codes, codes.Shape[0], codes.Shape[1], codes.Shape[2], GroupBytes);
            ForeignReader.Fit(scales, codes.Shape[0], codes.Shape[1], codes.Shape[2]);
            int part = name.LastIndexOf('.') + 1;
            for (long expert = 0; expert < codes.Shape[0]; expert++)
                reader.Add(new Expert($"{name[..part]}{expert}.{name[part..]}.weight", codes, scales, expert));
        }
    }

    private sealed class Expert(string name, StoredPart codes, StoredPart scales, long expert)
        : ForeignWeight(name, [codes.Shape[1], 2 * GroupBytes * codes.Shape[2]], codes, scales)
    {
        private readonly long _groups = codes.Shape[2], _firstRow = expert * codes.Shape[1];

        public override long Sharing => Codes.Shape[0];

        protected override void ReadRow(long row, long column, Span<float> destination)
        {
            long begin = (_firstRow + row) * _groups * GroupBytes + column / 2;
            var bytes = new byte[(column + destination.Length + 1) / 2 - column / 2];
            var exponents = new byte[_groups];
            Codes.Raw(begin, bytes);
            scales.Raw((_firstRow + row) * _groups, exponents);
            for (int i = 0; i < destination.Length; i++)
            {
                long at = column + i;
                int pair = bytes[at / 2 - column / 2], exponent = exponents[at / (2 * GroupBytes)];
                destination[i] = exponent == 255 ? float.NaN
                    : MathF.ScaleB(SmallFloat.E2M1[at % 2 == 0 ? pair & 15 : pair >> 4], exponent - 127);
            }
        }
    }
}
