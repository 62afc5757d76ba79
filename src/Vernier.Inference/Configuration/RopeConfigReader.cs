using System.Text.Json;
using Vernier.Errors;

namespace Vernier.Inference.Configuration;

/// <summary>What an architecture may say of its rotary embedding.</summary>
/// <param name="Partial">Whether <c>partial_rotary_factor</c> counts: part of a head is rotated.</param>
/// <param name="Scalings">The values of <c>rope_type</c> that run.</param>
/// <param name="LongRopeNames">Further names of LongRoPE.</param>
public sealed record RopeRules(bool Partial, IReadOnlyList<string> Scalings, IReadOnlyList<string> LongRopeNames)
{
    /// <summary>Whole heads, and no scaling, linear, llama3 or longrope.</summary>
    public static RopeRules Default { get; } = new(false, ["linear", "dynamic", "yarn", "llama3", "longrope"], []);

    /// <summary>The same, with part of a head rotated.</summary>
    public static RopeRules PartOfHead { get; } = Default with { Partial = true };

    /// <summary>Whether coordinates 2i and 2i + 1 are turned together.</summary>
    public bool Interleaved { get; init; }

    /// <summary>The type of layers that the embedding is of, where the file has one for each; null for all.</summary>
    public string? LayerType { get; init; }

    /// <summary>Further members of the scaling that change nothing: how positions in pictures would be told.</summary>
    public IReadOnlyList<string> Harmless { get; init; } = [];

    /// <summary>The part of a head that is rotated where the file does not say.</summary>
    public double PartialDefault { get; init; } = 1;

    /// <summary>The base where the file does not say.</summary>
    public double Theta { get; init; } = 10000;
}

/// <summary>
/// Reads the rotary embedding from <c>rope_theta</c> and <c>rope_scaling</c>, or from <c>rope_parameters</c>, which newer
/// files have for both.
/// </summary>
public static class RopeConfigReader
{
    private const double MinTheta = 1e-6;
    private const double MaxTheta = 1e15;
    private const double MinFactor = 1e-6;
    private const double MaxFactor = 1e6;

    private static readonly string[] s_common = ["rope_type", "type", "rope_theta", "partial_rotary_factor"];

    // What is read of each type; the longest context is the model's, given once more.
    private static readonly Dictionary<string, string[]> s_members = new(StringComparer.Ordinal)
    {
        ["default"] = ["original_max_position_embeddings", "max_position_embeddings"],
        ["linear"] = ["factor", "original_max_position_embeddings"],
        ["dynamic"] = ["factor", "original_max_position_embeddings"],
        ["yarn"] = ["factor", "beta_fast", "beta_slow", "mscale", "mscale_all_dim", "attention_factor", "truncate",
            "original_max_position_embeddings"],
        ["llama3"] = ["factor", "low_freq_factor", "high_freq_factor", "original_max_position_embeddings"],
        ["longrope"] = ["factor", "short_factor", "long_factor", "attention_factor", "short_mscale", "long_mscale",
            "original_max_position_embeddings"],
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
        ConfigObject? parameters = Parameters(root, layerType);
        ConfigObject? scaling = root.Object("rope_scaling") ?? parameters;
        ConfigObject thetaFrom = parameters is { } p && p.Has("rope_theta") ? p : root;
        Agree(root, parameters);
        ConfigObject partialFrom = parameters is { } q && q.Has("partial_rotary_factor") ? q : root;
        double partial = partialFrom.Number("partial_rotary_factor", 0, 1, rules.PartialDefault);
        if (!rules.Partial && partial != 1)
            throw root.Error(ModelRules.ConfigRope, $"'partial_rotary_factor' is {partial}, which {root.ModelType} does not have");
        int rotary = (int)(headSize * partial);
        if (rotary < 2 || rotary % 2 != 0)
            throw root.Error(ModelRules.ConfigRope,
                $"{rotary} coordinates of each head are rotated; the number must be even and at least 2");
        double theta = thetaFrom.Number("rope_theta", MinTheta, MaxTheta, rules.Theta);
        RopeConfig read = scaling is { } s ? ReadScaled(root, s, rules, parameters is not null, theta, rotary, maxPositions)
            : new RopeConfig { Theta = theta, RotarySize = rotary };
        return rules.Interleaved ? read with { Interleaved = true } : read;
    }

