using System.Text.Json;
using System.Text.Json.Nodes;
using Vernier.Files;
using Vernier.Files.Checkpoints;
using Vernier.Files.Tokenizers;
using Vernier.Inference.Weights;
using Vernier.Numerics;
using Vernier.Packing.Configuration;

namespace Vernier.Inference.Models;

/// <summary>A folder that Vernier quantized, seen as the float model that its codes stand for.</summary>
internal sealed class DequantizedFormat : ModelFormat
{
    /// <summary>What a run leaves beside its result; it is not about a float model.</summary>
    private const string Report = "report.json";

    private readonly FolderFormat _folder;

    /// <summary>Shows a folder.</summary>
    /// <param name="folder">The folder, which this disposes.</param>
    /// <param name="packed">Which of its matrices are packed.</param>
    /// <param name="type">What packed matrices are shown as: F32, F16 or BF16.</param>
    public DequantizedFormat(FolderFormat folder, QuantizationConfig packed, ElementType type)
    {
        _folder = folder;
        Checkpoint = Checkpoint.Of(new DequantizedFile(folder.Checkpoint, packed, type), folder.Checkpoint.Folder);
        JsonObject config = JsonObject.Create(folder.Config)!;
        config.Remove("quantization_config");
        Config = JsonSerializer.SerializeToElement(config);
    }

    /// <inheritdoc/>
    public override ModelKind Kind => ModelKind.Folder;

    /// <inheritdoc/>
    public override Checkpoint Checkpoint { get; }

    /// <inheritdoc/>
    public override JsonElement Config { get; }

    /// <inheritdoc/>
    public override string ConfigPath => _folder.ConfigPath;

    /// <inheritdoc/>
    public override IEnumerable<string> Files => _folder.Files;

    /// <inheritdoc/>
    public override Tokenizer ReadTokenizer() => _folder.ReadTokenizer();

    /// <inheritdoc/>
    public override IReadOnlyList<Companion> FindCompanions() =>
        [.. _folder.FindCompanions().Where(companion => companion.Name != Report)];

    /// <inheritdoc/>
    public override (string Type, long Bytes) Stored(TensorInfo tensor) => (tensor.Type.ToString(), tensor.Bytes);

    /// <inheritdoc/>
    public override IWeightSource? Weights(PackedArithmetic arithmetic, Workers workers) => null;

    /// <inheritdoc/>
    public override ModelTexts ReadTexts() => _folder.ReadTexts() with { Config = JsonObject.Create(Config)! };
}
