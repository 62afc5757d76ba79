using Vernier.Errors;
using Vernier.Files.Gguf;

namespace Vernier.Inference.Gguf;

/// <summary>The metadata of a file, read with their types checked.</summary>
internal sealed class GgufMetadata(IReadOnlyDictionary<string, GgufValue> pairs, string path)
{
    public string Path => path;

    public IReadOnlyDictionary<string, GgufValue> Pairs => pairs;

    public bool Has(string key) => pairs.ContainsKey(key);

    public long? Integer(string key) => !pairs.TryGetValue(key, out GgufValue? value) ? null
        : value.AsInteger() ?? throw Wrong(key, "a whole number");

    public long NeedInteger(string key) => Integer(key) ?? throw Missing(key);

    public double? Number(string key) => !pairs.TryGetValue(key, out GgufValue? value) ? null
        : value.AsNumber() ?? throw Wrong(key, "a number");

    /// <summary>A number as the shortest decimal that stands for it in its own precision: 1e-5 rather than 9.99999974737875e-06.</summary>
    public double? Decimal(string key) => Number(key) is double number && pairs[key].Data is float single
        ? float.IsFinite(single) ? double.Parse(single.ToString("R")) : number : Number(key);

    public string? Text(string key) => !pairs.TryGetValue(key, out GgufValue? value) ? null
        : value.Data as string ?? throw Wrong(key, "a text");

    public bool? Flag(string key) => !pairs.TryGetValue(key, out GgufValue? value) ? null
        : value.Data is bool flag ? flag : throw Wrong(key, "a truth value");

    public T[]? Array<T>(string key) => !pairs.TryGetValue(key, out GgufValue? value) ? null
        : value.Data as T[] ?? throw Wrong(key, $"an array of {typeof(T).Name}");

    public InvalidFileException Missing(string key) => new(path, GgufModelRules.MetadataMissing, $"'{key}' is missing", "Convert the model again with a current version of llama.cpp");

    public InvalidFileException Wrong(string key, string expected) => new(path, GgufModelRules.MetadataType, $"'{key}' is {pairs[key].Type}, not {expected}", "Convert the model again with a current version of llama.cpp");
}
