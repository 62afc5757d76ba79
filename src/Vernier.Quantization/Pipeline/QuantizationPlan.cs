using System.Collections.Concurrent;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Vernier.Errors;
using Vernier.Files;
using Vernier.Files.Checkpoints;
using Vernier.Grids.Specs;
using Vernier.Inference.Configuration;
using Vernier.Inference.Models;
using Vernier.Numerics;
using Vernier.Packing.Configuration;
using Vernier.Quantization.Allocation;
using Vernier.Quantization.Networks;
using Vernier.Quantization.Transforms;
using Vernier.Quantization.Weights;

namespace Vernier.Quantization.Pipeline;

/// <summary>
/// What a run will write, known before any work: every array and its size, and with them the exact size of the result.
/// </summary>
public sealed class QuantizationPlan
{
    private static readonly JsonSerializerOptions s_json =
        new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly Lazy<ChannelOrder> _order;
    private readonly Lazy<NetworkShape?> _network;

    // Of the matrices that have been checked.
    private readonly ConcurrentDictionary<string, int> _shifts = new(StringComparer.Ordinal);

    private QuantizationPlan(Model model, QuantizationOptions options, IReadOnlyList<TensorPlan> tensors, byte[] config,
        long sourceConfigBytes, Workers workers)
    {
        Model = model;
        Options = options;
        Workers = workers;
        Tensors = tensors;
        Config = config;
        Arrays = [.. tensors.SelectMany(planned => planned.Layout is null ? [planned.Tensor] : planned.Layout.Arrays(planned.Tensor.Name))];
        Bytes = CheckpointWriter.SizeOf(Arrays) + config.Length;
        SourceBytes = Checkpoint.Files.Sum(file => new FileInfo(file.Path).Length) + sourceConfigBytes;
        Parameters = tensors.Sum(planned => planned.Tensor.Count);
        _order = new Lazy<ChannelOrder>(FindOrder);
        _network = new Lazy<NetworkShape?>(() => NetworkFactory.ShapeOf(model));
    }

    /// <summary>The model that is quantized.</summary>
    public Model Model { get; }

    /// <summary>Its tensors.</summary>
    public Checkpoint Checkpoint => Model.Checkpoint;

    /// <summary>Who works on it. No result depends on their number.</summary>
    public Workers Workers { get; }

    /// <summary>What was asked for.</summary>
    public QuantizationOptions Options { get; }

    /// <summary>The tensors in the order of the checkpoint.</summary>
    public IReadOnlyList<TensorPlan> Tensors { get; }

    /// <summary>The arrays of the written checkpoint, in order.</summary>
    public IReadOnlyList<TensorInfo> Arrays { get; }

    /// <summary>The config.json of the result.</summary>
    public ReadOnlyMemory<byte> Config { get; }

    /// <summary>The exact bytes of the written checkpoint, all headers included, and its config.json.</summary>
    public long Bytes { get; }

    /// <summary>The bytes of the source's checkpoint and config.json.</summary>
    public long SourceBytes { get; }

    /// <summary>The number of weights of the network.</summary>
    public long Parameters { get; }

    /// <summary>Bits per weight of the result: 8 <see cref="Bytes"/> / <see cref="Parameters"/>. Everything that is stored
    /// counts.</summary>
    public double BitsPerWeight => 8.0 * Bytes / Parameters;

    /// <summary>Bits per weight of the source.</summary>
    public double SourceBitsPerWeight => 8.0 * SourceBytes / Parameters;

    /// <summary>The order that the channels of the result have; found when it is first asked for, from the weights.</summary>
    /// <exception cref="InvalidFileException">The recipe orders channels, and the model does not have the tensors of its
    /// configuration.</exception>
    public ChannelOrder Order => _order.Value;

    /// <summary>The layers of the network, without its weights; null where the architecture does not run here.</summary>
    internal NetworkShape? Network => _network.Value;

    /// <summary>The weights of a matrix, in the order of the result.</summary>
    public WeightMatrix Matrix(TensorPlan planned)
    {
        ArgumentNullException.ThrowIfNull(planned);
        return new WeightMatrix(Checkpoint, planned.Tensor, Order.Of(planned.Tensor.Name),
            _shifts.TryGetValue(planned.Tensor.Name, out int shift) ? shift : null, Workers);
    }

