using System.Text.Json.Nodes;
using Vernier.Errors;
using Vernier.Files.Gguf;
using Vernier.Inference.Configuration;

namespace Vernier.Inference.Gguf;

/// <summary>The scaling of a rotary embedding as a GGUF file has it: correction factors of the frequencies are tensors there.</summary>
internal static class RopeFactors
{
    /// <summary>The parameters of Llama 3.1 and 3.2, by which correction factors of rotary frequencies are recognised.</summary>
    private static readonly (double Factor, double Low, double High, int Original)[] s_llama3 = [(8, 1, 4, 8192), (32, 1, 4, 8192)];

    /// <summary>The tensors of correction factors that a rotary embedding needs.</summary>
    /// <param name="rope">The embedding.</param>
    /// <param name="isFixed">Whether the frequencies have the same factors at every length, as those of Llama 3 have.</param>
    public static IEnumerable<(string Name, float[] Factors)> Tensors(RopeConfig rope, bool isFixed)
    {
        if (isFixed)
        {
            yield return (GgufNames.RopeFactors, [.. rope.ShortFactors.Select(factor => (float)factor)]);
            yield break;
        }
        if (rope.Scaling == RopeScaling.Llama3)
            yield return (GgufNames.RopeFactors, Llama3(
                rope.RotarySize, rope.Theta, rope.Factor, rope.LowFrequencyFactor, rope.HighFrequencyFactor, rope.OriginalMaxPositions));
        if (rope.Scaling != RopeScaling.LongRope)
            yield break;
        yield return (GgufNames.LongFactors, [.. rope.LongFactors.Select(factor => (float)factor)]);
        yield return (GgufNames.ShortFactors, [.. rope.ShortFactors.Select(factor => (float)factor)]);
    }

    /// <summary>The value of <c>rope_scaling</c> in the config.json of a file, or null.</summary>
    /// <param name="metadata">The metadata of the file.</param>
    /// <param name="file">The file.</param>
    /// <param name="rotary">The coordinates of a head that are rotated.</param>
    /// <param name="context">The longest context.</param>
    /// <param name="theta">The base of the frequencies.</param>
    /// <exception cref="InvalidFileException">A value is of another type, or there are too many factors or too few.</exception>
    /// <exception cref="UnsupportedModelException">The scaling is one that is not computed, or there are two.</exception>
    public static JsonObject? ToScaling(GgufMetadata metadata, GgufFile file, int rotary, long context, double theta)
    {
        string rope = $"{metadata.Architecture}.rope.";
        string? type = metadata.Text($"{rope}scaling.type");
        // An older name of the factor; without a type it is that of a linear scaling.
        double? factor = metadata.Decimal($"{rope}scaling.factor") ?? metadata.Decimal($"{rope}scale_linear");
        float[]? longer = Read(file, GgufNames.LongFactors, rotary), shorter = Read(file, GgufNames.ShortFactors, rotary),
            factors = Read(file, GgufNames.RopeFactors, rotary);
        if ((longer ?? shorter ?? factors) is not null)
        {
            CheckAlone(file.Path, type, factor, longer, shorter, factors);
            return factors is not null ? OfFactors(factors, rotary, context, theta) : OfLengths(metadata, rope, longer!, shorter!, context);
        }
        return type switch
        {
            "none" => null,
            null when factor is null or 0 or 1 => null,
            null or "linear" => new JsonObject { ["rope_type"] = "linear",
                ["factor"] = factor ?? throw metadata.Missing($"{rope}scaling.factor") },
            "yarn" => Yarn(metadata, rope, factor ?? throw metadata.Missing($"{rope}scaling.factor"), context),
            "longrope" => throw new InvalidFileException(file.Path, GgufModelRules.MetadataMissing,
                $"'{rope}scaling.type' is 'longrope', and the file has no tensors of factors", "Convert the model again"),
            string other => throw new UnsupportedModelException(file.Path, GgufModelRules.Metadata,
                $"'{rope}scaling.type' is {ConfigObject.Quote(other)}, which is not computed here", "Give the model as a folder"),
        };
    }

    // llama.cpp multiplies by 1 + ln(factor) / 10 itself; the key has what is beyond.
    private static JsonObject Yarn(GgufMetadata metadata, string rope, double factor, long context)
    {
        var scaling = new JsonObject
        {
            ["rope_type"] = "yarn", ["factor"] = factor,
            ["original_max_position_embeddings"] = metadata.Integer($"{rope}scaling.original_context_length") ?? context,
            ["beta_fast"] = metadata.Decimal($"{rope}scaling.yarn_beta_fast") ?? 32,
            ["beta_slow"] = metadata.Decimal($"{rope}scaling.yarn_beta_slow") ?? 1,
        };
        if (metadata.Decimal($"{rope}scaling.attn_factor") is double more && more is not (0 or 1))
            scaling["attention_factor"] = more * RopeConfigReader.YarnScale(factor, 1);
        return scaling;
    }

