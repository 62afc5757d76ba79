using Vernier.Errors;
using Vernier.Files;
using Vernier.Files.Gguf;
using Vernier.Inference.Architectures;
using Vernier.Inference.Configuration;
using Vernier.Inference.Gguf;
using Vernier.Numerics;

namespace Vernier.Inference.Models;

/// <summary>All of a GGUF file but the numbers of its tensors.</summary>
public sealed class GgufPlan
{
    /// <summary>The version of the block formats.</summary>
    private const uint QuantizationVersion = 2;

    private GgufPlan(OrderedDictionary<string, GgufValue> metadata, (string Name, float[] Factors)[] rope, GgufItem[] items) =>
        (Metadata, Rope, Items) = (metadata, rope, items);

    /// <summary>The exact bytes of the file, before anything is written.</summary>
    public long Bytes => GgufWriter.SizeOf(Metadata, Infos);

    /// <summary>The metadata.</summary>
    internal OrderedDictionary<string, GgufValue> Metadata { get; }

    /// <summary>The correction factors of the rotary embedding.</summary>
    internal (string Name, float[] Factors)[] Rope { get; }

    /// <summary>The other tensors.</summary>
    internal GgufItem[] Items { get; }

    /// <summary>All tensors in the order in which they lie in the file.</summary>
    internal IReadOnlyList<GgufTensor> Infos =>
        [.. Rope.Select(tensor => new GgufTensor(tensor.Name, GgufTensorType.F32, [tensor.Factors.Length])),
            .. Items.Select(item => item.Info).DistinctBy(info => info.Name)];

