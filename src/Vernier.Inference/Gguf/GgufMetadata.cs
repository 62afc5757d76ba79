using System.Diagnostics.CodeAnalysis;
using System.Text.Json.Nodes;
using Vernier.Errors;
using Vernier.Files.Gguf;

namespace Vernier.Inference.Gguf;

/// <summary>The metadata of a file, read with their types checked.</summary>
/// <param name="pairs">The metadata.</param>
/// <param name="path">The path of the file, for messages.</param>
public sealed class GgufMetadata(IReadOnlyDictionary<string, GgufValue> pairs, string path)
{
    internal const string ArchitectureKey = "general.architecture";

    /// <summary>The keys of the tokens that end a text: the last two are those of a turn and of a message.</summary>
    internal static readonly string[] EndKeys =
        ["tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id", "tokenizer.ggml.eom_token_id"];

    private readonly HashSet<string> _read = new(StringComparer.Ordinal);

    /// <summary>The path of the file, for messages.</summary>
    public string Path => path;

    /// <summary>The architecture.</summary>
    /// <exception cref="InvalidFileException">It is missing, or no text.</exception>
    public string Architecture => Text(ArchitectureKey) ?? throw Missing(ArchitectureKey);

    /// <summary>The metadata.</summary>
    public IReadOnlyDictionary<string, GgufValue> Pairs => pairs;

    /// <summary>The keys that were asked for.</summary>
    internal IReadOnlySet<string> Read => _read;

    /// <summary>Whether there is a value.</summary>
    public bool Has(string key) => Find(key, out _);

    /// <summary>A whole number, or null where absent.</summary>
    /// <exception cref="InvalidFileException">It is of another type.</exception>
    public long? Integer(string key) => !Find(key, out GgufValue? value) ? null
        : value.AsInteger() ?? throw Wrong(key, "a whole number");

    /// <summary>A whole number.</summary>
    /// <exception cref="InvalidFileException">It is missing, or of another type.</exception>
    public long NeedInteger(string key) => Integer(key) ?? throw Missing(key);

    /// <summary>A number, or null where absent.</summary>
    /// <exception cref="InvalidFileException">It is of another type.</exception>
    public double? Number(string key) => !Find(key, out GgufValue? value) ? null
        : value.AsNumber() ?? throw Wrong(key, "a number");

    /// <summary>A number as the shortest decimal that stands for it in its own precision: 1e-5 rather than 9.99999974737875e-06.</summary>
    /// <exception cref="InvalidFileException">It is of another type, or not finite.</exception>
    public double? Decimal(string key) => Number(key) is not double number ? null
        : !double.IsFinite(number) ? throw new InvalidFileException(path, GgufModelRules.MetadataType,
            $"'{key}' is {number}, not a finite number", "Convert the model again with a current version of llama.cpp")
        : pairs[key].Data is float single ? double.Parse(single.ToString("R")) : number;

    /// <summary>A text, or null where absent.</summary>
    /// <exception cref="InvalidFileException">It is of another type.</exception>
    public string? Text(string key) => !Find(key, out GgufValue? value) ? null
        : value.Data as string ?? throw Wrong(key, "a text");

    /// <summary>A truth value, or null where absent.</summary>
    /// <exception cref="InvalidFileException">It is of another type.</exception>
    public bool? Flag(string key) => !Find(key, out GgufValue? value) ? null
        : value.Data is bool flag ? flag : throw Wrong(key, "a truth value");

    /// <summary>An array, or null where absent.</summary>
    /// <typeparam name="T">The type of its elements.</typeparam>
    /// <exception cref="InvalidFileException">It is of another type.</exception>
    public T[]? Array<T>(string key) => !Find(key, out GgufValue? value) ? null
        : value.Data as T[] ?? throw Wrong(key, $"an array of {typeof(T).Name}");

    /// <summary>The error of a value that is missing.</summary>
    public InvalidFileException Missing(string key) =>
        new(path, GgufModelRules.MetadataMissing, $"'{key}' is missing", "Convert the model again with a current version of llama.cpp");

    /// <summary>The error of a value of the wrong type.</summary>
    public InvalidFileException Wrong(string key, string expected) =>
        new(path, GgufModelRules.MetadataType, $"'{key}' is {pairs[key].Type}, not {expected}",
        "Convert the model again with a current version of llama.cpp");

    /// <summary>Adds the tokens that begin and end a text to a config.json. The ends of a turn and of a message end a text as
    /// well.</summary>
    internal void AddTokens(JsonObject config)
    {
        if (Token("tokenizer.ggml.bos_token_id") is long begin)
            config["bos_token_id"] = begin;
        var end = new List<long>();
        foreach (string key in EndKeys)
        {
            if (Token(key) is long id && !end.Contains(id))
                end.Add(id);
        }
        if (end.Count > 0)
            config["eos_token_id"] = end.Count == 1 ? end[0] : new JsonArray([.. end.Select(id => JsonValue.Create(id))]);
    }

    private long? Token(string key)
    {
        int count = Array<string>(GgufTokenizer.Tokens)?.Length ?? int.MaxValue;
        return Integer(key) is not long id || id >= 0 && id < count ? Integer(key) : throw Wrong(key, $"a token from 0 to {count - 1}");
    }

    private bool Find(string key, [NotNullWhen(true)] out GgufValue? value)
    {
        _read.Add(key);
        return pairs.TryGetValue(key, out value);
    }
}