    /// <summary>The keys of YaRN, behind the name of the architecture.</summary>
    public static IEnumerable<(string Key, object Value)> YarnKeys(RopeConfig rope)
    {
        yield return ("rope.scaling.type", "yarn");
        yield return ("rope.scaling.factor", (float)rope.Factor);
        yield return ("rope.scaling.original_context_length", (uint)rope.OriginalMaxPositions);
        if (rope.FastTurns != 32)
            yield return ("rope.scaling.yarn_beta_fast", (float)rope.FastTurns);
        if (rope.SlowTurns != 1)
            yield return ("rope.scaling.yarn_beta_slow", (float)rope.SlowTurns);
        double more = rope.AttentionFactor / RopeConfigReader.YarnScale(rope.Factor, 1);
        if (Math.Abs(more - 1) > 1e-6)
            yield return ("rope.scaling.attn_factor", (float)more);
    }

    // Factors of frequencies are one scaling; a second one would be passed over.
    private static void CheckAlone(string path, string? type, double? factor, float[]? longer, float[]? shorter, float[]? factors)
    {
        if (factors is not null && (longer ?? shorter) is not null)
            throw new InvalidFileException(path, GgufModelRules.Metadata, "the file has factors of all lengths, and others by length",
                "Remove one or the other", GgufNames.RopeFactors);
        if ((longer is null) != (shorter is null))
            throw new InvalidFileException(path, ModelRules.TensorMissing, "it is missing, and its counterpart is there",
                "Convert the model again", longer is null ? GgufNames.LongFactors : GgufNames.ShortFactors);
        if (type is not (null or "none" or "longrope" or "linear") || type != "none" && factor is not (null or 0 or 1))
            throw new UnsupportedModelException(path, GgufModelRules.Metadata,
                $"the rope scaling {ConfigObject.Quote(type ?? "linear")} with a factor stands beside tensors of factors",
                "Give a model with one rope scaling");
    }

    private static JsonObject OfLengths(GgufMetadata metadata, string rope, float[] longer, float[] shorter, long context)
    {
        JsonObject scaling = LongRope(shorter, longer);
        scaling["attention_factor"] = metadata.Decimal($"{rope}scaling.attn_factor") ?? 1.0;
        scaling["original_max_position_embeddings"] = metadata.Integer($"{rope}scaling.original_context_length") ?? context;
        return scaling;
    }

    private static JsonObject OfFactors(float[] factors, int rotary, long context, double theta)
    {
        foreach ((double factor, double low, double high, int original) in s_llama3)
        {
            if (Llama3(rotary, theta, factor, low, high, original).Zip(factors)
                .All(pair => Math.Abs(pair.First - pair.Second) <= 1e-5 * pair.First))
            {
                return new JsonObject
                {
                    ["rope_type"] = "llama3", ["factor"] = factor, ["low_freq_factor"] = low, ["high_freq_factor"] = high,
                        ["original_max_position_embeddings"] = original,
                };
            }
        }
        JsonObject scaling = LongRope(factors, factors);
        scaling["attention_factor"] = 1.0;
        scaling["original_max_position_embeddings"] = context;
        return scaling;
    }

    private static JsonObject LongRope(float[] shorter, float[] longer) => new()
    {
        ["rope_type"] = "longrope", ["short_factor"] = Decimals(shorter), ["long_factor"] = Decimals(longer),
    };

    private static JsonArray Decimals(float[] numbers) =>
        new([.. numbers.Select(number => JsonValue.Create(double.Parse(number.ToString("R"))))]);

    private static float[]? Read(GgufFile file, string name, int rotary)
    {
        if (!file.TryGet(name, out GgufTensor? tensor))
            return null;
        if (tensor.Count != rotary / 2)
            throw new InvalidFileException(file.Path, GgufModelRules.TensorShape,
                $"it has {tensor.Count} factors, and {rotary} coordinates of a head are rotated", "Convert the model again", name);
        var factors = new float[tensor.Count];
        file.Read(name, 0, factors);
        return Array.TrueForAll(factors, float.IsFinite) ? factors
            : throw new InvalidFileException(file.Path, GgufModelRules.NotFinite, "a factor is not finite", "Convert the model again",
                name);
    }

    /// <summary>What Llama 3 divides each rotary frequency by; see <see cref="RopeConfig"/>.</summary>
    private static float[] Llama3(int rotary, double theta, double factor, double low, double high, double original)
    {
        var factors = new float[rotary / 2];
        for (int i = 0; i < factors.Length; i++)
        {
            double wavelength = 2 * Math.PI * Math.Pow(theta, 2.0 * i / rotary);
            double smooth = (original / wavelength - low) / (high - low);
            factors[i] = (float)(wavelength < original / high ? 1 : wavelength > original / low ? factor
                : 1 / ((1 - smooth) / factor + smooth));
        }
        return factors;
    }
}
