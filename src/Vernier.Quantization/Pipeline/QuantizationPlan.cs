using System.Collections.Concurrent;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Vernier.Errors;
using Vernier.Files;
using Vernier.Files.Checkpoints;
using Vernier.Grids;
using Vernier.Grids.Minifloat;
using Vernier.Inference.Models;
using Vernier.Levels;
using Vernier.Packing;
using Vernier.Packing.Configuration;
using Vernier.Packing.Scalar;
using Vernier.Quantization.Recipes;
using Vernier.Quantization.Solvers;
using Vernier.Quantization.Solvers.Outliers;
using Vernier.Quantization.Transforms;
using Vernier.Quantization.Weights;

namespace Vernier.Quantization.Pipeline;

/// <summary>What happens to one tensor.</summary>
/// <param name="Tensor">The tensor.</param>
/// <param name="Role">What it is in the network.</param>
/// <param name="Layout">How it is packed, or null where it stays as it is.</param>
public sealed record PlannedTensor(TensorInfo Tensor, TensorRole Role, PackedLayout? Layout);

/// <summary>
/// What a run will write, known before any work: every array and its size, and with them the exact size of the result.
/// </summary>
public sealed class QuantizationPlan
{
    private static readonly JsonSerializerOptions s_json = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly Lazy<ChannelOrder> _order;

    // Of the matrices that have been checked.
    private readonly ConcurrentDictionary<string, int> _shifts = new(StringComparer.Ordinal);

    private QuantizationPlan(Checkpoint checkpoint, QuantizationOptions options, IReadOnlyList<PlannedTensor> tensors, byte[] config, long sourceConfigBytes)
    {
        Checkpoint = checkpoint;
        Options = options;
        Tensors = tensors;
        Config = config;
        Arrays = [.. tensors.SelectMany(planned => planned.Layout is null ? [planned.Tensor] : planned.Layout.Arrays(planned.Tensor.Name))];
        Bytes = CheckpointWriter.SizeOf(Arrays) + config.Length;
        SourceBytes = checkpoint.Files.Sum(file => new FileInfo(file.Path).Length) + sourceConfigBytes;
        Parameters = tensors.Sum(planned => planned.Tensor.Count);
        _order = new Lazy<ChannelOrder>(FindOrder);
    }

    /// <summary>The checkpoint that is quantized.</summary>
    public Checkpoint Checkpoint { get; }

    /// <summary>What was asked for.</summary>
    public QuantizationOptions Options { get; }

    /// <summary>The tensors in the order of the checkpoint.</summary>
    public IReadOnlyList<PlannedTensor> Tensors { get; }

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

    /// <summary>Bits per weight of the result: 8 <see cref="Bytes"/> / <see cref="Parameters"/>. Everything that is stored counts.</summary>
    public double BitsPerWeight => 8.0 * Bytes / Parameters;

    /// <summary>Bits per weight of the source.</summary>
    public double SourceBitsPerWeight => 8.0 * SourceBytes / Parameters;

    /// <summary>The order that the channels of the result have; found when it is first asked for, from the weights.</summary>
    /// <exception cref="InvalidFileException">The recipe orders channels, and the model does not have the tensors of its configuration.</exception>
    public ChannelOrder Order => _order.Value;

    /// <summary>The weights of a matrix, in the order of the result.</summary>
    public WeightMatrix Matrix(PlannedTensor planned)
    {
        ArgumentNullException.ThrowIfNull(planned);
        return new WeightMatrix(Checkpoint, planned.Tensor, Order.Of(planned.Tensor.Name), _shifts.TryGetValue(planned.Tensor.Name, out int shift) ? shift : null);
    }

    /// <summary>Checks that all weights of a matrix are finite numbers.</summary>
    /// <exception cref="InvalidFileException">A weight is not.</exception>
    public void CheckFinite(PlannedTensor planned)
    {
        ArgumentNullException.ThrowIfNull(planned);
        _shifts[planned.Tensor.Name] = new WeightMatrix(Checkpoint, planned.Tensor).Shift;
    }

