using Vernier.Files;
using Vernier.Kernels;
using Vernier.Packing;

namespace Vernier.Inference;

/// <summary>Reads the weights of a model that Vernier quantized: packed where they are packed, in single precision where not.</summary>
public sealed class PackedWeightSource : IWeightSource
{
    private readonly Checkpoint _checkpoint;
    private readonly QuantizationConfig _packed;
    private readonly FloatWeightSource _floats;
    private readonly PackedArithmetic _arithmetic;
    private readonly Dictionary<string, PackedTensor> _read = new(StringComparer.Ordinal);

    /// <summary>Reads from a checkpoint, which must stay open until the model is loaded.</summary>
    /// <param name="checkpoint">The checkpoint.</param>
    /// <param name="packed">Which of its matrices are packed, and how.</param>
    /// <param name="arithmetic">How the layers multiply.</param>
    public PackedWeightSource(Checkpoint checkpoint, QuantizationConfig packed, PackedArithmetic arithmetic = PackedArithmetic.Integer)
    {
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
        if (SpecOf(weightName, outputs, inputs) is not PackedTensorSpec spec)
            return _floats.Linear(weightName, biasName, outputs, inputs);
        float[]? bias = biasName is null ? null : _floats.Vector(biasName, outputs);
        if (_arithmetic == PackedArithmetic.Integer && PackedTensorReader.Prepare(_checkpoint, weightName, spec, out Outliers? outliers) is PreparedWeight prepared)
            return new PackedLinear(prepared, bias, outliers);
        return new PackedLinear(Read(weightName, spec), bias, PackedArithmetic.Float);
    }

    /// <inheritdoc/>
    public float[] Vector(string name, int expectedLength) => _floats.Vector(name, expectedLength);

    /// <inheritdoc/>
    public IEmbedding Embedding(string name, int rows, int width) =>
        SpecOf(name, rows, width) is PackedTensorSpec spec ? new PackedEmbedding(Read(name, spec)) : _floats.Embedding(name, rows, width);

    private PackedTensorSpec? SpecOf(string name, int rows, int columns)
    {
        if (!_packed.Tensors.TryGetValue(name, out PackedTensorSpec? spec))
            return null;
        if (spec.Rows != rows || spec.Columns != columns)
            throw new InvalidFileException(_checkpoint.Folder, ModelRules.TensorShape, $"its shape is [{spec.Rows}, {spec.Columns}] where config.json asks for [{rows}, {columns}]", "Quantize the model again", name);
        return spec;
    }

    private PackedTensor Read(string name, PackedTensorSpec spec)
    {
        if (!_read.TryGetValue(name, out PackedTensor? packed))
            _read[name] = packed = PackedTensorReader.Read(_checkpoint, name, spec);
        return packed;
    }
}
