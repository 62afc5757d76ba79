using System.Diagnostics.CodeAnalysis;
using System.Runtime.ExceptionServices;
using System.Text.Json;
using Vernier.Errors;
using Vernier.Files;
using Vernier.Files.Checkpoints;
using Vernier.Files.Gguf;
using Vernier.Files.Tokenizers;
using Vernier.Inference.Architectures;
using Vernier.Inference.Configuration;
using Vernier.Inference.Decoders;
using Vernier.Inference.Weights;
using Vernier.Numerics;
using Vernier.Packing.Configuration;

namespace Vernier.Inference.Models;

/// <summary>
/// A model as it is stored, opened once: its tensors, config.json, tokenizer and what accompanies them, whatever it was opened from. A
/// <see cref="ModelWriter"/> is its mirror.
/// </summary>
public sealed class Model : IDisposable
{
    private readonly ModelFormat _format;
    private readonly ModelConfig? _configuration;
    private readonly ExceptionDispatchInfo? _refusal;
    private readonly Lazy<QuantizationConfig?> _quantization;
    private readonly Lazy<Tokenizer> _tokenizer;
    private readonly Lazy<IReadOnlyList<Companion>> _companions;
    private bool _checked;

    private Model(string path, ModelFormat format)
    {
        (Path, _format) = (path, format);
        var root = ConfigObject.Of(format.Config, format.ConfigPath);
        bool known = ArchitectureCatalogue.TryFind(root, out IArchitecture? architecture, out string name);
        Architecture = name;
        if (known)
        {
            try
            {
                _configuration = ConfigurationOf(architecture!, root, format);
                format.Checkpoint.Show(architecture!.Views(_configuration, format.Checkpoint));
            }
            catch (VernierException e)
            {
                // Whoever needs the network says so.
                _refusal = ExceptionDispatchInfo.Capture(e);
            }
        }
        _quantization = new(() => QuantizationOf(format));
        _tokenizer = new(format.ReadTokenizer);
        _companions = new(format.FindCompanions);
    }

    /// <summary>What it was opened by: a folder or a file.</summary>
    public string Path { get; }

    /// <summary>What it is called: the name of its folder, or of its file without the extension and the number of a part.</summary>
    public string Name => Kind == ModelKind.Gguf ? GgufSplit.StemOf(Path)
        : new DirectoryInfo(System.IO.Path.TrimEndingDirectorySeparator(System.IO.Path.GetFullPath(Path))).Name;

    /// <summary>What it was opened from.</summary>
    public ModelKind Kind => _format.Kind;

    /// <summary>Its tensors, under the names that they have in a Hugging Face checkpoint; blocks of a GGUF file are read as single
    /// precision.</summary>
    public Checkpoint Checkpoint => _format.Checkpoint;

    /// <summary>The object of config.json; for a GGUF file that which an export to a folder writes.</summary>
    public JsonElement Config => _format.Config;

    /// <summary>The path of config.json, for messages.</summary>
    public string ConfigPath => _format.ConfigPath;

    /// <summary>The architecture as config.json names it.</summary>
    public string Architecture { get; }

    /// <summary>Whether the architecture runs here.</summary>
    public bool Runs => TryGetConfiguration(out _);

    /// <summary>The recipe of the codes that a model opened as floats comes from; null where it was none of codes.</summary>
    public string? DequantizedFrom { get; private init; }

    /// <summary>The configuration.</summary>
    /// <exception cref="UnsupportedModelException">The architecture, or something that the model uses, does not run here.</exception>
    /// <exception cref="InvalidFileException">config.json breaks a rule of <see cref="ModelRules"/>.</exception>
    public ModelConfig Configuration => TryGetConfiguration(out ModelConfig? config) ? config
        : ArchitectureCatalogue.Read(ConfigObject.Of(Config, ConfigPath));

    /// <summary>Which matrices Vernier has packed, and how; null for a model that is not quantized.</summary>
    /// <exception cref="InvalidFileException">The model is quantized by others, or the entry is malformed.</exception>
    public QuantizationConfig? Quantization => _quantization.Value;

    /// <summary>The tokenizer, read when it is first asked for.</summary>
    /// <exception cref="InvalidFileException">It is missing or invalid.</exception>
    /// <exception cref="UnsupportedModelException">It can't be represented here.</exception>
    public Tokenizer Tokenizer => _tokenizer.Value;

    /// <summary>What accompanies the weights in a folder, config.json excepted.</summary>
    /// <exception cref="UnsupportedModelException">The tokenizer of a GGUF file can't be represented.</exception>
    public IReadOnlyList<Companion> Companions => _companions.Value;

    /// <summary>What the user should know of its files, a line each; none as a rule.</summary>
    public IReadOnlyList<string> Notes => [.. Checkpoint.Notes, .. _format.Notes];

    /// <summary>The files that hold tensors and configuration.</summary>
    public IReadOnlyList<string> Files => [.. _format.Files];

    /// <summary>The bytes of <see cref="Files"/>.</summary>
    public long Bytes => _format.Files.Sum(path => new FileInfo(path).Length);

    /// <summary>Opens a model.</summary>
    /// <param name="path">A Hugging Face folder, or a GGUF file: of a model that is split any part, the others being beside it.</param>
    /// <exception cref="InvalidFileException">The path is that of neither, or a file is missing or invalid.</exception>
    /// <exception cref="UnsupportedModelException">A GGUF file holds a model that does not run here.</exception>
    public static Model Open(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        bool gguf = IsGguf(path);
        if (!gguf && !Directory.Exists(path))
            throw new InvalidFileException(path, "model-folder", File.Exists(path) ? "this is a file, not a folder, and no GGUF file"
                : "there is no such folder",
                "Give the folder of a Hugging Face model in safetensors format, or a .gguf file");
        ModelFormat format = gguf ? new GgufFormat(path) : new FolderFormat(path);
        try
        {
            return new Model(path, format);
        }
        catch
        {
            format.Dispose();
            throw;
        }
    }

