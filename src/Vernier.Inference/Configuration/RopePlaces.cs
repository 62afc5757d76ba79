using System.Text.Json;
using Vernier.Errors;

namespace Vernier.Inference.Configuration;

/// <summary>
/// The places of a config.json that say something of the rotary embedding: the root, <c>rope_scaling</c>, and <c>rope_parameters</c>, which
/// newer files have for both. Of two that differ none is right; what a family has as a default counts where none of them says anything.
/// </summary>
internal sealed class RopePlaces
{
    private const string Theta = "rope_theta", Partial = "partial_rotary_factor", Original = "original_max_position_embeddings";

    private static readonly string[] s_shared = ["type", "rope_type", Theta, Partial, Original];

    private readonly ConfigObject _root;
    private readonly (string Name, ConfigObject Object)[] _inner;

    /// <summary>Finds the places.</summary>
    /// <param name="root">The object of config.json.</param>
    /// <param name="layerType">The type of layers, where the file may have an embedding for each; null where all are the same.</param>
    /// <exception cref="InvalidFileException">Two of them differ.</exception>
    /// <exception cref="UnsupportedModelException">The embedding differs by the type of layer.</exception>
    public RopePlaces(ConfigObject root, string? layerType)
    {
        _root = root;
        ConfigObject? parameters = Parameters(root, layerType), scaling = root.Object("rope_scaling");
        Scaling = scaling ?? parameters;
        HasParameters = parameters is not null;
        _inner = [.. new (string, ConfigObject?)[] { ("'rope_scaling'", scaling), ("'rope_parameters'", parameters) }
            .Where(place => place.Item2 is not null).Select(place => (place.Item1, place.Item2!.Value))];
        if (parameters is { } place && !place.Element.EnumerateObject().Any() && !root.States(Theta))
            throw root.Error(ModelRules.ConfigRope, "'rope_parameters' is empty, and the file has no 'rope_theta'");
        foreach ((_, ConfigObject one) in _inner)
        {
            if (one.Text("type") is string type && one.Text("rope_type") is string other && type != other)
                throw Differ($"'type' and 'rope_type' of the rotary embedding are {ConfigObject.Quote(type)} and "
                    + ConfigObject.Quote(other));
        }
        if (scaling is { } old && parameters is { } young && (TypeOf(old) != TypeOf(young) || Names(old).Union(Names(young))
            .Any(name => !AreEqual(old, young, name))))
            throw Differ("'rope_scaling' and 'rope_parameters' differ");
    }

    /// <summary>The object that says how frequencies are scaled, or null.</summary>
    public ConfigObject? Scaling { get; }

    /// <summary>Whether there are <c>rope_parameters</c>, which say no type where they scale nothing.</summary>
    public bool HasParameters { get; }

    /// <summary>Whether the root has the context of the first training, be it with null.</summary>
    public bool RootMentionsOriginal => _root.Mentions(Original);

    /// <summary>The base of the frequencies.</summary>
    public double ReadTheta(double above, double maximum, double absent) => Agreed(Theta, above, maximum) ?? absent;

    /// <summary>The part of a head that is rotated.</summary>
    public double ReadPartial(double absent) => Agreed(Partial, 0, 1) ?? absent;

    /// <summary>The context of the first training, or null.</summary>
    public int? ReadOriginal(int minimum) => Agreed<int>(Original, place => place.Integer(Original, minimum, int.MaxValue));

    private double? Agreed(string name, double above, double maximum) =>
        Agreed<double>(name, place => place.Number(name, above, maximum));

    private T? Agreed<T>(string name, Func<ConfigObject, T> read)
        where T : struct
    {
        List<(string Place, T Value)> given = [.. _inner.Where(place => place.Object.Has(name))
            .Select(place => (place.Name, read(place.Object)))];
        if (_root.States(name) || given.Count == 0 && _root.Has(name))
            given.Insert(0, ("the file", read(_root)));
        foreach ((string place, T value) in given.Skip(1))
        {
            if (!value.Equals(given[0].Value))
                throw Differ($"'{name}' of {place} is not that of {given[0].Place}");
        }
        return given.Count > 0 ? given[0].Value : null;
    }

    private InvalidFileException Differ(string problem) =>
        _root.Error(ModelRules.ConfigRope, problem, "Keep the one that the model was trained with");

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

    private static string TypeOf(ConfigObject scaling) => scaling.Text("rope_type") ?? scaling.Text("type") ?? "default";

    private static IEnumerable<string> Names(ConfigObject place) => place.Element.EnumerateObject()
        .Where(member => member.Value.ValueKind != JsonValueKind.Null).Select(member => member.Name).Except(s_shared);

    private static bool AreEqual(ConfigObject one, ConfigObject other, string name) =>
        one.Element.TryGetProperty(name, out JsonElement value) && other.Element.TryGetProperty(name, out JsonElement same)
        && JsonElement.DeepEquals(value, same);
}
