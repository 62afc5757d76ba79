using Vernier.Errors;
using Vernier.Files;
using Vernier.Files.Gguf;
using Vernier.Files.Gguf.Blocks;
using Vernier.Inference.Gguf;
using Vernier.Inference.Models;
using Vernier.Numerics;
using Vernier.Packing;
using Vernier.Packing.Ggml;

namespace Vernier.Quantization.Gguf;

/// <summary>Which tensor of a GGUF file gets which type.</summary>
public sealed class GgufTypes
{
    private readonly IReadOnlyList<GgufOverride> _overrides;
    private readonly bool _importance;

    /// <summary>Makes a choice.</summary>
    /// <param name="mix">The mix of types.</param>
    /// <param name="overrides">Types by pattern; null for none.</param>
    /// <param name="importance">Whether the types are those that llama-quantize takes with an importance matrix.</param>
    public GgufTypes(GgufMix mix, IReadOnlyList<GgufOverride>? overrides = null, bool importance = false)
    {
        ArgumentNullException.ThrowIfNull(mix);
        (Mix, _overrides, _importance) = (mix, overrides ?? [], importance);
    }

    /// <summary>The mix of types.</summary>
    public GgufMix Mix { get; }

    /// <summary>The block format of each tensor of a model; null where the tensor is not stored in blocks.</summary>
    /// <exception cref="InvalidFileException">A tensor has no place in a GGUF file, or the model is packed already.</exception>
    public Func<TensorInfo, BlockFormat?> FormatsOf(Model model)
    {
        IReadOnlyDictionary<string, GgufTensorType> types = Of(model);
        return tensor => types.TryGetValue(tensor.Name, out GgufTensorType? type) ? type.Format : null;
    }

    /// <summary>The exact bytes of a model's file, before any work.</summary>
    /// <exception cref="InvalidFileException">A tensor has no place in a GGUF file, or the model is packed already.</exception>
    public long SizeOf(Model model) => Plan(model, Of(model)).Bytes;

    /// <summary>The tensors of a model whose rows fill no whole blocks of the type that the mix has for them, and that get
    /// another.</summary>
    /// <exception cref="InvalidFileException">As for <see cref="SizeOf"/>.</exception>
    public IReadOnlyList<GgufFallback> FallbacksOf(Model model) => GgufPlan.FallbacksOf(model, Mix, _overrides, _importance);

    /// <summary>The bytes of each tensor in a model's file, by its name in the checkpoint.</summary>
    /// <exception cref="InvalidFileException">As for <see cref="SizeOf"/>.</exception>
    public IReadOnlyDictionary<string, long> BytesOf(Model model) => Plan(model, Of(model)).TensorBytes;

    /// <summary>What becomes zero of the tensors that are stored in no blocks.</summary>
    internal IReadOnlyList<LostNumbers> FindLost(Model model, Workers workers, CancellationToken cancellation) =>
        Plan(model, Of(model)).FindLost(model, blocks: false, workers, cancellation);

    /// <summary>Checks that the numbers of a model are finite and have a place in the types of its file.</summary>
    /// <returns>The largest magnitude of each tensor of the file.</returns>
    /// <exception cref="InvalidFileException">A number is not finite, or has no place in its type.</exception>
    internal IReadOnlyDictionary<string, float> CheckNumbers(Model model, IReadOnlyDictionary<string, float[]>? importance,
        Action<string, double> report, Workers workers, CancellationToken cancellation) =>
        Plan(model, Of(model)).CheckNumbers(model, importance, report, workers, cancellation);

    /// <summary>Opens the file of a model, or goes on with what an earlier writer has left of it.</summary>
    /// <param name="model">The model.</param>
    /// <param name="path">The file.</param>
    /// <param name="layouts">The layouts of its matrices that are packed.</param>
    /// <param name="workers">Who encodes tensors that are not packed.</param>
    /// <exception cref="InvalidFileException">A matrix is to be packed in other blocks than the file is to have.</exception>
    internal ModelWriter Open(Model model, string path, IEnumerable<(string Name, PackedLayout Layout)> layouts, Workers workers)
    {
        IReadOnlyDictionary<string, GgufTensorType> types = Of(model);
        foreach ((string name, PackedLayout layout) in layouts)
        {
            string type = types.TryGetValue(name, out GgufTensorType? found) ? found.Name : "nothing";
            if (layout is not BlockLayout blocks || found?.Format != blocks.Format)
            {
                throw new InvalidFileException(model.Path, "quantized-type",
                    $"it is planned as {layout.Summary}, and the file is to have it in {type}",
                    "Plan the run with the formats of the file", name);
            }
        }
        return new GgufModelWriter(Plan(model, types), path, keep: true, workers);
    }

    /// <summary>The type of each tensor of a file, as text.</summary>
    internal string Describe(Model model) => string.Join('\n',
        Of(model).Select(pair => $"{pair.Key} {pair.Value}").Order(StringComparer.Ordinal).Prepend(Mix.Name));

    /// <summary>Whether a file has a tensor: an output layer that is the embedding is not there twice.</summary>
    internal Func<TensorInfo, bool> Holds(Model model)
    {
        IReadOnlyDictionary<string, GgufTensorType> types = Of(model);
        return tensor => types.ContainsKey(tensor.Name);
    }

    private IReadOnlyDictionary<string, GgufTensorType> Of(Model model) => GgufPlan.TypesOf(model, Mix, _overrides, _importance);

    private GgufPlan Plan(Model model, IReadOnlyDictionary<string, GgufTensorType> types) =>
        GgufPlan.Of(model, Mix.FileType, tensor => types[tensor.Name]);
}
