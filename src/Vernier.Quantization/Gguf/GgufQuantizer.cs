using System.Text.Json;
using Vernier.Errors;
using Vernier.Files;
using Vernier.Files.Checkpoints;
using Vernier.Files.Gguf;
using Vernier.Files.Gguf.Blocks;
using Vernier.Inference.Gguf;
using Vernier.Inference.Models;
using Vernier.Packing;
using Vernier.Packing.Configuration;
using Vernier.Packing.Ggml;

namespace Vernier.Quantization.Gguf;

/// <summary>Brings a model that was quantized to the block formats of ggml into a GGUF file.</summary>
public static class GgufQuantizer
{
    /// <summary>The block format that a mix gives a tensor; null where the tensor is not stored in blocks.</summary>
    /// <param name="model">The original model.</param>
    /// <param name="mix">The mix.</param>
    /// <param name="overrides">Types by pattern.</param>
    /// <param name="importance">Whether the types are those that llama-quantize takes with an importance matrix.</param>
    public static Func<TensorInfo, BlockFormat?> FormatsOf(Model model, GgufMix mix, IReadOnlyList<GgufOverride>? overrides = null, bool importance = false)
    {
        IReadOnlyDictionary<string, GgufTensorType> types = GgufPlan.TypesOf(model, mix, overrides, importance);
        return tensor => types.TryGetValue(tensor.Name, out GgufTensorType? type) ? type.Format : null;
    }

    /// <summary>The exact bytes of the file, before any work.</summary>
    /// <param name="source">The original model.</param>
    /// <param name="mix">The mix.</param>
    /// <param name="overrides">Types by pattern.</param>
    /// <param name="importance">As for <see cref="FormatsOf"/>.</param>
    public static long SizeOf(Model source, GgufMix mix, IReadOnlyList<GgufOverride>? overrides = null, bool importance = false)
    {
        ArgumentNullException.ThrowIfNull(mix);
        IReadOnlyDictionary<string, GgufTensorType> types = GgufPlan.TypesOf(source, mix, overrides, importance);
        return GgufPlan.Of(source, mix.FileType, tensor => types[tensor.Name]).Bytes;
    }

    /// <summary>Writes the file: blocks as they were solved, other tensors in the types of the mix.</summary>
    /// <param name="source">The original model.</param>
    /// <param name="quantized">The folder that holds the model quantized by formats of <see cref="FormatsOf"/>.</param>
    /// <param name="path">The file to write; an existing file is replaced on completion.</param>
    /// <param name="mix">The mix.</param>
    /// <param name="overrides">Types by pattern.</param>
    /// <param name="importance">As for <see cref="FormatsOf"/>.</param>
    /// <param name="progress">Told the part that is done, 0 to 1.</param>
    /// <param name="cancellation">Stops between two pieces; no file is left.</param>
    /// <returns>The bytes of the file.</returns>
    /// <exception cref="InvalidFileException">The folder is not quantized, or by other formats than the mix has.</exception>
    public static long Write(Model source, string quantized, string path, GgufMix mix, IReadOnlyList<GgufOverride>? overrides = null, bool importance = false, IProgress<double>? progress = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(mix);
        using var written = Model.Open(quantized);
        QuantizationConfig layouts = written.Quantization ?? throw new InvalidFileException(written.ConfigPath, "not-quantized", "the model is not quantized", "Quantize it to a type of GGUF");
        IReadOnlyDictionary<string, GgufTensorType> types = GgufPlan.TypesOf(source, mix, overrides, importance);
        using var writer = new GgufModelWriter(GgufPlan.Of(source, mix.FileType, tensor => types[tensor.Name]), path);
        TensorInfo[] tensors = [.. source.Checkpoint.Tensors.Where(tensor => types.ContainsKey(tensor.Name))];
        double all = tensors.Sum(tensor => (double)tensor.Count), done = 0;
        foreach (TensorInfo tensor in tensors)
        {
            cancellation.ThrowIfCancellationRequested();
            if (types[tensor.Name].Format is BlockFormat format && layouts.Tensors.TryGetValue(tensor.Name, out PackedLayout? layout))
            {
                if (layout is not BlockLayout blocks || blocks.Format != format)
                    throw new InvalidFileException(written.ConfigPath, "quantized-type", $"it is {layout.Summary}, and the file is to have it in {types[tensor.Name].Name}", "Quantize the model again", tensor.Name);
                writer.Write(tensor.Name, PackedMatrixReader.Read(written.Checkpoint, tensor.Name, blocks));
                progress?.Report((done + tensor.Count) / all);
            }
            else
            {
                writer.Copy(source.Checkpoint, tensor, part => progress?.Report((done + part * tensor.Count) / all), cancellation);
            }
            done += tensor.Count;
        }
        writer.Complete();
        return writer.Bytes;
    }
}
