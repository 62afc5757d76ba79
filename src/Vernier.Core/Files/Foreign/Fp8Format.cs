namespace Vernier.Files.Foreign;

/// <summary>8-bit floats with scales, whose products are read without a description; what config.json says of them.</summary>
internal static class Fp8Format
{
    /// <summary>Holds the description against what is read.</summary>
    public static void Read(ForeignReader reader)
    {
        ForeignConfig config = reader.Config;
        if (config.Written("weight_block_size") is string block && string.Concat(block.Where(c => !char.IsWhiteSpace(c))) != "[128,128]")
            throw config.Unsupported("weight_block_size", "and blocks of 128 x 128 are read here");
        if (config.OneOf("activation_scheme", "dynamic", "dynamic", "static") == "static")
            throw config.Unsupported("activation_scheme", "which asks for inputs rounded by constant scales");
        reader.Note("the model was made for inputs rounded to 8-bit floats while it runs; here they stay as they are");
        config.Harmless("quant_method", "fmt", "scale_fmt", "modules_to_not_convert", "ignored_layers", "dequantize");
    }
}
