using System.Runtime.ExceptionServices;
using System.Text.Json;
using System.Text.Json.Nodes;
using Vernier.Errors;
using Vernier.Files;
using Vernier.Files.Checkpoints;
using Vernier.Files.Foreign;
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
    private readonly ForeignModel? _foreign;
    private ExceptionDispatchInfo? _refusal;

    /// <summary>Opens the checkpoint and reads config.json.</summary>
    public FolderFormat(string folder)
    {
        _folder = folder;
        Checkpoint = Checkpoint.Open(folder);
        try
        {
            using JsonDocument document = StrictJson.ParseSettings(ConfigPath, ModelConfig.MaxFileBytes);
            Config = ConfigObject.Of(document.RootElement, ConfigPath).Element.Clone();
            _foreign = ReadForeign();
            if (_foreign is not null)
            {
                // The weights are read as floats: then it is as if nobody had quantized it.
                _foreign.Show(Checkpoint);
                JsonObject config = JsonObject.Create(Config)!;
                config.Remove(ForeignModel.Member);
                Config = JsonSerializer.SerializeToElement(config);
            }
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
    public override ExceptionDispatchInfo? Refusal => _refusal;

    /// <inheritdoc/>
    public override IEnumerable<string> Notes => _foreign?.Notes ?? [];

    /// <inheritdoc/>
    public override IReadOnlyList<string> NotUnderstood => _foreign?.NotUnderstood ?? [];

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
    public override IWeightSource? Weights(PackedArithmetic arithmetic, Workers workers) => _foreign is { RoundedInputs.Count: > 0 }
        ? new RoundedWeightSource(new FloatWeightSource(Checkpoint), _foreign.RoundedInputs) : null;

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

    private ForeignModel? ReadForeign()
    {
        try
        {
            return ForeignModel.Read(Checkpoint, Config, ConfigPath);
        }
        catch (VernierException e)
        {
            // Whoever needs the weights says so.
            _refusal = ExceptionDispatchInfo.Capture(e);
            return null;
        }
    }

    private static JsonObject ReadObject(string path, long maxBytes)
    {
        using JsonDocument document = StrictJson.ParseSettings(path, maxBytes);
        return JsonObject.Create(ConfigObject.Of(document.RootElement, path).Element.Clone())!;
    }
}
