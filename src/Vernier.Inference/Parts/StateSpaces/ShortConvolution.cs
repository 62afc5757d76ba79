using System.Numerics.Tensors;
using Vernier.Inference.Passes;
using Vernier.Numerics;

namespace Vernier.Inference.Parts.StateSpaces;

/// <summary>The short convolution of LFM2 (Liquid AI, 2025): W_out (C * conv(B * x)), with B, C and x from one projection.</summary>
public sealed class ShortConvolution : IBlockPart
{
    private readonly int _layer, _width;
    private readonly CausalConvolution _convolution;
    private readonly RecurrentShape _shape;

    /// <summary>Puts the part together.</summary>
    /// <param name="layer">The block's number.</param>
    /// <param name="input">To B, C and x.</param>
    /// <param name="output">Out.</param>
    /// <param name="weight">Channels x length.</param>
    /// <param name="bias">One for each channel, or null.</param>
    public ShortConvolution(int layer, LinearSlot input, LinearSlot output, float[] weight, float[]? bias)
    {
        ArgumentNullException.ThrowIfNull(input);
        ArgumentNullException.ThrowIfNull(output);
        (_layer, _width) = (layer, output.Inputs);
        if (input.Outputs != 3 * _width)
            throw new ArgumentException("the layers do not fit together", nameof(input));
        _convolution = new CausalConvolution(weight, bias, _width, isSilu: false);
        _shape = new RecurrentShape(_width, _convolution.Length - 1, 0);
        Groups = [new LinearGroup(input), new LinearGroup(output)];
    }

    /// <inheritdoc/>
    public IReadOnlyList<LinearGroup> Groups { get; }

    /// <inheritdoc/>
    public LayerStateShape State => _shape;

    /// <inheritdoc/>
    public void Forward(ReadOnlySpan<float> x, Span<float> delta, ForwardContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        int rows = context.Rows, all = 3 * _width;
        float[] projected = context.Buffers.Query(rows, all), y = context.Buffers.Inner(rows, _width);
        Groups[0].Slots[0].Layer.Apply(x, projected.AsSpan(0, rows * all), rows, context.Workers);
        RowMatrix b = new(projected, 0, all), c = new(projected, _width, all), inner = new(projected, 2 * _width, all);
        RowMath.ForRows(context.Workers, rows, _width, new ProductWork { A = b, B = inner, Width = _width });
        (float[][] inputs, _) = RecurrentPass.Begin(_layer, _shape, context);
        _convolution.Run(inner, inputs, context);
        RowMath.ForRows(context.Workers, rows, _width, new ProductWork { A = c, B = inner, Width = _width, Dense = y });
        Groups[1].Slots[0].Layer.Apply(y.AsSpan(0, rows * _width), delta, rows, context.Workers);
    }

    /// <summary>b = a b, also into rows without gaps.</summary>
    private struct ProductWork : ITeamWork
    {
        public RowMatrix A, B;
        public int Width;
        public float[]? Dense;

        public readonly void Invoke(int index)
        {
            Span<float> b = B.Row(index, Width);
            TensorPrimitives.Multiply(A.Row(index, Width), b, b);
            if (Dense is not null)
                b.CopyTo(Dense.AsSpan(index * Width));
        }
    }
}
