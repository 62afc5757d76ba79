using System.Text.Json.Nodes;
using System.Text.Json;
using Vernier.Files;
using Vernier.Files.Checkpoints;
using Vernier.Files.Tokenizers;
using Vernier.Inference.Configuration;
using Vernier.Inference.Weights;
using Vernier.Numerics;

namespace Vernier.Inference.Models;

/// <summary>A Hugging Face folder.</summary>
internal sealed class FolderFormat : ModelFormat
{
    private const long MaxTokenizerBytes = 256L << 20, MaxSettingsBytes = 16L << 20;

    private static readonly string[] s_companions = [".json", ".txt", ".model", ".md", ".jinja", ".tiktoken", ".py"];

    private readonly string _folder;

    /// <summary>Opens the checkpoint and reads config.json.</summary>
    public FolderFormat(string folder)
    {
        _folder = folder;
        Checkpoint = Checkpoint.Open(folder);
        try
        {
            using JsonDocument document = StrictJson.ParseSettings(ConfigPath, ModelConfig.MaxFileBytes);
            Config = WithoutScales(ConfigObject.Of(document.RootElement, ConfigPath));
        }
        catch
        {
            Checkpoint.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public override ModelKind Kind => ModelKind.Folder;

    /// <inheritdoc/>
    public override Checkpoint Checkpoint { get; }

    /// <inheritdoc/>
    public override JsonElement Config { get; }

    /// <inheritdoc/>
    public override string ConfigPath => Path.Combine(_folder, "config.json");

    /// <inheritdoc/>
    public override IEnumerable<string> Files
    {
        get
        {
            IEnumerable<string> files = Checkpoint.Files.Select(file => file.Path).Append(ConfigPath);
            return Checkpoint.Files.Count > 1 ? files.Append(Path.Combine(_folder, "model.safetensors.index.json")) : files;
        }
    }

    /// <inheritdoc/>
    public override Tokenizer ReadTokenizer() => Tokenizer.Load(_folder);

    /// <inheritdoc/>
    public override IReadOnlyList<Companion> FindCompanions()
    {
        var companions = new List<Companion>();
        foreach (string path in Directory.EnumerateFiles(_folder).Order(StringComparer.Ordinal))
        {
            string name = Path.GetFileName(path);
            bool licence = name.StartsWith("LICEN", StringComparison.OrdinalIgnoreCase);
            bool weights = name is "config.json" || name.EndsWith(".index.json", StringComparison.Ordinal);
            if (!weights && (licence || s_companions.Contains(Path.GetExtension(name), StringComparer.OrdinalIgnoreCase)))
                companions.Add(new Companion(path));
        }
        return companions;
    }

    /// <inheritdoc/>
    public override (string Type, long Bytes) Stored(TensorInfo tensor)
    {
        (ElementType type, long bytes) = Checkpoint.Stored(tensor);
        return (type.ToString(), bytes);
    }

    /// <inheritdoc/>
    public override IWeightSource? Weights(PackedArithmetic arithmetic, Workers workers) => null;

    /// <inheritdoc/>
    public override ModelTexts ReadTexts()
    {
        string settings = Path.Combine(_folder, "tokenizer_config.json"), template = Path.Combine(_folder, "chat_template.jinja"),
            tokenizer = Path.Combine(_folder, "tokenizer.json");
        Tokenizer.Load(_folder);
        return new ModelTexts(
            JsonObject.Create(Config)!,
            ReadObject(tokenizer, MaxTokenizerBytes),
            File.Exists(settings) ? ReadObject(settings, MaxSettingsBytes) : [],
            File.Exists(template) ? File.ReadAllText(template) : null,
            tokenizer);
    }

    // A model in 8-bit floats is read as the products with its scales: then it is as if nobody had quantized it.
    private static JsonElement WithoutScales(ConfigObject root)
    {
        if (root.Element.TryGetProperty("quantization_config", out JsonElement element) && element.ValueKind == JsonValueKind.Object
            && new ConfigObject(root.Path, element) is var quantized
                && quantized.Element.TryGetProperty("quant_method", out JsonElement method)
            && method.ValueEquals("fp8"))
        {
            if (quantized.Integers("weight_block_size", 1, int.MaxValue) is { Length: > 0 } sides
                && Array.Exists(sides, side => side != 128))
                throw root.Unsupported(ModelRules.ConfigMember, $"'weight_block_size' is [{string.Join(", ", sides)}]",
                    "Give a model with blocks of 128 x 128, or one in BF16");
            JsonObject config = JsonObject.Create(root.Element)!;
            config.Remove("quantization_config");
            return JsonSerializer.SerializeToElement(config);
        }
        return root.Element.Clone();
    }

    private static JsonObject ReadObject(string path, long maxBytes)
    {
        using JsonDocument document = StrictJson.ParseSettings(path, maxBytes);
        return JsonObject.Create(ConfigObject.Of(document.RootElement, path).Element.Clone())!;
    }
}
