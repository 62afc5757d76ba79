using System.Text.Json;
using Vernier.Errors;

namespace Vernier.Files.Tokenizers.Rules;

/// <summary>A value of a JSON file with the place where it stands, so that errors can name both.</summary>
/// <param name="Element">The value.</param>
/// <param name="File">The path of the file.</param>
/// <param name="Path">The place in the file, such as <c>pre_tokenizer.pretokenizers[1]</c>; empty for the whole.</param>
internal readonly record struct JsonField(JsonElement Element, string File, string Path)
{
    private const string Repair = "Download the tokenizer again";

    /// <summary>The longest literal text a component may put in, in UTF-16 units.</summary>
    private const int MaxText = 256;

    /// <summary>The most parts of a sequence.</summary>
    private const int MaxParts = 32;

    /// <summary>A member, or null where it is absent or null.</summary>
    public JsonField? Find(string name)
    {
        if (Element.ValueKind != JsonValueKind.Object)
            throw Wrong("an object");
        if (!Element.TryGetProperty(name, out JsonElement value) || value.ValueKind == JsonValueKind.Null)
            return null;
        string place = Path.Length == 0 ? name : $"{Path}.{name}";
        return BareNumbers.NameOf(value) is string number ? throw BareNumbers.Refuse(File, $"'{place}'", number)
            : new JsonField(value, File, place);
    }

    /// <summary>A member that must be there.</summary>
    public JsonField Get(string name) =>
        Find(name) ?? throw Error(TokenizerRules.MissingField, $"'{name}' is missing", Repair);

    /// <summary>The elements of an array.</summary>
    public IEnumerable<JsonField> Items()
    {
        if (Element.ValueKind != JsonValueKind.Array)
            throw Wrong("an array");
        int index = 0;
        foreach (JsonElement item in Element.EnumerateArray())
            yield return new JsonField(item, File, $"{Path}[{index++}]");
    }

    /// <summary>The parts of a component that is a sequence, and of the sequences in it, of which there may be 32.</summary>
    /// <param name="name">The member that lists the parts of a sequence.</param>
    public List<JsonField> Parts(string name)
    {
        var parts = new List<JsonField>();
        AddParts(name, parts);
        return parts.Count <= MaxParts ? parts
            : throw Error(TokenizerRules.TooManyParts, $"there are {parts.Count} parts, and at most {MaxParts} are read", Repair);
    }

    private void AddParts(string name, List<JsonField> parts)
    {
        if (Get("type").AsString() != "Sequence")
        {
            parts.Add(this);
            return;
        }
        foreach (JsonField part in Get(name).Items())
            part.AddParts(name, parts);
    }

    /// <summary>A text.</summary>
    public string AsString() =>
        Element.ValueKind == JsonValueKind.String ? Element.GetString()! : throw Wrong("a text");

    /// <summary>A text of at most 256 UTF-16 units.</summary>
    public string AsShortString()
    {
        string text = AsString();
        return text.Length <= MaxText ? text
            : throw Error(TokenizerRules.TextTooLong, $"the text is {text.Length} characters long, and at most {MaxText} are accepted",
                Repair);
    }

    /// <summary>A single code point.</summary>
    public string AsCharacter()
    {
        string text = AsShortString();
        return text.Length > 0 && text.Length == (char.IsHighSurrogate(text[0]) ? 2 : 1) ? text : throw Wrong("a single character");
    }

    /// <summary>An integer, 0 to 2^31 - 1.</summary>
    public int AsInteger() =>
        Element.ValueKind == JsonValueKind.Number && Element.TryGetInt32(out int value) && value >= 0 ? value
            : throw Wrong("an integer that isn't negative");

    /// <summary>A truth value.</summary>
    public bool AsBoolean() => Element.ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        _ => throw Wrong("true or false"),
    };

    /// <summary>A member that is a truth value, or the default where it is absent or null.</summary>
    public bool Flag(string name, bool missing = false) => Find(name) is { } field ? field.AsBoolean() : missing;

    /// <summary>An error about this value.</summary>
    public InvalidFileException Error(string rule, string problem, string remedy) =>
        new(File, rule, Path.Length == 0 ? problem : $"{Path}: {problem}", remedy);

    /// <summary>The error that this component isn't supported.</summary>
    public InvalidFileException Unsupported(string rule, string problem) =>
        Error(rule, problem, "Use a model with another tokenizer, or save this one with the components that docs/formats/tokenizer.md "
            + "lists");

    /// <summary>The error that this value should be something else.</summary>
    public InvalidFileException Wrong(string expected) =>
        Error(TokenizerRules.WrongType, $"this should be {expected}", Repair);
}
