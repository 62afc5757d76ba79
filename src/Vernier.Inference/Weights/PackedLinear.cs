using System.Numerics.Tensors;
using System.Runtime.CompilerServices;
using Vernier.Kernels;
using Vernier.Kernels.Preparing;
using Vernier.Numerics;
using Vernier.Packing;

namespace Vernier.Inference.Weights;

/// <summary>A linear layer that runs from packed weights.</summary>
public sealed class PackedLinear : ILinear
{
    private readonly PackedMatrix? _packed;
    private readonly IPreparedMatrix? _prepared;
    private readonly Outliers? _outliers;
    private readonly LowRank? _lowRank;
    private readonly bool _adds;
    private readonly float[]? _bias;

    /// <summary>Makes a layer of a matrix in memory.</summary>
    /// <param name="weight">W, outputs x inputs.</param>
    /// <param name="bias">b, one number for each output, or null.</param>
    /// <param name="arithmetic">Integer products where a kernel serves the matrix, float products, or those of L-Mul.</param>
    /// <param name="workers">The threads that make it ready; null, the default, for <see cref="Workers.Shared"/>.</param>
    public PackedLinear(PackedMatrix weight, float[]? bias = null, PackedArithmetic arithmetic = PackedArithmetic.Integer,
        Workers? workers = null)
        : this(weight?.Layout, bias)
    {
        ArgumentNullException.ThrowIfNull(weight);
        _prepared = arithmetic == PackedArithmetic.Integer ? weight.Prepare(workers ?? Workers.Shared) : null;
        _packed = _prepared is null ? weight : null;
        _adds = arithmetic == PackedArithmetic.LMul;
        // Float products are those of the dequantized weights, which include all that is added.
        (_outliers, _lowRank) = _prepared is null ? (null, null) : (weight.Outliers, weight.LowRank);
    }

    /// <summary>Makes a layer of a matrix that is ready for integer products.</summary>
    /// <param name="layout">How W is stored.</param>
    /// <param name="weight">W, outputs x inputs, made ready.</param>
    /// <param name="bias">b, one number for each output, or null.</param>
    /// <param name="outliers">What is added to some weights, or null.</param>
    /// <param name="lowRank">The matrix of low rank that is added, or null.</param>
    public PackedLinear(PackedLayout layout, IPreparedMatrix weight, float[]? bias = null, Outliers? outliers = null,
        LowRank? lowRank = null)
        : this(layout, bias) => (_prepared, _outliers, _lowRank) = (weight, outliers, lowRank);

    private PackedLinear(PackedLayout? layout, float[]? bias)
    {
        ArgumentNullException.ThrowIfNull(layout, "weight");
        if (bias is not null && bias.Length != layout.Rows)
            throw new ArgumentException($"{bias.Length} biases for {layout.Rows} outputs", nameof(bias));
        (Layout, _bias) = (layout, bias);
    }

    /// <summary>How the weights are stored.</summary>
    public PackedLayout Layout { get; }

    /// <summary>The name of the integer kernel, "float" or "l-mul".</summary>
    public string Kernel => _prepared?.Kernel ?? (_adds ? "l-mul" : "float");

    /// <inheritdoc/>
    public int Inputs => Layout.Columns;

    /// <inheritdoc/>
    public int Outputs => Layout.Rows;

    /// <summary>Whether the layer runs on an integer kernel that multiplies several matrices at once.</summary>
    internal bool SharesInput => _prepared is PreparedWeight;

    /// <inheritdoc/>
    public void Apply(ReadOnlySpan<float> x, Span<float> y, int rows, Workers workers)
    {
        if (rows == 0)
            return;
        if (_prepared is not null)
            _prepared.Multiply(x, rows, y, workers);
        else if (_adds)
            LMulProduct.Multiply(x, rows, _packed!, y, workers);
        else
            PackedProduct.Multiply(x, rows, _packed!, y, workers);
        AddRest(x, y, rows, workers);
    }

    /// <summary>Applies up to three layers that share their input, where <see cref="SharesInput"/>, with the results of one after the
    /// other.</summary>
    internal static void Apply(PackedLinear[] layers, ReadOnlySpan<float> x, ReadOnlySpan<float[]> outputs, int rows, Workers workers)
    {
        Prepared weights = default;
        for (int i = 0; i < layers.Length; i++)
            weights[i] = (PreparedWeight)layers[i]._prepared!;
        PreparedWeight.Multiply(x, rows, weights[..layers.Length], outputs, workers);
        for (int i = 0; i < layers.Length; i++)
            layers[i].AddRest(x, outputs[i], rows, workers);
    }

    private void AddRest(ReadOnlySpan<float> x, Span<float> y, int rows, Workers workers)
    {
        _outliers?.AddProduct(x, rows, y, workers);
        _lowRank?.AddProduct(x, rows, y, workers);
        if (_bias is null)
            return;
        for (int row = 0; row < rows; row++)
        {
            Span<float> target = y.Slice(row * Outputs, Outputs);
            TensorPrimitives.Add(target, _bias, target);
        }
    }

    [InlineArray(3)]
    private struct Prepared
    {
        private PreparedWeight _first;
    }
}
