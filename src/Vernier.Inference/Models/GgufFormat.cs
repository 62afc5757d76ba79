using System.Text.Json.Nodes;
using System.Text.Json;
using Vernier.Errors;
using Vernier.Files;
using Vernier.Files.Checkpoints;
using Vernier.Files.Gguf;
using Vernier.Files.Tokenizers;
using Vernier.Inference.Architectures;
using Vernier.Inference.Configuration;
using Vernier.Inference.Gguf;
using Vernier.Inference.Weights;
using Vernier.Numerics;

namespace Vernier.Inference.Models;

/// <summary>A GGUF file, or several that a model is split into.</summary>
internal sealed class GgufFormat : ModelFormat
{
    private readonly GgufFile _file;
    private readonly Dictionary<string, GgufTensorSource> _sources = new(StringComparer.Ordinal);
    private readonly ModelConfig _config;
    private readonly GgufArchitecture _architecture;

    /// <summary>Opens the file, the other parts where it is one of several, and makes a config.json of its metadata.</summary>
    public GgufFormat(string path)
    {
        _file = GgufFile.OpenWhole(path);
        try
        {
            var metadata = new GgufMetadata(_file.Metadata, path);
            GgufArchitecture stored = ArchitectureOf(metadata);
            JsonObject config = GgufTexts.ConfigOf(_file, stored, metadata);
            NotUnderstood = GgufKeys.Check(metadata, stored.Name);
            using JsonDocument document = StrictJson.ParseSettings(ModelTexts.Serialize(config), path);
            Config = document.RootElement.Clone();
            _config = ArchitectureCatalogue.Read(ConfigObject.Of(Config, path));
            // The names and the order of rows are those of the architecture of config.json: a Mistral is a Llama in the file.
            _architecture = ArchitectureCatalogue.Of(_config).Gguf ?? stored;
            Dictionary<string, ElementType> widened = GgufTexts.WidenedOf(_file);
            GgufTensorSource[] sources = [.. _file.Parts.Select(part => new GgufTensorSource(part, _config, _architecture, widened))];
            Checkpoint = Checkpoint.Of(sources, path);
            foreach (GgufTensorSource source in sources)
            {
                foreach (TensorInfo tensor in source.Tensors)
                    _sources[tensor.Name] = source;
            }
        }
        catch
        {
            _file.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public override ModelKind Kind => ModelKind.Gguf;

    /// <inheritdoc/>
    public override Checkpoint Checkpoint { get; }

    /// <inheritdoc/>
    public override JsonElement Config { get; }

    /// <inheritdoc/>
    public override string ConfigPath => _file.Path;

    /// <inheritdoc/>
    public override IReadOnlyList<string> NotUnderstood { get; }

    /// <inheritdoc/>
    public override IEnumerable<string> Files => _file.Parts.Select(part => part.Path);

    /// <inheritdoc/>
    public override Tokenizer ReadTokenizer()
    {
        (JsonObject tokenizer, JsonObject settings) = GgufTexts.TokenizerOf(_file);
        return Tokenizer.Parse(ModelTexts.Serialize(tokenizer), ModelTexts.Serialize(settings), _file.Path);
    }

    /// <inheritdoc/>
    public override IReadOnlyList<Companion> FindCompanions()
    {
        (JsonObject tokenizer, JsonObject settings) = GgufTexts.TokenizerOf(_file);
        return [new Companion("tokenizer.json", ModelTexts.Serialize(tokenizer)),
            new Companion("tokenizer_config.json", ModelTexts.Serialize(settings))];
    }

    /// <inheritdoc/>
    public override (string Type, long Bytes) Stored(TensorInfo tensor)
    {
        GgufTensor stored = _sources[tensor.Name].Stored(tensor.Name);
        return (stored.Type.Name, _sources[tensor.Name].StoredBytes(tensor.Name));
    }

    /// <inheritdoc/>
    public override IWeightSource Weights(PackedArithmetic arithmetic, Workers workers) =>
        new GgufWeightSource(Checkpoint, _sources, arithmetic, workers);

    /// <inheritdoc/>
    public override ModelTexts ReadTexts() => GgufTexts.Read(_file, JsonObject.Create(Config)!, _config, _architecture);

    private static GgufArchitecture ArchitectureOf(GgufMetadata metadata)
    {
        GgufArchitecture[] known = [.. ArchitectureCatalogue.All.Select(architecture => architecture.Gguf).OfType<GgufArchitecture>()];
        string name = metadata.Architecture;
        return Array.Find(known, architecture => architecture.Name == name)
            ?? throw new UnsupportedModelException(metadata.Path, GgufModelRules.Architecture,
                $"the architecture {ConfigObject.Quote(name)} can't be run",
                $"Give a model of one of the architectures "
                    + $"{string.Join(", ", known.Select(architecture => architecture.Name).Distinct())}");
    }
}
