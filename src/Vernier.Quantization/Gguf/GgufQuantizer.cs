using System.Text.Json;
using Vernier.Errors;
using Vernier.Files;
using Vernier.Files.Checkpoints;
using Vernier.Files.Gguf;
using Vernier.Files.Gguf.Blocks;
using Vernier.Inference;
using Vernier.Inference.Gguf;
using Vernier.Packing;
using Vernier.Packing.Configuration;
using Vernier.Packing.Ggml;

namespace Vernier.Quantization.Gguf;

/// <summary>Brings a model that was quantized to the block formats of ggml into a GGUF file.</summary>
public static class GgufQuantizer
{
    /// <summary>The block format that a mix gives a tensor; null where the tensor is not stored in blocks.</summary>
    /// <param name="checkpoint">The model's checkpoint, from <see cref="ModelSource.OpenCheckpoint"/>.</param>
    /// <param name="mix">The mix.</param>
    /// <param name="overrides">Types by pattern.</param>
    /// <param name="importance">Whether the types are those that llama-quantize takes with an importance matrix.</param>
    public static Func<TensorInfo, BlockFormat?> FormatsOf(Checkpoint checkpoint, GgufMix mix, IReadOnlyList<GgufOverride>? overrides = null, bool importance = false)
    {
        IReadOnlyDictionary<string, GgufTensorType> types = GgufExport.TypesOf(checkpoint, mix, overrides, importance);
        return tensor => types.TryGetValue(tensor.Name, out GgufTensorType? type) ? type.Format : null;
    }

    /// <summary>The exact bytes of the file, before any work.</summary>
    /// <param name="source">The original model's checkpoint.</param>
    /// <param name="mix">The mix.</param>
    /// <param name="overrides">Types by pattern.</param>
    /// <param name="importance">As for <see cref="FormatsOf"/>.</param>
    public static long SizeOf(Checkpoint source, GgufMix mix, IReadOnlyList<GgufOverride>? overrides = null, bool importance = false)
    {
        ArgumentNullException.ThrowIfNull(mix);
        IReadOnlyDictionary<string, GgufTensorType> types = GgufExport.TypesOf(source, mix, overrides, importance);
        return GgufExport.SizeOf(source, mix.FileType, tensor => new GgufTensorChoice(types[tensor.Name]));
    }

    /// <summary>Writes the file: blocks as they were solved, other tensors in the types of the mix.</summary>
    /// <param name="source">The original model's checkpoint.</param>
    /// <param name="quantized">The folder that holds the model quantized by formats of <see cref="FormatsOf"/>.</param>
    /// <param name="path">The file to write; an existing file is replaced on completion.</param>
    /// <param name="mix">The mix.</param>
    /// <param name="overrides">Types by pattern.</param>
    /// <param name="importance">As for <see cref="FormatsOf"/>.</param>
    /// <param name="progress">Told the part that is done, 0 to 1.</param>
    /// <param name="cancellation">Stops between two pieces; no file is left.</param>
    /// <returns>The bytes of the file.</returns>
    /// <exception cref="InvalidFileException">The folder is not quantized, or by other formats than the mix has.</exception>
    public static long Write(Checkpoint source, string quantized, string path, GgufMix mix, IReadOnlyList<GgufOverride>? overrides = null, bool importance = false, IProgress<double>? progress = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(mix);
        string config = Path.Combine(quantized, "config.json");
        using JsonDocument document = StrictJson.Parse(config, ModelConfig.MaxFileBytes);
        QuantizationConfig layouts = QuantizationConfig.Read(document.RootElement, config) ?? throw new InvalidFileException(config, "not-quantized", "the model is not quantized", "Quantize it to a type of GGUF");
        using Checkpoint written = Checkpoint.Open(quantized);
        IReadOnlyDictionary<string, GgufTensorType> types = GgufExport.TypesOf(source, mix, overrides, importance);
        return GgufExport.Write(source, path, mix.FileType, tensor => ChoiceOf(tensor, types[tensor.Name]), progress, cancellation);

        GgufTensorChoice ChoiceOf(TensorInfo tensor, GgufTensorType type)
        {
            if (type.Format is not BlockFormat format || !layouts.Tensors.TryGetValue(tensor.Name, out PackedLayout? layout))
                return new GgufTensorChoice(type);
            if (layout is not BlockLayout blocks || blocks.Format != format)
                throw new InvalidFileException(config, "quantized-type", $"it is {layout.Summary}, and the file is to have it in {type.Name}", "Quantize the model again", tensor.Name);
            // Read when it is written, so that one matrix is in memory at a time.
            BlockMatrix? matrix = null;
            return new GgufTensorChoice(type, (row, bytes) =>
            {
                matrix ??= (BlockMatrix)PackedMatrixReader.Read(written, tensor.Name, blocks);
                matrix.Row((int)row).CopyTo(bytes);
                if (row == matrix.Rows - 1)
                    matrix = null;
            });
        }
    }
}
