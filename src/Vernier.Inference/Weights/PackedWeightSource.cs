using Vernier.Errors;
using Vernier.Files.Checkpoints;
using Vernier.Inference.Configuration;
using Vernier.Kernels;
using Vernier.Kernels.Preparing;
using Vernier.Numerics;
using Vernier.Packing;
using Vernier.Packing.Configuration;

namespace Vernier.Inference.Weights;

/// <summary>Reads the weights of a model that Vernier quantized: packed where they are packed, in single precision where not.</summary>
public sealed class PackedWeightSource : IWeightSource
{
    private readonly Checkpoint _checkpoint;
    private readonly QuantizationConfig _packed;
    private readonly FloatWeightSource _floats;
    private readonly PackedArithmetic _arithmetic;
    private readonly Workers _workers;
    private readonly Dictionary<string, PackedMatrix> _read = new(StringComparer.Ordinal);

    /// <summary>Reads from a checkpoint, which must stay open until the model is loaded.</summary>
    /// <param name="checkpoint">The checkpoint.</param>
    /// <param name="packed">Which of its matrices are packed, and how.</param>
    /// <param name="arithmetic">How the layers multiply.</param>
    /// <param name="workers">The threads that make them ready; null, the default, for <see cref="Workers.Shared"/>.</param>
    public PackedWeightSource(Checkpoint checkpoint, QuantizationConfig packed, PackedArithmetic arithmetic = PackedArithmetic.Integer,
        Workers? workers = null)
    {
        _workers = workers ?? Workers.Shared;
        _arithmetic = arithmetic;
        _checkpoint = checkpoint;
        _packed = packed;
        _floats = new FloatWeightSource(checkpoint);
    }

    /// <inheritdoc/>
    public bool Contains(string name) => _packed.Tensors.ContainsKey(name) || _floats.Contains(name);

    /// <inheritdoc/>
    public ILinear Linear(string weightName, string? biasName, int outputs, int inputs)
    {
        if (LayoutOf(weightName, outputs, inputs) is not PackedLayout layout)
            return _floats.Linear(weightName, biasName, outputs, inputs);
        float[]? bias = biasName is null ? null : _floats.Vector(biasName, outputs);
        if (_arithmetic == PackedArithmetic.Integer
            && PreparedMatrices.Read(_checkpoint, weightName, layout, out Outliers? outliers, out LowRank? lowRank, _workers)
            is IPreparedMatrix prepared)
            return new PackedLinear(layout, prepared, bias, outliers, lowRank);
        return new PackedLinear(Read(weightName, layout), bias, _arithmetic == PackedArithmetic.LMul ? _arithmetic
            : PackedArithmetic.Float, _workers);
    }

    /// <inheritdoc/>
    public float[] Vector(string name, int expectedLength) => _floats.Vector(name, expectedLength);

    /// <inheritdoc/>
    public float[] Values(string name, params IReadOnlyList<int> shape) => _floats.Values(name, shape);

    /// <inheritdoc/>
    public IEmbedding Embedding(string name, int rows, int width) =>
        LayoutOf(name, rows, width) is PackedLayout layout ? new PackedEmbedding(Read(name, layout)) : _floats.Embedding(name, rows, width);

    /// <inheritdoc/>
    public (IEmbedding Embedding, ILinear Head) Tied(string name, int rows, int width)
    {
        if (LayoutOf(name, rows, width) is not PackedLayout layout)
            return ((IWeightSource)_floats).Tied(name, rows, width);
        if (_arithmetic == PackedArithmetic.Integer
            && PreparedMatrices.Read(_checkpoint, name, layout, out Outliers? outliers, out LowRank? lowRank, _workers)
                is IPreparedMatrix prepared)
        {
            IEmbedding embedding = PreparedMatrices.Rows(layout, prepared) is PreparedRows shared
                ? new PackedEmbedding(layout, shared, outliers, lowRank) : new PackedEmbedding(Read(name, layout));
            return (embedding, new PackedLinear(layout, prepared, null, outliers, lowRank));
        }
        return (Embedding(name, rows, width), Linear(name, null, rows, width));
    }

    private PackedLayout? LayoutOf(string name, int rows, int columns)
    {
        if (!_packed.Tensors.TryGetValue(name, out PackedLayout? layout))
            return null;
        if (layout.Rows != rows || layout.Columns != columns)
            throw new InvalidFileException(_checkpoint.Folder, ModelRules.TensorShape,
                $"its shape is [{layout.Rows}, {layout.Columns}] where config.json asks for [{rows}, {columns}]",
                "Quantize the model again", name);
        return layout;
    }

    private PackedMatrix Read(string name, PackedLayout layout)
    {
        if (!_read.TryGetValue(name, out PackedMatrix? packed))
            _read[name] = packed = PackedMatrixReader.Read(_checkpoint, name, layout);
        return packed;
    }
}
