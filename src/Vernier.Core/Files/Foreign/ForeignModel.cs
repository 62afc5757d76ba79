using System.Text.Json;
using Vernier.Errors;
using Vernier.Files.Checkpoints;

namespace Vernier.Files.Foreign;

/// <summary>
/// A model that another tool quantized: what its codes stand for, by the tool that <c>quantization_config</c> names.
/// docs/formats/foreign.md
/// defines the formats.
/// </summary>
internal sealed class ForeignModel
{
    /// <summary>The member of config.json that names the tool.</summary>
    public const string Member = "quantization_config";

    private static readonly Dictionary<string, Action<ForeignReader>> s_formats = new(StringComparer.Ordinal)
    {
        ["awq"] = AwqFormat.Read, ["bitnet"] = BitNetFormat.Read, ["bitsandbytes"] = BitsAndBytesFormat.Read,
        ["compressed-tensors"] = CompressedTensorsFormat.Read, ["fp8"] = Fp8Format.Read, ["gptq"] = GptqFormat.Read,
        ["mxfp4"] = Mxfp4Format.Read,
    };

    private readonly ForeignReader _reader;

    private ForeignModel(ForeignReader reader) => _reader = reader;

    /// <summary>The values of <c>quant_method</c> that are read.</summary>
    public static IReadOnlyCollection<string> Methods => s_formats.Keys;

    /// <summary>What the user should know, a line each.</summary>
    public IReadOnlyCollection<string> Notes => _reader.Notes;

    /// <summary>The weights whose layers round their inputs to 8 bits a row.</summary>
    public IReadOnlySet<string> RoundedInputs => _reader.RoundedInputs;

    /// <summary>The members of which nothing is known.</summary>
    public IReadOnlyList<string> NotUnderstood => [.. _reader.Config.Unknown.Select(name => $"{Member}.{name}")];

    /// <summary>Reads a description, and finds the weights.</summary>
    /// <param name="checkpoint">The tensors as they are stored, which stay as they are.</param>
    /// <param name="config">The object of config.json.</param>
    /// <param name="path">The path of config.json, for messages.</param>
    /// <returns>The model; null where no tool is named, or one that is not read here.</returns>
    /// <exception cref="InvalidFileException">The description or a tensor breaks a rule of <see cref="ForeignRules"/>.</exception>
    /// <exception cref="UnsupportedModelException">It asks for what is not done here.</exception>
    public static ForeignModel? Read(Checkpoint checkpoint, JsonElement config, string path)
    {
        if (!config.TryGetProperty(Member, out JsonElement element) || element.ValueKind != JsonValueKind.Object
            || MethodOf(element) is not string method || !s_formats.TryGetValue(method, out Action<ForeignReader>? read))
            return null;
        var reader = new ForeignReader(checkpoint, new ForeignConfig(element, path));
        read(reader);
        foreach (TensorInfo tensor in checkpoint.Tensors)
        {
            // What is left of codes would be taken for weights.
            if (!tensor.Type.IsFloat() && tensor.Shape.Count >= 2 && tensor.Name.EndsWith("weight", StringComparison.Ordinal)
                && !reader.Parts.Contains(tensor.Name))
                throw new InvalidFileException(checkpoint.FileOf(tensor), ForeignRules.PartMissing,
                    $"it is of type {tensor.Type}, and nothing says what its codes stand for", ForeignConfig.Remedy, tensor.Name);
        }
        // Floats that the tool would only round as it loads them are another model to it than to us.
        if (reader.Weights.Count == 0 && method is ("awq" or "bitsandbytes" or "gptq" or "mxfp4"))
            throw new InvalidFileException(path, ForeignRules.PartMissing,
                $"'{Member}' names '{method}', and no tensor holds its codes", "Give the model that the tool wrote, or remove the member");
        return new ForeignModel(reader);
    }

    /// <summary>Shows the weights in the place of their codes.</summary>
    /// <param name="checkpoint">The checkpoint that was read.</param>
    public void Show(Checkpoint checkpoint)
    {
        if (_reader.Weights.Count == 0)
            return;
        ILookup<string, ForeignWeight> weights = _reader.Weights.Values.ToLookup(weight => weight.Codes.Name, StringComparer.Ordinal);
        checkpoint.Wrap(file => new ForeignFile(file, weights, _reader.Parts));
    }

    private static string? MethodOf(JsonElement element)
    {
        if (element.TryGetProperty("quant_method", out JsonElement method) && method.ValueKind != JsonValueKind.Null)
            return method.ValueKind == JsonValueKind.String ? method.GetString() : null;
        return element.TryGetProperty("load_in_4bit", out _) || element.TryGetProperty("load_in_8bit", out _) ? "bitsandbytes" : null;
    }
}
