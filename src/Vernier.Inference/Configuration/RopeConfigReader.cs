using System.Text.Json;
using Vernier.Errors;

namespace Vernier.Inference.Configuration;

/// <summary>
/// Reads the rotary embedding from <c>rope_theta</c> and <c>rope_scaling</c>, or from <c>rope_parameters</c>, which newer
/// files have for both.
/// </summary>
public static class RopeConfigReader
{
    private const string Original = "original_max_position_embeddings";
    private const double MinTheta = 1e-6;
    private const double MaxTheta = 1e15;
    private const double MinFactor = 1e-6;
    private const double MaxFactor = 1e6;

    private static readonly string[] s_common = ["rope_type", "type", "rope_theta", "partial_rotary_factor"];

    // What is read of each type; the longest context is the model's, given once more.
    private static readonly Dictionary<string, string[]> s_members = new(StringComparer.Ordinal)
    {
        ["default"] = [Original, "max_position_embeddings"],
        ["linear"] = ["factor", Original],
        ["dynamic"] = ["factor", Original],
        ["yarn"] = ["factor", "beta_fast", "beta_slow", "mscale", "mscale_all_dim", "attention_factor", "truncate", Original],
        ["llama3"] = ["factor", "low_freq_factor", "high_freq_factor", Original],
        ["longrope"] = ["factor", "short_factor", "long_factor", "attention_factor", "short_mscale", "long_mscale", Original],
    };

    /// <summary>Reads the embedding.</summary>
    /// <param name="root">The object of config.json.</param>
    /// <param name="rules">What the architecture may say.</param>
    /// <param name="headSize">The coordinates of a head.</param>
    /// <param name="maxPositions">The longest context.</param>
    /// <exception cref="InvalidFileException">A value is missing or outside its range.</exception>
    /// <exception cref="UnsupportedModelException">The scaling is one that does not run here.</exception>
    public static RopeConfig Read(ConfigObject root, RopeRules rules, int headSize, int maxPositions) =>
        Read(root, rules, headSize, maxPositions, null);

    /// <summary>Reads the embedding of the layers of one type.</summary>
    /// <inheritdoc cref="Read(ConfigObject, RopeRules, int, int)"/>
    /// <param name="root">The object of config.json.</param>
    /// <param name="rules">What the architecture may say.</param>
    /// <param name="headSize">The coordinates of a head.</param>
    /// <param name="maxPositions">The longest context.</param>
    /// <param name="layerType">The type of layer, as <c>layer_types</c> names it; null where all are the same.</param>
    public static RopeConfig Read(ConfigObject root, RopeRules rules, int headSize, int maxPositions, string? layerType)
    {
        ArgumentNullException.ThrowIfNull(rules);
        var places = new RopePlaces(root, layerType);
        double partial = places.ReadPartial(rules.PartialDefault);
        if (!rules.Partial && partial != 1)
            throw root.Error(ModelRules.ConfigRope, $"'partial_rotary_factor' is {partial}, which {root.ModelType} does not have");
        int rotary = (int)(headSize * partial);
        if (rotary < 2 || rotary % 2 != 0)
            throw root.Error(ModelRules.ConfigRope,
                $"{rotary} coordinates of each head are rotated; the number must be even and at least 2");
        double theta = places.ReadTheta(MinTheta, MaxTheta, rules.Theta);
        RopeConfig read = places.Scaling is { } scaling ? ReadScaled(root, scaling, rules, places, theta, rotary, maxPositions)
            : new RopeConfig { Theta = theta, RotarySize = rotary };
        return rules.Interleaved ? read with { Interleaved = true } : read;
    }

    // What is there and not computed would change the frequencies.
    private static void CheckMembers(ConfigObject root, ConfigObject scaling, string type, RopeRules rules)
    {
        foreach (JsonProperty member in scaling.Element.EnumerateObject())
        {
            if (member.Value.ValueKind != JsonValueKind.Null && !s_common.Contains(member.Name)
                && !s_members[type].Contains(member.Name) && !rules.Harmless.Contains(member.Name))
            {
                throw root.Unsupported(ModelRules.ConfigRopeScaling,
                    $"{ConfigObject.Quote(member.Name)} in the rope scaling {ConfigObject.Quote(type)} is not computed here",
                        "Give a model without it");
            }
        }
    }

    private static RopeConfig ReadScaled(ConfigObject root, ConfigObject scaling, RopeRules rules, RopePlaces places, double theta,
        int rotary, int maxPositions)
    {
        string? type = scaling.Text("rope_type") ?? scaling.Text("type");
        if (type is "default" || type is null && places.HasParameters)
        {
            CheckMembers(root, scaling, "default", rules);
            return new RopeConfig { Theta = theta, RotarySize = rotary };
        }
        if (type is not null && rules.LongRopeNames.Contains(type))
            type = "longrope";
        if (type is null || !rules.Scalings.Contains(type))
            throw Unsupported(root, rules, type is null ? "of no type" : ConfigObject.Quote(type));
        CheckMembers(root, scaling, type, rules);
        return type switch
        {
            "linear" => new RopeConfig { Theta = theta, RotarySize = rotary, Scaling = RopeScaling.Linear,
                Factor = scaling.Number("factor", MinFactor, MaxFactor) },
            "dynamic" => new RopeConfig { Theta = theta, RotarySize = rotary, Scaling = RopeScaling.Dynamic,
                Factor = scaling.Number("factor", MinFactor, MaxFactor), OriginalMaxPositions = maxPositions },
            "yarn" => ReadYarn(scaling, places, theta, rotary, maxPositions),
            "llama3" => ReadLlama3(scaling, places, theta, rotary),
            "longrope" => ReadLongRope(scaling, rules, places, theta, rotary, maxPositions),
            _ => throw Unsupported(root, rules, ConfigObject.Quote(type)),
        };
    }

