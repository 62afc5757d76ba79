using System.Numerics.Tensors;

namespace Vernier.Files.Foreign;

/// <summary>
/// BitNet b1.58 as transformers packs it: four codes of 2 bits in a byte, each row of bytes holding a row of each quarter of the matrix;
/// w = (code - 1) times the scale, or divided by it. Its layers round their inputs to 8 bits a row.
/// </summary>
internal static class BitNetFormat
{
    private const int PerByte = 4;
    private const string Weight = ".weight", Scale = ".weight_scale";

    /// <summary>Finds the weights.</summary>
    public static void Read(ForeignReader reader)
    {
        ForeignConfig config = reader.Config;
        bool divides = config.OneOf("linear_class", "bitlinear", "bitlinear", "autobitlinear") == "bitlinear",
            online = config.OneOf("quantization_mode", "offline", "offline", "online") == "online" && !divides;
        config.Refuse("use_rms_norm", "norms in the layers");
        IReadOnlyList<string> kept = config.Texts("modules_to_not_convert");
        config.Harmless("quant_method", "rms_norm_eps");
        if (online)
        {
            foreach (TensorInfo tensor in reader.Tensors)
            {
                if (tensor.Shape.Count == 2 && tensor.Type.IsFloat() && tensor.Name.EndsWith("_proj" + Weight, StringComparison.Ordinal)
                    && !kept.Any(part => tensor.Name.Contains(part, StringComparison.Ordinal)))
                    Add(reader, new Online(reader.Need(tensor.Name, 2, tensor.Type)));
            }
            return;
        }
        foreach (string prefix in reader.EndingWith(Scale))
        {
            StoredPart codes = reader.Need(prefix + Weight, 2, ElementType.U8), scale = reader.Need(prefix + Scale, 1);
            ForeignReader.Fit(scale, 1);
            if (!divides && reader.Find(prefix + ".bias") is StoredPart bias)
                throw ForeignReader.Error(bias, ForeignRules.PartValue,
                    "the scale of a layer of class autobitlinear would multiply its bias");
            Add(reader, new Packed(codes, scale, divides));
        }
    }

    private static void Add(ForeignReader reader, ForeignWeight weight)
    {
        reader.Add(weight);
        reader.RoundInputs(weight.Info.Name);
    }

    private sealed class Packed(StoredPart codes, StoredPart scale, bool divides)
        : ForeignWeight(codes.Name, [PerByte * codes.Shape[0], codes.Shape[1]], codes, scale)
    {
        private readonly float _factor = divides ? 1 / scale.Number(0) : scale.Number(0);

        protected override void ReadRow(long row, long column, Span<float> destination)
        {
            (long part, long line) = Math.DivRem(row, Codes.Shape[0]);
            var bytes = new byte[destination.Length];
            Codes.Raw(line * Codes.Shape[1] + column, bytes);
            for (int i = 0; i < bytes.Length; i++)
                destination[i] = ((bytes[i] >> (int)(2 * part) & 3) - 1) * _factor;
        }
    }

    // Weights that transformers rounds each time it runs: to -1, 0 and 1 times the mean of their magnitudes.
    private sealed class Online(StoredPart weight) : ForeignWeight(weight.Name, weight.Shape, weight)
    {
        private const int Piece = 1 << 14;

        private readonly Lazy<float> _scale = new(() => ScaleOf(weight));

        protected override void ReadRow(long row, long column, Span<float> destination)
        {
            Codes.Numbers(row * Codes.Shape[1] + column, destination);
            float scale = _scale.Value;
            for (int i = 0; i < destination.Length; i++)
                destination[i] = float.IsNaN(destination[i]) ? float.NaN
                    : Math.Clamp(MathF.Round(destination[i] * scale), -1, 1) / scale;
        }

        private static float ScaleOf(StoredPart weight)
        {
            var values = new float[Math.Min(Piece, weight.Info.Count)];
            double sum = 0;
            for (long first = 0; first < weight.Info.Count; first += Piece)
            {
                Span<float> piece = values.AsSpan(0, (int)Math.Min(Piece, weight.Info.Count - first));
                weight.Numbers(first, piece);
                sum += TensorPrimitives.SumOfMagnitudes<float>(piece);
            }
            return 1 / Math.Max((float)(sum / weight.Info.Count), 1e-5f);
        }
    }
}