    /// <summary>Plans the file of a model.</summary>
    /// <param name="model">The model.</param>
    /// <param name="fileType">The number for <c>general.file_type</c>; see <see cref="GgufMix.FileType"/>.</param>
    /// <param name="typeOf">The type of a tensor, by its Hugging Face name. Tensors that are no matrices, and norms, are F32 in any case,
    /// as llama.cpp needs them.</param>
    /// <exception cref="InvalidFileException">The model is invalid, or packed already.</exception>
    /// <exception cref="UnsupportedModelException">The model is of a family or has a tokenizer that llama.cpp lacks.</exception>
    public static GgufPlan Of(Model model, int fileType, Func<TensorInfo, GgufTensorType> typeOf)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(typeOf);
        ModelConfig config = ConfigOf(model, out GgufArchitecture architecture);
        ModelTexts texts = model.ReadTexts();
        GgufItem[] items = [.. GgufPlaces.Of(model, config, architecture)
            .Select(place => ItemOf(model, config, architecture, place, typeOf))];
        Dictionary<string, ElementType> widened = items.Where(IsWidened)
            .ToDictionary(item => item.Source.Name, item => item.Source.Type, StringComparer.Ordinal);
        string name = GgufSplit.StemOf(Path.TrimEndingDirectorySeparator(Path.GetFullPath(model.Path)));
        OrderedDictionary<string, GgufValue> metadata = GgufTexts.ToMetadata(texts, config, architecture, name, widened);
        if (model.DequantizedFrom is string recipe)
            metadata["vernier.dequantized_from"] = GgufValue.Of(recipe);
        metadata["general.file_type"] = GgufValue.Of((uint)fileType);
        metadata["general.quantization_version"] = GgufValue.Of(QuantizationVersion);
        return new GgufPlan(metadata, [.. architecture.RopeTensors(config)], items);
    }

    /// <summary>The type that a mix gives each tensor of a model, by its Hugging Face name.</summary>
    /// <param name="model">The model.</param>
    /// <param name="mix">The mix.</param>
    /// <param name="overrides">Types by pattern, which are looked for in names as the GGUF file has them.</param>
    /// <param name="importance">Whether an importance matrix is used.</param>
    /// <exception cref="InvalidFileException">A tensor has no place in a GGUF file, or the model is packed already.</exception>
    public static IReadOnlyDictionary<string,
        GgufTensorType> TypesOf(Model model, GgufMix mix, IReadOnlyList<GgufOverride>? overrides = null, bool importance = false)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(mix);
        ModelConfig config = ConfigOf(model, out GgufArchitecture architecture);
        IReadOnlyList<GgufPlace> tensors = GgufPlaces.Of(model, config, architecture);
        IReadOnlyDictionary<string, GgufTensorType> types =
            mix.Types(GgufPlaces.Mixed(tensors), architecture.MixOf(config), overrides, importance);
        return tensors.ToDictionary(tensor => tensor.Tensor.Name, tensor => types[tensor.Name], StringComparer.Ordinal);
    }

    /// <summary>The tensors of a model whose rows fill no whole blocks of the type that a mix has for them, and that get another.</summary>
    /// <param name="model">The model.</param>
    /// <param name="mix">The mix.</param>
    /// <param name="overrides">Types by pattern, which are looked for in names as the GGUF file has them.</param>
    /// <param name="importance">Whether an importance matrix is used.</param>
    /// <exception cref="InvalidFileException">As for <see cref="TypesOf"/>.</exception>
    public static IReadOnlyList<GgufFallback> FallbacksOf(Model model, GgufMix mix, IReadOnlyList<GgufOverride>? overrides = null,
        bool importance = false)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(mix);
        ModelConfig config = ConfigOf(model, out GgufArchitecture architecture);
        return mix.Fallbacks(GgufPlaces.Mixed(GgufPlaces.Of(model, config, architecture)), architecture.MixOf(config), overrides,
            importance);
    }

    /// <summary>The bytes of each tensor in the file, by its name in the checkpoint; of those that the file leaves out there are
    /// none.</summary>
    public IReadOnlyDictionary<string, long> TensorBytes =>
        Items.ToDictionary(item => item.Source.Name, item => item.Bytes, StringComparer.Ordinal);

    /// <summary>Finds rows and blocks that are not zero and become zero in the types of the file.</summary>
    /// <param name="model">The model, whose numbers have been checked.</param>
    /// <param name="blocks">Whether tensors in blocks are looked at; they are encoded as without data.</param>
    /// <param name="workers">Who looks through them; null, the default, for <see cref="Workers.Shared"/>.</param>
    /// <param name="cancellation">Stops between two tensors.</param>
    /// <returns>What is lost, under the names of the checkpoint.</returns>
    public IReadOnlyList<LostNumbers> FindLost(Model model, bool blocks, Workers? workers = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        var range = new NumberRange(model.Checkpoint, workers ?? Workers.Shared);
        var lost = new List<LostNumbers>();
        foreach (GgufItem item in Items.Where(item => blocks || item.Info.Type.Format is null))
        {
            cancellation.ThrowIfCancellationRequested();
            if (range.FindLost(item.Source, item.Info.Type) is LostNumbers found)
                lost.Add(found);
        }
        return lost;
    }

    /// <summary>Checks that the numbers of all tensors are finite and have a place in the types that they are to have, before anything is
    /// written.</summary>
    /// <param name="model">The model.</param>
    /// <param name="importance">By the name of a matrix in the checkpoint, the importance with which it is to be encoded; null for
    /// none.</param>
    /// <param name="report">Told the tensor in hand and the part that is done, 0 to 1; null for nobody.</param>
    /// <param name="workers">Who looks through them; null, the default, for <see cref="Workers.Shared"/>.</param>
    /// <param name="cancellation">Stops between two tensors.</param>
    /// <returns>The largest magnitude of each tensor, by its name in the checkpoint.</returns>
    /// <exception cref="InvalidFileException">A number is not finite, or has no place in its type.</exception>
    public IReadOnlyDictionary<string, float> CheckNumbers(Model model, IReadOnlyDictionary<string, float[]>? importance = null,
        Action<string, double>? report = null, Workers? workers = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        foreach ((string name, float[] factors) in Rope)
        {
            if (Array.FindIndex(factors, factor => !float.IsFinite(factor)) is int bad and >= 0)
                throw new InvalidFileException(model.ConfigPath, GgufModelRules.NotFinite, $"the rotary factor {bad} is {factors[bad]}",
                    "Repair the configuration", name);
        }
        var range = new NumberRange(model.Checkpoint, workers ?? Workers.Shared);
        var largest = new Dictionary<string, float>(StringComparer.Ordinal);
        double all = Items.Sum(item => (double)item.Source.Count), done = 0;
        foreach (GgufItem item in Items)
        {
            cancellation.ThrowIfCancellationRequested();
            report?.Invoke(item.Source.Name, done / all);
            largest[item.Source.Name] =
                range.Check(item.Source, item.Info.Type, item.Info.Name, importance?.GetValueOrDefault(item.Source.Name) ?? []);
            done += item.Source.Count;
        }
        return largest;
    }

    private static bool IsWidened(GgufItem item) =>
        item.Info.Type == GgufTensorType.F32 && item.Source.Type is ElementType.BF16 or ElementType.F16
        && !GgufMix.MayConvert(new GgufMixTensor(item.Info.Name, item.Info.Shape));

    private static ModelConfig ConfigOf(Model model, out GgufArchitecture architecture)
    {
        ModelConfig config = model.Configuration;
        architecture = ArchitectureCatalogue.Of(config).Gguf
            ?? throw new UnsupportedModelException(config.Path, GgufModelRules.Architecture, $"llama.cpp has no {config.ModelType}",
                "Export the model to a folder");
        if (architecture.Problem(config) is string problem)
            throw new UnsupportedModelException(config.Path, GgufModelRules.Architecture,
                $"llama.cpp has no {config.ModelType} with {problem}", "Export the model to a folder");
        return config.Quantization is null ? config
            : throw new InvalidFileException(config.Path, GgufModelRules.TensorType,
                "the model is quantized already, in a format of its own", "Give the original model, or open this one as floats");
    }

    private static GgufItem ItemOf(Model model, ModelConfig config, GgufArchitecture architecture, GgufPlace place,
        Func<TensorInfo, GgufTensorType> typeOf)
    {
        TensorInfo tensor = place.Tensor;
        string shape = string.Join(", ", tensor.Shape);
        if (!tensor.Type.IsFloat() || tensor.Shape.Count < 1 || place.Shape.Count > GgufFile.MaxRank || tensor.Count == 0)
        {
            throw new InvalidFileException(model.Checkpoint.FileOf(tensor), GgufModelRules.TensorType,
                $"{tensor.Type} [{shape}] can't be part of a GGUF file",
                "Convert the checkpoint to F32, F16 or BF16", tensor.Name);
        }
        bool plain = !GgufMix.MayConvert(new GgufMixTensor(place.Name, place.Shape));
        GgufRows? rows = architecture.RowsOf(tensor.Name, config);
        if (rows is not null && tensor.Shape[0] != rows.Count)
        {
            throw new InvalidFileException(model.Checkpoint.FileOf(tensor), GgufModelRules.TensorShape,
                $"its shape is [{shape}], and {rows.Parts} need {rows.Count} rows", "Check that config.json belongs to these weights",
                tensor.Name);
        }
        return new GgufItem(tensor, new GgufTensor(place.Name, plain ? GgufTensorType.F32 : typeOf(tensor), place.Shape), rows,
            architecture.NumbersOf(tensor.Name, config), place.Part ?? 0);
    }
}