    private static RopeConfig ReadLlama3(ConfigObject scaling, RopePlaces places, double theta, int rotary)
    {
        double low = scaling.Number("low_freq_factor", MinFactor, MaxFactor);
        double high = scaling.Number("high_freq_factor", MinFactor, MaxFactor);
        if (high <= low)
            throw scaling.Error(ModelRules.ConfigRope, $"'high_freq_factor', {high}, is not above 'low_freq_factor', {low}");
        return new RopeConfig
        {
            Theta = theta,
            RotarySize = rotary,
            Scaling = RopeScaling.Llama3,
            Factor = scaling.Number("factor", MinFactor, MaxFactor),
            LowFrequencyFactor = low,
            HighFrequencyFactor = high,
            OriginalMaxPositions = places.ReadOriginal(1) ?? throw scaling.Error(ModelRules.ConfigMissing, $"'{Original}' is missing"),
        };
    }

    private static RopeConfig ReadYarn(ConfigObject scaling, RopePlaces places, double theta, int rotary, int maxPositions)
    {
        int original = places.ReadOriginal(2) ?? maxPositions;
        double factor = scaling.Number("factor", MinFactor, MaxFactor, (double)maxPositions / original);
        double all = scaling.Number("mscale_all_dim", -1, MaxFactor, 0), own = scaling.Number("mscale", -1, MaxFactor, 0);
        double attention = all > 0 && own > 0 ? YarnScale(factor, own) / YarnScale(factor, all) : YarnScale(factor, 1);
        return new RopeConfig
        {
            Theta = theta,
            RotarySize = rotary,
            Scaling = RopeScaling.Yarn,
            Factor = factor,
            OriginalMaxPositions = original,
            FastTurns = scaling.Number("beta_fast", 0, MaxFactor, 32),
            SlowTurns = scaling.Number("beta_slow", 0, MaxFactor, 1),
            WholeBorders = scaling.Flag("truncate", true),
            AttentionFactor = scaling.Number("attention_factor", MinFactor, MaxFactor, attention),
        };
    }

    /// <summary>What attention is sharpened by at a factor: 0.1 m ln(factor) + 1 above 1.</summary>
    internal static double YarnScale(double factor, double m) => factor <= 1 ? 1 : 0.1 * m * Math.Log(factor) + 1;

    // The factor is that of the two contexts; one that is given beside them, and counts, says the same.
    private static RopeConfig ReadLongRope(ConfigObject scaling, RopeRules rules, RopePlaces places, double theta, int rotary,
        int maxPositions)
    {
        int half = rotary / 2;
        int? given = places.ReadOriginal(2);
        if (rules.OriginalPositions is int usual && !places.RootMentionsOriginal)
        {
            if (given is int other && other != usual)
                throw scaling.Error(ModelRules.ConfigRope, $"'{Original}' is {other} in the rope scaling, and without one at the root of "
                    + $"the file it is {usual}", "Write the one that the model was trained with at the root");
            given = usual;
        }
        int original = given ?? maxPositions;
        double factor = given is null ? scaling.Number("factor", MinFactor, MaxFactor) : (double)maxPositions / original;
        bool counts = !scaling.Has("attention_factor") && !(scaling.Has("short_mscale") && scaling.Has("long_mscale"));
        if (given is not null && counts && scaling.Has("factor")
            && Math.Abs(scaling.Number("factor", MinFactor, MaxFactor) - factor) > 1e-6 * factor)
            throw scaling.Error(ModelRules.ConfigRope, $"'factor' is not 'max_position_embeddings' / '{Original}', {factor}",
                "Keep the one that the model was trained with");
        double attention = factor <= 1 ? 1 : Math.Sqrt(1 + Math.Log(factor) / Math.Log(Math.Max(original, 2)));
        double shared = scaling.Number("attention_factor", MinFactor, MaxFactor, attention);
        return new RopeConfig
        {
            Theta = theta,
            RotarySize = rotary,
            Scaling = RopeScaling.LongRope,
            OriginalMaxPositions = original,
            ShortFactors = scaling.Numbers("short_factor", half, MinFactor, MaxFactor)
                ?? throw scaling.Error(ModelRules.ConfigMissing, "'short_factor' is missing"),
            LongFactors = scaling.Numbers("long_factor", half, MinFactor, MaxFactor)
                ?? throw scaling.Error(ModelRules.ConfigMissing, "'long_factor' is missing"),
            AttentionFactor = scaling.Number("short_mscale", MinFactor, MaxFactor, shared),
            LongAttentionFactor = scaling.Number("long_mscale", MinFactor, MaxFactor, shared),
        };
    }

    private static UnsupportedModelException Unsupported(ConfigObject root, RopeRules rules, string type) =>
        root.Unsupported(ModelRules.ConfigRopeScaling,
        $"the rope scaling is {type}", $"Give a model without scaling or with {Join(rules.Scalings)}");

    private static string Join(IReadOnlyList<string> names) =>
        names.Count == 1 ? names[0] : $"{string.Join(", ", names.SkipLast(1))} or {names[^1]}";
}