    /// <summary>Checks that all weights of a matrix are finite numbers.</summary>
    /// <exception cref="InvalidFileException">A weight is not.</exception>
    public void CheckFinite(TensorPlan planned)
    {
        ArgumentNullException.ThrowIfNull(planned);
        _shifts[planned.Tensor.Name] = new WeightMatrix(Checkpoint, planned.Tensor, workers: Workers).Shift;
    }

    /// <summary>Takes the largest magnitudes of matrices that have been checked.</summary>
    internal void Know(IReadOnlyDictionary<string, float> magnitudes)
    {
        foreach ((string name, float largest) in magnitudes)
            _shifts[name] = WeightMatrix.ShiftOf(largest);
    }

    /// <summary><see cref="WeightMatrix.Shift"/> of a matrix that has been checked; null for another.</summary>
    internal int? KnownShift(string name) => _shifts.TryGetValue(name, out int shift) ? shift : null;

    /// <summary>What to say of a calibration on so many tokens: layers that have more inputs. Their Gram matrices have no inverse, and
    /// damping stands in for what was not seen. Null where there are none, or the recipe observes nothing.</summary>
    /// <param name="tokens">The tokens.</param>
    public string? ShortCalibration(long tokens)
    {
        if (!Options.Recipe.NeedsCalibration || Network is null)
            return null;
        HashSet<string> packed = [.. Tensors.Where(planned => planned.Layout is not null).Select(planned => planned.Name)];
        LayerShape[] layers = [.. Network.Groups.SelectMany(group => group.Layers)
            .Where(layer => layer.Inputs > tokens && packed.Contains(layer.Name))];
        return layers.MaxBy(layer => layer.Inputs) is not LayerShape widest ? null
            : $"{tokens} calibration tokens are fewer than the inputs of {layers.Length} {(layers.Length == 1 ? "layer" : "layers")} (up "
                + $"to "
            + $"{widest.Inputs}, {widest.Name}): what they don't show is left to damping";
    }

    /// <summary>Plans a run.</summary>
    /// <param name="model">The model, which must stay open as long as the plan is used.</param>
    /// <param name="options">What to do.</param>
    /// <param name="workers">Who works on the plan, and on the run; they must outlive both. Null for all processors.</param>
    /// <exception cref="InvalidFileException">
    /// config.json is invalid, the model is quantized already, or nothing in it can be quantized; where outliers have to be counted, a
    /// weight is not finite.
    /// </exception>
    public static QuantizationPlan Create(Model model, QuantizationOptions options, Workers? workers = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(options);
        string path = model.ConfigPath;
        // Codes of other programs are named first.
        if (model.Quantization is not null
            || model.Config.TryGetProperty("quantization_config", out JsonElement quantized) && quantized.ValueKind != JsonValueKind.Null)
            throw new InvalidFileException(path, "already-quantized", "the model is quantized already", "Give the original model");
        model.Check();
        TensorPlan[] tensors = new TensorPlanner(model.Checkpoint, options, workers ?? Workers.Shared).Run();
        // The types of a GGUF file may be none but floats.
        bool floats = options.Allocator is BlockFormatAllocator && tensors.Length > 0;
        if (!floats && !Array.Exists(tensors, planned => planned.Layout is not null))
            throw new InvalidFileException(model.Path, "nothing-to-quantize", "no tensor is a matrix of floats that may be quantized",
                "Check the model, and which tensors are left as they are");
        var packed = tensors.Where(planned => planned.Layout is not null)
            .ToDictionary(planned => planned.Tensor.Name, planned => planned.Layout!, StringComparer.Ordinal);
        JsonObject config = JsonObject.Create(model.Config)!;
        config["quantization_config"] = new QuantizationConfig(options.Recipe.Name, packed).ToJson();
        return new QuantizationPlan(model, options, tensors,
            BareNumbers.Restore(JsonSerializer.SerializeToUtf8Bytes(config, s_json)),
            model.Kind == ModelKind.Gguf ? 0 : new FileInfo(path).Length,
            workers ?? Workers.Shared);
    }

    private ChannelOrder FindOrder() => Options.Recipe is { Reorder: true, Grid: ScalarGridSpec grid }
        && Model.TryGetConfiguration(out ModelConfig? config)
        ? ChannelOrder.Find(Checkpoint, config, grid.Rows, Workers)
        : ChannelOrder.None;
}
