using Vernier.Errors;

namespace Vernier.Inference;

/// <summary>
/// Reads the rotary embedding from <c>rope_theta</c> and <c>rope_scaling</c>, or from <c>rope_parameters</c>, which newer
/// files have for both.
/// </summary>
internal static class RopeConfigReader
{
    private const double MinTheta = 1e-6;
    private const double MaxTheta = 1e15;
    private const double MinFactor = 1e-6;
    private const double MaxFactor = 1e6;

    public static RopeConfig Read(ConfigObject root, ModelFamily family, int headSize, int maxPositions)
    {
        ConfigObject? parameters = root.Object("rope_parameters");
        ConfigObject? scaling = root.Object("rope_scaling") ?? parameters;
        ConfigObject thetaFrom = parameters is { } p && p.Has("rope_theta") ? p : root;
        ConfigObject partialFrom = parameters is { } q && q.Has("partial_rotary_factor") ? q : root;
        double partial = partialFrom.Number("partial_rotary_factor", 0, 1, 1);
        if (family != ModelFamily.Phi3 && partial != 1)
            throw root.Error(ModelRules.ConfigRope, $"'partial_rotary_factor' is {partial}, which only phi3 has");
        int rotary = (int)(headSize * partial);
        if (rotary < 2 || rotary % 2 != 0)
            throw root.Error(ModelRules.ConfigRope, $"{rotary} coordinates of each head are rotated; the number must be even and at least 2");
        var rope = new RopeConfig { Theta = thetaFrom.Number("rope_theta", MinTheta, MaxTheta, 10000), RotarySize = rotary };
        if (scaling is not { } s)
            return rope;
        switch (s.Text("rope_type") ?? s.Text("type"))
        {
            case "default":
            case null when parameters is not null:
                return rope;
            case "linear" when family != ModelFamily.Phi3:
                return rope with { Scaling = RopeScaling.Linear, Factor = s.Number("factor", MinFactor, MaxFactor) };
            case "llama3" when family != ModelFamily.Phi3:
                return ReadLlama3(s, rope);
            case "longrope":
            case "su" or "yarn" when family == ModelFamily.Phi3:
                return ReadLongRope(root, s, rope, maxPositions);
            case { } other:
                throw Unsupported(root, family, ConfigObject.Quote(other));
            case null:
                throw Unsupported(root, family, "of no type");
        }
    }

    private static RopeConfig ReadLlama3(ConfigObject scaling, RopeConfig rope)
    {
        double low = scaling.Number("low_freq_factor", MinFactor, MaxFactor);
        double high = scaling.Number("high_freq_factor", MinFactor, MaxFactor);
        if (high <= low)
            throw scaling.Error(ModelRules.ConfigRope, $"'high_freq_factor', {high}, is not above 'low_freq_factor', {low}");
        return rope with
        {
            Scaling = RopeScaling.Llama3,
            Factor = scaling.Number("factor", MinFactor, MaxFactor),
            LowFrequencyFactor = low,
            HighFrequencyFactor = high,
            OriginalMaxPositions = scaling.Integer("original_max_position_embeddings", 1, int.MaxValue),
        };
    }

    private static RopeConfig ReadLongRope(ConfigObject root, ConfigObject scaling, RopeConfig rope, int maxPositions)
    {
        const string Original = "original_max_position_embeddings";
        int half = rope.RotarySize / 2;
        bool given = root.Has(Original) || scaling.Has(Original);
        int original = given ? (root.Has(Original) ? root : scaling).Integer(Original, 2, int.MaxValue) : maxPositions;
        double factor = given ? (double)maxPositions / original : scaling.Number("factor", MinFactor, MaxFactor);
        double attention = factor <= 1 ? 1 : Math.Sqrt(1 + Math.Log(factor) / Math.Log(Math.Max(original, 2)));
        return rope with
        {
            Scaling = RopeScaling.LongRope,
            OriginalMaxPositions = original,
            ShortFactors = scaling.Numbers("short_factor", half, MinFactor, MaxFactor) ?? throw scaling.Error(ModelRules.ConfigMissing, "'short_factor' is missing"),
            LongFactors = scaling.Numbers("long_factor", half, MinFactor, MaxFactor) ?? throw scaling.Error(ModelRules.ConfigMissing, "'long_factor' is missing"),
            AttentionFactor = scaling.Number("attention_factor", MinFactor, MaxFactor, attention),
        };
    }

    private static InvalidFileException Unsupported(ConfigObject root, ModelFamily family, string type) =>
        root.Error(ModelRules.ConfigRopeScaling, $"the rope scaling is {type}", family == ModelFamily.Phi3
            ? "Give a phi3 model without scaling or with longrope" : "Give a model without scaling or with linear, llama3 or longrope");
}
