using System.Text.Json;

namespace Vernier.Tests.References;

/// <summary>
/// The rotary embedding of a config.json, from all places where the versions of the library have it: <c>rope_theta</c> and others at the
/// root, <c>rope_scaling</c>, <c>rope_parameters</c>. Places that say different things can't be computed.
/// </summary>
internal static class ReferenceRope
{
    private static readonly string[] s_shared = ["rope_theta", "partial_rotary_factor", "original_max_position_embeddings"];

    /// <summary>Adds the embedding to a network.</summary>
    public static TinySpec Apply(TinySpec spec, ReferenceFamily family, ReferenceObject root)
    {
        ReferenceObject[] places = [.. new[] { root.Object("rope_scaling"), Parameters(root) }.OfType<ReferenceObject>()];
        double theta = Agreed(root, places, "rope_theta") ?? 10000, partial = Agreed(root, places, "partial_rotary_factor") ?? 1;
        if (!family.Partial && partial != 1 || partial > 1)
            throw new ReferenceRefusal("partial_rotary_factor");
        int rotary = (int)(spec.HeadSize * partial);
        if (rotary < 2 || rotary % 2 != 0)
            throw new ReferenceRefusal("rotated coordinates");
        string[] types = [.. places.SelectMany(place => (string?[])[place.Text("rope_type"), place.Text("type")]).OfType<string>()
            .Distinct(StringComparer.Ordinal)];
        if (types.Length > 1)
            throw new ReferenceRefusal("two types of scaling");
        if (types.Length == 0 && root.Has("rope_scaling"))
            throw new ReferenceRefusal("a scaling of no type");
        foreach (string name in places.SelectMany(place => place.Members.Keys).Except(s_shared).Distinct(StringComparer.Ordinal))
            Same(places, name);
        spec = spec with { Rotary = rotary, Frequency = (i, _) => TinySpec.PlainFrequency(i, theta, rotary) };
        return types.Length == 0 || types[0] == "default" ? spec : Scaled(spec, family, root, places, types[0], theta);
    }

    private static TinySpec Scaled(TinySpec spec, ReferenceFamily family, ReferenceObject root, ReferenceObject[] places, string type,
        double theta)
    {
        if (!family.Scalings.Contains(type, StringComparer.Ordinal))
            throw new ReferenceRefusal($"the scaling {type}");
        double Need(string name) => Optional(places, name) ?? throw new ReferenceRefusal($"{name} is missing");
        int rotary = spec.Rotary;
        if (type == "linear")
        {
            double factor = Need("factor");
            return spec with { Frequency = (i, _) => TinySpec.PlainFrequency(i, theta, rotary) / factor };
        }
        if (type == "dynamic")
            return Dynamic(spec, root.Size("max_position_embeddings"), Need("factor"), theta);
        double? original = Agreed(root, places, "original_max_position_embeddings");
        if (family.OriginalPositions is int usual && !root.IsNull("original_max_position_embeddings"))
        {
            if (original is double said && said != usual && !root.Has("original_max_position_embeddings"))
                throw new ReferenceRefusal("the original context is that of the root, which has a default of its own");
            original ??= usual;
        }
        if (original is { } count && count != Math.Truncate(count))
            throw new ReferenceRefusal("part of a position");
        // In Phi-3 it is an older name of LongRoPE.
        if (type == "yarn" && family.Scalings.Contains("dynamic"))
            return Yarn(spec, root.Size("max_position_embeddings"), places, theta, original);
        if (type == "llama3")
        {
            double factor = Need("factor"), low = Need("low_freq_factor"), high = Need("high_freq_factor");
            double before = original ?? throw new ReferenceRefusal("no original context");
            if (high <= low)
                throw new ReferenceRefusal("a high factor below the low one");
            return spec with { Frequency = (i, _) => TinySpecs.Llama3(i, theta, rotary, factor, low, high, before) };
        }
        return LongRope(spec, root.Size("max_position_embeddings"), places, theta, original);
    }

    // The base grows with the length, once that is beyond the context.
    private static TinySpec Dynamic(TinySpec spec, int positions, double factor, double theta)
    {
        int rotary = spec.Rotary;
        return spec with
        {
            Frequency = (i, length) => TinySpec.PlainFrequency(i, length <= positions ? theta
                : theta * Math.Pow(factor * length / positions - (factor - 1), rotary / (rotary - 2.0)), rotary),
        };
    }