    /// <summary>Opens a model as floats: one that Vernier quantized becomes what its codes stand for, and so can be judged by other
    /// programs.</summary>
    /// <param name="path">A Hugging Face folder or a GGUF file.</param>
    /// <param name="type">What packed matrices become: F32, the default, F16 or BF16.</param>
    /// <exception cref="ArgumentOutOfRangeException">The type is another.</exception>
    /// <exception cref="InvalidFileException">As for <see cref="Open"/>.</exception>
    public static Model OpenFloat(string path, ElementType type = ElementType.F32)
    {
        if (type is not (ElementType.F32 or ElementType.F16 or ElementType.BF16))
            throw new ArgumentOutOfRangeException(nameof(type), type, "packed matrices become F32, F16 or BF16");
        Model model = Open(path);
        try
        {
            return model._format is FolderFormat folder && model.Quantization is QuantizationConfig packed
                ? new Model(path, new DequantizedFormat(folder, packed, type)) { DequantizedFrom = packed.Recipe } : model;
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }

    /// <summary>The configuration, if the architecture runs here.</summary>
    /// <exception cref="UnsupportedModelException">Something that the model uses does not run here.</exception>
    /// <exception cref="InvalidFileException">config.json breaks a rule of <see cref="ModelRules"/>.</exception>
    public bool TryGetConfiguration([NotNullWhen(true)] out ModelConfig? config)
    {
        _refusal?.Throw();
        return (config = _configuration) is not null;
    }

    /// <summary>The type and the bytes that a tensor has in its file: the blocks of a GGUF file are read as single precision.</summary>
    public (string Type, long Bytes) Stored(TensorInfo tensor)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        return _format.Stored(tensor);
    }

    /// <summary>Where the layers of the network get their weights; the model must stay open until they are loaded.</summary>
    /// <param name="arithmetic">How layers with packed weights multiply.</param>
    /// <param name="workers">Who makes matrices ready for integer products; null, the default, for <see cref="Workers.Shared"/>.</param>
    public IWeightSource Weights(PackedArithmetic arithmetic = PackedArithmetic.Integer, Workers? workers = null) =>
        _format.Weights(arithmetic, workers ?? Workers.Shared)
        ?? (Quantization is QuantizationConfig packed ? new PackedWeightSource(Checkpoint, packed, arithmetic, workers)
            : new FloatWeightSource(Checkpoint));

    /// <summary>
    /// Holds the model against its own description, before any work: tensors that are missing, of another shape or without a use, tokens
    /// without a row. A model of an architecture that does not run here passes.
    /// </summary>
    /// <exception cref="InvalidFileException">It is not as it says: a rule of <see cref="ModelRules"/>.</exception>
    /// <exception cref="UnsupportedModelException">Something that the model uses does not run here.</exception>
    public void Check()
    {
        if (!_checked)
            ModelCheck.CheckTools(this);
        if (!_checked && TryGetConfiguration(out ModelConfig? config))
            ModelCheck.Run(this, config);
        _checked = true;
    }

    /// <summary>Holds the model against what a folder made of it needs, before any work: all that accompanies its weights can be
    /// read.</summary>
    /// <exception cref="InvalidFileException">Something can't: a rule of <see cref="FileRules"/>.</exception>
    /// <exception cref="UnsupportedModelException">The tokenizer of a GGUF file can't be represented.</exception>
    public void CheckCompanions()
    {
        foreach (Companion companion in Companions)
            companion.Check();
    }

    /// <summary>Looks through all numbers of the model, norms and biases included, before any work.</summary>
    /// <param name="workers">Who looks; null, the default, for <see cref="Workers.Shared"/>.</param>
    /// <param name="cancellation">Stops between two tensors.</param>
    /// <exception cref="InvalidFileException">One is not finite: <see cref="ModelRules.NotFinite"/>.</exception>
    public void CheckFinite(Workers? workers = null, CancellationToken cancellation = default)
    {
        var range = new NumberRange(Checkpoint, workers ?? Workers.Shared);
        foreach (TensorInfo tensor in Checkpoint.Tensors.Where(tensor => tensor.Type.IsFloat()))
        {
            cancellation.ThrowIfCancellationRequested();
            range.CheckFinite(tensor);
        }
    }

    private static QuantizationConfig? QuantizationOf(ModelFormat format)
    {
        format.Refusal?.Throw();
        return format.Kind == ModelKind.Folder ? QuantizationConfig.Read(format.Config, format.ConfigPath) : null;
    }

    private static ModelConfig ConfigurationOf(IArchitecture architecture, ConfigObject root, ModelFormat format)
    {
        ModelConfig config = ArchitectureCatalogue.Read(architecture, root);
        config.NotUnderstood = [.. config.NotUnderstood, .. format.NotUnderstood];
        return config;
    }

    /// <summary>The texts, ready for an export.</summary>
    internal ModelTexts ReadTexts() => _format.ReadTexts();

    /// <inheritdoc/>
    public void Dispose() => _format.Dispose();

    // It begins as one, or its name says so.
    private static bool IsGguf(string path) =>
        File.Exists(path) && (path.EndsWith(".gguf", StringComparison.OrdinalIgnoreCase) || GgufFile.Is(path));
}
