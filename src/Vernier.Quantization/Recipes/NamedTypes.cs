using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;

namespace Vernier.Quantization.Recipes;

/// <summary>
/// Records that share a base and are told apart in JSON by a member that names them, {"kind": "power", "exponent": 0.5}. Others can be
/// added at any time. A name and a member that are not
/// known are refused, with those that are.
/// </summary>
/// <param name="discriminator">The member that names the record.</param>
/// <param name="noun">What a record is, in messages.</param>
internal sealed class NamedTypes<TBase>(string discriminator, string noun) : JsonConverter<TBase>
    where TBase : class
{
    private readonly Lock _lock = new();
    private readonly List<(string Name, Type Type, Func<TBase> Create)> _types = [];

    /// <summary>The names, in the order in which they were added.</summary>
    public IReadOnlyList<string> Names
    {
        get
        {
            lock (_lock)
                return _types.ConvertAll(entry => entry.Name);
        }
    }

    /// <summary>Adds a record.</summary>
    /// <exception cref="ArgumentException">The name, or the record, is there already.</exception>
    public void Add<T>(string name)
        where T : TBase, new()
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        lock (_lock)
        {
            if (_types.Exists(entry => entry.Name == name || entry.Type == typeof(T)))
                throw new ArgumentException($"the {noun} '{name}', or its record, is there already", nameof(name));
            _types.Add((name, typeof(T), () => new T()));
        }
    }

    /// <summary>The name of a record.</summary>
    /// <exception cref="ArgumentException">It was not added.</exception>
    public string NameOf(Type type) => Find(entry => entry.Type == type)?.Name
        ?? throw new ArgumentException($"the {noun} {type.Name} is not registered", nameof(type));

    /// <summary>A record with its defaults.</summary>
    /// <exception cref="ArgumentException">There is none of that name.</exception>
    public TBase Create(string name) => Find(entry => entry.Name == name)?.Create()
        ?? throw new ArgumentException(Unknown(name), nameof(name));

    /// <inheritdoc/>
    public override TBase Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        if (JsonNode.Parse(ref reader) is not JsonObject members)
            throw new JsonException($"a {noun} is an object");
        if (HasTwice(members))
            throw new JsonException($"a {noun} has a member twice");
        if (members[discriminator] is not JsonValue value || value.GetValueKind() != JsonValueKind.String)
            throw new JsonException($"a {noun} has no '{discriminator}'");
        string name = value.GetValue<string>();
        Type type = Find(entry => entry.Name == name)?.Type ?? throw new JsonException(Unknown(name));
        members.Remove(discriminator);
        string[] known = [.. options.GetTypeInfo(type).Properties.Where(property => property.Set is not null)
            .Select(property => property.Name)];
        if (members.Select(member => member.Key).FirstOrDefault(member => !known.Contains(member, StringComparer.Ordinal)) is string other)
            throw new JsonException(
                $"the {noun} '{name}' has no member '{other}'{(known.Length == 0 ? "" : $". It has: {string.Join(", ", known)}")}");
        return (TBase)members.Deserialize(options.GetTypeInfo(type))!;
    }

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, TBase value, JsonSerializerOptions options)
    {
        writer.WriteStartObject();
        writer.WriteString(discriminator, NameOf(value.GetType()));
        foreach ((string name, JsonNode? member) in JsonSerializer.SerializeToNode(value, options.GetTypeInfo(value.GetType()))!.AsObject())
        {
            writer.WritePropertyName(name);
            if (member is null)
                writer.WriteNullValue();
            else
                member.WriteTo(writer, options);
        }
        writer.WriteEndObject();
    }

    // The members are looked at when they are first asked for.
    private static bool HasTwice(JsonObject members)
    {
        try
        {
            return members.Count < 0;
        }
        catch (ArgumentException)
        {
            return true;
        }
    }

    private (string Name, Type Type, Func<TBase> Create)? Find(Predicate<(string Name, Type Type, Func<TBase> Create)> match)
    {
        lock (_lock)
        {
            int at = _types.FindIndex(match);
            return at < 0 ? null : _types[at];
        }
    }

    private string Unknown(string name) => $"there is no {noun} '{name}'. There are: {string.Join(", ", Names)}";
}