    /// <summary>Plans a run.</summary>
    /// <param name="checkpoint">The checkpoint, which must outlive the plan.</param>
    /// <param name="options">What to do.</param>
    /// <exception cref="InvalidFileException">
    /// config.json is invalid, the model is quantized already, or nothing in it can be quantized; where outliers have to be counted, a weight is not finite.
    /// </exception>
    public static QuantizationPlan Create(Checkpoint checkpoint, QuantizationOptions options)
    {
        ArgumentNullException.ThrowIfNull(checkpoint);
        ArgumentNullException.ThrowIfNull(options);
        using var model = Model.Open(checkpoint.Folder);
        string path = model.ConfigPath;
        if (model.Config.TryGetProperty("quantization_config", out JsonElement quantized) && quantized.ValueKind != JsonValueKind.Null)
            throw new InvalidFileException(path, "already-quantized", "the model is quantized already", "Give the original model");
        PlannedTensor[] tensors = [.. checkpoint.Tensors.Select(tensor => Plan(checkpoint, tensor, options))];
        if (!Array.Exists(tensors, planned => planned.Layout is not null))
            throw new InvalidFileException(checkpoint.Folder, "nothing-to-quantize", "no tensor is a matrix of floats that may be quantized", "Check the model, --keep and --embedding-bits");
        var packed = tensors.Where(planned => planned.Layout is not null).ToDictionary(planned => planned.Tensor.Name, planned => planned.Layout!, StringComparer.Ordinal);
        JsonObject config = JsonObject.Create(model.Config)!;
        config["quantization_config"] = new QuantizationConfig(options.Recipe.Name, packed).ToJson();
        return new QuantizationPlan(checkpoint, options, tensors, JsonSerializer.SerializeToUtf8Bytes(config, s_json), model.Kind == ModelKind.Gguf ? 0 : new FileInfo(path).Length);
    }

    private ChannelOrder FindOrder() => Options.Recipe.Reorder && ModelSource.Runs(Checkpoint.Folder, out _)
        ? ChannelOrder.Find(Checkpoint, ModelSource.Configuration(Checkpoint.Folder), Options.Recipe.Grid.Rows)
        : ChannelOrder.None;

    private static PlannedTensor Plan(Checkpoint checkpoint, TensorInfo tensor, QuantizationOptions options)
    {
        TensorRole role = TensorRoles.Of(tensor);
        int? bits = role switch
        {
            TensorRole.Linear => options.LinearBits,
            TensorRole.Embedding => options.EmbeddingBits,
            _ => null,
        };
        if (bits is null || options.Keep?.IsMatch(tensor.Name) == true)
            return new PlannedTensor(tensor, role, null);
        GridPart grid = GridOf(role, options.Recipe);
        int rows = (int)tensor.Shape[0];
        PackedLayout? own = GridMethod.Of(options.Recipe)?.LayoutOf(tensor, role, options);
        if (own is null && options.Recipe.Grid.Kind == GridKind.Ggml)
            return new PlannedTensor(tensor, role, null);
        PackedLayout layout = own ?? Scalar();
        if (role == TensorRole.Linear && options.Recipe.Outliers?.Sigma is double sigma)
        {
            int count = OutlierBound.Count(new WeightMatrix(checkpoint, tensor), sigma);
            return new PlannedTensor(tensor, role, layout with { Outliers = count, OutlierSource = count > 0 ? SourceOf(tensor.Type) : null });
        }
        return new PlannedTensor(tensor, role, layout with { Outliers = CountOf(OutlierStructure.Weights, tensor.Count), OutlierColumns = CountOf(OutlierStructure.Columns, tensor.Shape[1]), Rank = Rank() });

        int Rank() => role == TensorRole.Linear && options.Recipe.LowRank is LowRankPart part ? (int)Math.Min(part.Rank, Math.Min(tensor.Shape[0], tensor.Shape[1])) : 0;

        ScalarLayout Scalar()
        {
            IReadOnlyList<MinifloatFormat> formats = grid.FormatsFor(bits.Value);
            bool floats = formats.Any(MinifloatGrid.IsFloat);
            bool wide = !floats && ((grid.Kind is GridKind.Power or GridKind.NormalFloat or GridKind.Codebook && bits > 6) || !formats.All(MinifloatGrid.FitsInSByte)
                || (bits == 8 && grid.Layouts.Any(layout => layout is LevelLayout.MidRise or LevelLayout.Asymmetric)));
            Granularity granularity = role == TensorRole.Linear ? options.LinearGranularity : options.Granularity;
            int rowsPerGrid = grid.Scope == GridScope.Rows ? Math.Min(grid.Rows, rows) : rows;
            bool zeroPoints = grid.Layouts.Contains(LevelLayout.Asymmetric);
            return new ScalarLayout(rows, (int)tensor.Shape[1], bits.Value, granularity, rowsPerGrid, grid.TablesFor(bits.Value), wide, zeroPoints)
            {
                FloatLevels = floats,
                ScaleFormat = grid.ScaleFormat,
            };
        }

        static ElementType SourceOf(ElementType type) => type is ElementType.F16 or ElementType.BF16 ? type : ElementType.F32;

        int CountOf(OutlierStructure structure, long all) => role == TensorRole.Linear && options.Recipe.Outliers is OutlierPart part && part.Structure == structure
            ? (int)Math.Clamp(Math.Round(part.Share!.Value * all), 1, int.MaxValue)
            : 0;
    }

    /// <summary>The grid of a tensor: the recipe's for linear layers; uniform, every code used, for embeddings and the head.</summary>
    internal static GridPart GridOf(TensorRole role, Recipe recipe) =>
        role == TensorRole.Linear ? recipe.Grid : new GridPart { Kind = GridKind.Uniform, Layouts = [LevelLayout.Full] };
}
