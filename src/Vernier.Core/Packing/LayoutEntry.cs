using System.Text.Json;
using Vernier.Errors;

namespace Vernier.Packing;

/// <summary>The entry of a matrix in <c>quantization_config</c>, read strictly.</summary>
public sealed class LayoutEntry
{
    private readonly JsonProperty _entry;
    private readonly string _path;

    /// <summary>Wraps an entry and reads its shape.</summary>
    /// <param name="entry">The name of the matrix and what config.json says of it.</param>
    /// <param name="path">The path of config.json, for messages.</param>
    /// <exception cref="InvalidFileException">It is no object, or has no shape of two sizes.</exception>
    public LayoutEntry(JsonProperty entry, string path)
    {
        (_entry, _path) = (entry, path);
        if (entry.Value.ValueKind != JsonValueKind.Object || !entry.Value.TryGetProperty("shape", out JsonElement shape)
            || shape.ValueKind != JsonValueKind.Array || shape.GetArrayLength() != 2)
            throw Invalid("'shape' is not a list of two sizes");
        (Rows, Columns) = (Integer(shape[0], 1, int.MaxValue, "shape"), Integer(shape[1], 1, int.MaxValue, "shape"));
    }

    /// <summary>Output channels.</summary>
    public int Rows { get; }

    /// <summary>Input channels.</summary>
    public int Columns { get; }

    /// <summary>A whole number that has to be there.</summary>
    public int Integer(string name, int least, int most) =>
        _entry.Value.TryGetProperty(name, out JsonElement found) ? Integer(found, least, most, name)
            : throw Invalid($"'{name}' is missing");

    /// <summary>A whole number, or what stands for it where it is not there.</summary>
    public int Integer(string name, int least, int most, int absent) =>
        _entry.Value.TryGetProperty(name, out JsonElement found) ? Integer(found, least, most, name) : absent;

    /// <summary>True or false; false where it is not there.</summary>
    public bool Flag(string name) => _entry.Value.TryGetProperty(name, out JsonElement found) && found.ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        _ => throw Invalid($"'{name}' is neither true nor false"),
    };

    /// <summary>A text, or what stands for it where it is not there.</summary>
    public string Text(string name, string absent) => !_entry.Value.TryGetProperty(name, out JsonElement found) ? absent
        : found.ValueKind == JsonValueKind.String ? found.GetString()!
        : throw Invalid($"'{name}' is no text");

    /// <summary>What is wrong with the entry.</summary>
    public InvalidFileException Invalid(string problem, string remedy = "Quantize the model again") =>
        new(_path, "quantization-tensor", problem, remedy, _entry.Name);

    private int Integer(JsonElement element, int least, int most, string name) =>
        element.ValueKind == JsonValueKind.Number && element.TryGetInt32(out int number) && number >= least && number <= most
            ? number
            : throw Invalid($"'{name}' is not a whole number from {least} to {most}");
}