    // Newer files may have one object for each type of layer; where all are the same it is as one.
    private static ConfigObject? Parameters(ConfigObject root, string? layerType)
    {
        if (root.Object("rope_parameters") is not { } parameters)
            return null;
        JsonProperty[] nested = [.. parameters.Element.EnumerateObject().Where(member => member.Value.ValueKind == JsonValueKind.Object)];
        if (nested.Length == 0)
            return parameters;
        if (layerType is not null && Array.Find(nested, member => member.Name == layerType)
            is { Value.ValueKind: JsonValueKind.Object } own)
            return new ConfigObject(root.Path, own.Value);
        if (nested.Length < parameters.Element.EnumerateObject().Count()
            || !Array.TrueForAll(nested, member => JsonElement.DeepEquals(member.Value, nested[0].Value)))
        {
            throw root.Unsupported(ModelRules.ConfigRope, "'rope_parameters' differ by type of layer: "
                + string.Join(", ", nested.Select(member => ConfigObject.Quote(member.Name))),
                "Give a model with one rotary embedding for all layers");
        }
        return new ConfigObject(root.Path, nested[0].Value);
    }

    // Of two places that differ none is right.
    private static void Agree(ConfigObject root, ConfigObject? parameters)
    {
        if (parameters is not { } place)
            return;
        if (!place.Element.EnumerateObject().Any() && !root.States("rope_theta"))
            throw root.Error(ModelRules.ConfigRope, "'rope_parameters' is empty, and the file has no 'rope_theta'");
        foreach (string name in (string[])["rope_theta", "partial_rotary_factor"])
        {
            if (place.Has(name) && root.States(name) && place.Number(name, 0, MaxTheta) != root.Number(name, 0, MaxTheta))
                throw root.Error(ModelRules.ConfigRope, $"'{name}' of 'rope_parameters' is not that of the file",
                    "Keep the one that the model was trained with");
        }
        if (root.Object("rope_scaling") is { } scaling
            && (TypeOf(scaling) != TypeOf(place) || scaling.Element.EnumerateObject().Any(member =>
            place.Element.TryGetProperty(member.Name, out JsonElement other) && !JsonElement.DeepEquals(member.Value, other))))
        {
            throw root.Error(ModelRules.ConfigRope, "'rope_scaling' and 'rope_parameters' differ",
                "Keep the one that the model was trained with");
        }
    }

    private static string TypeOf(ConfigObject scaling) => scaling.Text("rope_type") ?? scaling.Text("type") ?? "default";

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

    private static RopeConfig ReadScaled(ConfigObject root, ConfigObject scaling, RopeRules rules, bool mayBeNone, double theta, int rotary,
        int maxPositions)
    {
        string? type = scaling.Text("rope_type") ?? scaling.Text("type");
        if (type is "default" || type is null && mayBeNone)
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
            "yarn" => ReadYarn(root, scaling, theta, rotary, maxPositions),
            "llama3" => ReadLlama3(scaling, theta, rotary),
            "longrope" => ReadLongRope(root, scaling, theta, rotary, maxPositions),
            _ => throw Unsupported(root, rules, ConfigObject.Quote(type)),
        };
    }

    private static RopeConfig ReadLlama3(ConfigObject scaling, double theta, int rotary)
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
            OriginalMaxPositions = scaling.Integer("original_max_position_embeddings", 1, int.MaxValue),
        };
    }

    private static RopeConfig ReadYarn(ConfigObject root, ConfigObject scaling, double theta, int rotary, int maxPositions)
    {
        const string Original = "original_max_position_embeddings";
        int original = (root.Has(Original) ? root : scaling).Integer(Original, 2, int.MaxValue, maxPositions);
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

    private static RopeConfig ReadLongRope(ConfigObject root, ConfigObject scaling, double theta, int rotary, int maxPositions)
    {
        const string Original = "original_max_position_embeddings";
        int half = rotary / 2;
        bool given = root.Has(Original) || scaling.Has(Original);
        int original = given ? (root.Has(Original) ? root : scaling).Integer(Original, 2, int.MaxValue) : maxPositions;
        double factor = given ? (double)maxPositions / original : scaling.Number("factor", MinFactor, MaxFactor);
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
