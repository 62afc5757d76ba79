using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Vernier.Errors;
using Vernier.Files;
using Vernier.Files.Checkpoints;
using Vernier.Files.Gguf;
using Vernier.Files.Tokenizers;

namespace Vernier.Inference.Gguf;

/// <summary>
/// A MODEL as commands take it, a Hugging Face folder or a GGUF file, through one set of eyes: tensors under Hugging Face names, config.json, tokenizer.
/// </summary>
public static class ModelSource
{
    private const long MaxTokenizerBytes = 256L << 20, MaxSettingsBytes = 16L << 20;

    private static readonly JsonSerializerOptions s_json = new() { WriteIndented = true, NewLine = "\n", Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Whether the model is a GGUF file: it begins as one, or its name says so.</summary>
    public static bool IsGguf(string model) => File.Exists(model) && (model.EndsWith(".gguf", StringComparison.OrdinalIgnoreCase) || GgufFile.Is(model));

    /// <summary>Opens the tensors of a model.</summary>
    /// <exception cref="InvalidFileException">A file is missing or invalid, or a GGUF file holds a model that does not run here.</exception>
    public static Checkpoint OpenCheckpoint(string model)
    {
        if (!IsGguf(model))
            return Checkpoint.Open(model);
        GgufFile file = GgufFile.Open(model);
        try
        {
            ModelConfig config = ModelConfigReader.Read(Serialize(GgufModel.ConfigOf(file)), model);
            return Checkpoint.Of(new GgufTensorSource(file, config, GgufModel.WidenedOf(file)), model);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>The tokenizer of a model.</summary>
    /// <exception cref="InvalidFileException">It is missing or invalid, or can't be represented here.</exception>
    public static Tokenizer LoadTokenizer(string model)
    {
        if (!IsGguf(model))
            return Tokenizer.Load(model);
        using GgufFile file = GgufFile.Open(model);
        (JsonObject tokenizer, JsonObject settings) = GgufModel.TokenizerOf(file);
        return Tokenizer.Parse(Serialize(tokenizer), Serialize(settings), model);
    }

    /// <summary>The text of a model's config.json; for a GGUF file that which <c>vernier export --to hf</c> writes.</summary>
    /// <exception cref="InvalidFileException">It is missing, too large, no JSON object, or a GGUF file holds a model that does not run here.</exception>
    public static byte[] ReadConfig(string model)
    {
        if (!IsGguf(model))
            return Serialize(ReadObject(Path.Combine(model, "config.json"), ModelConfig.MaxFileBytes));
        using GgufFile file = GgufFile.Open(model);
        return Serialize(GgufModel.ConfigOf(file));
    }

    /// <summary>The files that accompany the weights of a GGUF file in a Hugging Face folder, config.json excepted: their names and texts.</summary>
    /// <exception cref="InvalidFileException">The tokenizer can't be represented.</exception>
    public static IReadOnlyList<(string Name, byte[] Text)> Companions(string model)
    {
        using GgufFile file = GgufFile.Open(model);
        (JsonObject tokenizer, JsonObject settings) = GgufModel.TokenizerOf(file);
        return [("tokenizer.json", Serialize(tokenizer)), ("tokenizer_config.json", Serialize(settings))];
    }

    /// <summary>The type and the bytes that a tensor has in its file: a GGUF file's blocks are read as single precision.</summary>
    public static (string Type, long Bytes) Stored(Checkpoint checkpoint, TensorInfo tensor)
    {
        ArgumentNullException.ThrowIfNull(checkpoint);
        ArgumentNullException.ThrowIfNull(tensor);
        return checkpoint.Files[0] is GgufTensorSource source && source.Stored(tensor.Name) is GgufTensor stored ? (stored.Type.Name, stored.Bytes) : (tensor.Type.ToString(), tensor.Bytes);
    }

    /// <summary>The JSON of a folder or a file, ready for an export.</summary>
    internal static ModelTexts ReadTexts(string model)
    {
        if (IsGguf(model))
        {
            using GgufFile file = GgufFile.Open(model);
            return GgufModel.ToTexts(file);
        }
        string settings = Path.Combine(model, "tokenizer_config.json"), template = Path.Combine(model, "chat_template.jinja"), tokenizer = Path.Combine(model, "tokenizer.json");
        Tokenizer.Load(model);
        return new ModelTexts(
            ReadObject(Path.Combine(model, "config.json"), ModelConfig.MaxFileBytes),
            ReadObject(tokenizer, MaxTokenizerBytes),
            File.Exists(settings) ? ReadObject(settings, MaxSettingsBytes) : [],
            File.Exists(template) ? File.ReadAllText(template) : null,
            tokenizer);
    }

    internal static byte[] Serialize(JsonNode node) => JsonSerializer.SerializeToUtf8Bytes(node, s_json);

    private static JsonObject ReadObject(string path, long maxBytes)
    {
        using JsonDocument document = StrictJson.Parse(path, maxBytes);
        return document.RootElement.ValueKind == JsonValueKind.Object ? JsonObject.Create(document.RootElement.Clone())!
            : throw new InvalidFileException(path, ModelRules.ConfigType, "the file is not a JSON object", "Download the file again");
    }
}

/// <summary>The texts of a model.</summary>
/// <param name="Config">config.json.</param>
/// <param name="Tokenizer">tokenizer.json.</param>
/// <param name="Settings">tokenizer_config.json.</param>
/// <param name="ChatTemplate">chat_template.jinja, or null.</param>
/// <param name="Path">The file that errors of the tokenizer name.</param>
internal sealed record ModelTexts(JsonObject Config, JsonObject Tokenizer, JsonObject Settings, string? ChatTemplate, string Path);
