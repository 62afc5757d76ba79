using Vernier.Files.Checkpoints;
using Vernier.Inference.Weights;
using Vernier.Kernels;
using Vernier.Kernels.Preparing;
using Vernier.Numerics;
using Vernier.Packing.Ggml;

namespace Vernier.Inference.Gguf;

/// <summary>The weights of a GGUF file: matrices in blocks as they are, everything else in single precision.</summary>
internal sealed class GgufWeightSource : IWeightSource
{
    private readonly IReadOnlyDictionary<string, GgufTensorSource> _files;
    private readonly FloatWeightSource _floats;
    private readonly PackedArithmetic _arithmetic;
    private readonly Workers _workers;
    private readonly Dictionary<string, BlockMatrix> _read = new(StringComparer.Ordinal);

    /// <summary>Reads from a checkpoint, which must stay open until the model is loaded.</summary>
    /// <param name="checkpoint">The checkpoint.</param>
    /// <param name="files">The file behind each tensor.</param>
    /// <param name="arithmetic">How layers in blocks multiply.</param>
    /// <param name="workers">The threads that make them ready.</param>
    public GgufWeightSource(Checkpoint checkpoint, IReadOnlyDictionary<string, GgufTensorSource> files, PackedArithmetic arithmetic,
        Workers workers) =>
        (_files, _floats, _arithmetic, _workers) = (files, new FloatWeightSource(checkpoint), arithmetic, workers);

    /// <inheritdoc/>
    public bool Contains(string name) => _floats.Contains(name);

    /// <inheritdoc/>
    public ILinear Linear(string weightName, string? biasName, int outputs, int inputs) =>
        Blocks(weightName, outputs, inputs) is BlockMatrix blocks
            ? new PackedLinear(blocks, biasName is null ? null : _floats.Vector(biasName, outputs), _arithmetic, _workers)
            : _floats.Linear(weightName, biasName, outputs, inputs);

    /// <inheritdoc/>
    public float[] Vector(string name, int expectedLength) => _floats.Vector(name, expectedLength);

    /// <inheritdoc/>
    public float[] Values(string name, params IReadOnlyList<int> shape) => _floats.Values(name, shape);

    /// <inheritdoc/>
    public IEmbedding Embedding(string name, int rows, int width) =>
        Blocks(name, rows, width) is BlockMatrix blocks ? new PackedEmbedding(blocks) : _floats.Embedding(name, rows, width);

    /// <inheritdoc/>
    public (IEmbedding Embedding, ILinear Head) Tied(string name, int rows, int width)
    {
        if (Blocks(name, rows, width) is not BlockMatrix blocks)
            return ((IWeightSource)_floats).Tied(name, rows, width);
        _read.Remove(name);
        if (_arithmetic == PackedArithmetic.Integer && blocks.Prepare(_workers) is IPreparedMatrix prepared)
        {
            IEmbedding embedding = PreparedMatrices.Rows(blocks.Layout, prepared) is PreparedRows shared
                ? new PackedEmbedding(blocks.Layout, shared) : new PackedEmbedding(blocks);
            return (embedding, new PackedLinear(blocks.Layout, prepared));
        }
        return (new PackedEmbedding(blocks), new PackedLinear(blocks, null, _arithmetic, _workers));
    }

    // A head that is the embedding is read once. Of another shape than it should have, it is left to the floats, which say so.
    private BlockMatrix? Blocks(string name, int rows, int columns)
    {
        if (_read.TryGetValue(name, out BlockMatrix? known))
            return known;
        if (!_floats.Contains(name) || _files[name].ReadBlocks(name) is not BlockMatrix blocks || blocks.Rows != rows
            || blocks.Columns != columns)
            return null;
        return _read[name] = blocks;
    }
}