    // Frequencies that turn more than 32 times in the original context stay, those that turn less than once are divided by the factor.
    private static TinySpec Yarn(TinySpec spec, int positions, ReferenceObject[] places, double theta, double? given)
    {
        double original = given ?? positions, factor = Optional(places, "factor") ?? positions / original;
        if (original < 2 || places.Any(place => place.Members.Keys.Any(name => name.Contains("beta", StringComparison.Ordinal)
            || name.Contains("mscale", StringComparison.Ordinal) || name == "truncate")))
            throw new ReferenceRefusal("a YaRN of other parameters");
        return Yarn(spec, factor, original, theta, Optional(places, "attention_factor") ?? (factor <= 1 ? 1 : 0.1 * Math.Log(factor) + 1));
    }

    /// <summary>YaRN with its usual borders.</summary>
    public static TinySpec Yarn(TinySpec spec, double factor, double original, double theta, double amplitude)
    {
        double rotary = spec.Rotary, low = Math.Max(Math.Floor(Turns(32)), 0), high = Math.Min(Math.Ceiling(Turns(1)), rotary - 1);
        return spec with
        {
            Amplitude = amplitude,
            Frequency = (i, _) => TinySpec.PlainFrequency(i, theta, spec.Rotary) is var f ? f / factor * Ramp(i) + f * (1 - Ramp(i)) : 0,
        };

        double Turns(double count) => rotary * Math.Log(original / (count * 2 * Math.PI)) / (2 * Math.Log(theta));
        double Ramp(int i) => Math.Clamp((i - low) / (high == low ? 0.001 : high - low), 0, 1);
    }

    // The factor is that of the two contexts; one that is given beside them must be the same.
    private static TinySpec LongRope(TinySpec spec, int positions, ReferenceObject[] places, double theta, double? given)
    {
        int half = spec.Rotary / 2, rotary = spec.Rotary;
        double[] shorter = Lists(places, "short_factor", half), longer = Lists(places, "long_factor", half);
        double original = given ?? positions;
        double? factor = Optional(places, "factor"), amplitude = Optional(places, "attention_factor");
        if (given is not null)
        {
            double ratio = positions / original;
            if (amplitude is null && factor is double other && Math.Abs(other - ratio) > 1e-6 * ratio)
                throw new ReferenceRefusal("a factor that is not that of the contexts");
            factor = ratio;
        }
        if (original < 2)
            throw new ReferenceRefusal("an original context of one token");
        amplitude ??= factor switch
        {
            null => throw new ReferenceRefusal("no factor"),
            <= 1 => 1,
            double f => Math.Sqrt(1 + Math.Log(f) / Math.Log(original)),
        };
        return spec with
        {
            Amplitude = amplitude.Value,
            Frequency = (i, length) => TinySpec.PlainFrequency(i, theta, rotary) / (length > original ? longer : shorter)[i],
        };
    }

    // One object for each type of layer is as one where all are the same.
    private static ReferenceObject? Parameters(ReferenceObject root)
    {
        if (root.Object("rope_parameters") is not { } parameters)
            return null;
        JsonElement[] nested = [.. parameters.Members.Values.Where(value => value.ValueKind == JsonValueKind.Object)];
        if (nested.Length == 0)
            return parameters;
        if (nested.Length != parameters.Members.Count || nested.Any(other => !JsonElement.DeepEquals(other, nested[0])))
            throw new ReferenceRefusal("rope_parameters by type of layer");
        return new ReferenceObject(nested[0]);
    }

    private static double? Agreed(ReferenceObject root, ReferenceObject[] places, string name) => Optional([root, .. places], name);

    private static double? Optional(IReadOnlyList<ReferenceObject> places, string name)
    {
        double[] given = [.. places.Where(place => place.Has(name)).Select(place => place.Number(name)).Distinct()];
        return given.Length > 1 ? throw new ReferenceRefusal($"{name} is said twice") : given.Length == 1 ? given[0] : null;
    }

    private static double[] Lists(ReferenceObject[] places, string name, int count)
    {
        Same(places, name);
        return places.FirstOrDefault(place => place.Has(name))?.Numbers(name, count) ?? throw new ReferenceRefusal($"{name} is missing");
    }

    private static void Same(ReferenceObject[] places, string name)
    {
        JsonElement[] given = [.. places.Where(place => place.Has(name)).Select(place => place.Members[name])];
        if (given.Length > 1 && !JsonElement.DeepEquals(given[0], given[1]))
            throw new ReferenceRefusal($"{name} is said twice");
    }
}
