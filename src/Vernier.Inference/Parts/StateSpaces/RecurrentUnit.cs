using System.Numerics.Tensors;
using Vernier.Inference.Configuration;
using Vernier.Inference.Passes;
using Vernier.Memory;
using Vernier.Numerics;

namespace Vernier.Inference.Parts.StateSpaces;

/// <summary>
/// The recurrent block of Griffin and RecurrentGemma (De et al., 2024): W_out (act(W_y x) * rglru(conv(W_x x))). The unit, with gates from
/// its input u in blocks of channels, r = sigmoid(W_r u + b_r) and i = sigmoid(W_i u + b_i):
/// <code>
/// log a = -8 r softplus(p),   h_t = a h_(t-1) + sqrt(1 - a^2) i u,   at the first position h = i u
/// </code>
/// </summary>
public sealed class RecurrentUnit : IBlockPart
{
    private readonly int _layer, _width, _blocks;
    private readonly LinearGroup _inputs, _output;
    private readonly CausalConvolution _convolution;
    private readonly RecurrentShape _shape;
    private readonly Activation _activation;
    private readonly float[] _inputWeight, _inputBias, _resetWeight, _resetBias, _rate;

    /// <summary>Puts the part together.</summary>
    /// <param name="layer">The block's number.</param>
    /// <param name="inputs">To y and x.</param>
    /// <param name="output">Out.</param>
    /// <param name="convolution">Channels x length, and the bias or null.</param>
    /// <param name="activation">Of y.</param>
    /// <param name="inputGate">W_i, blocks x size x size with inputs first, and b_i.</param>
    /// <param name="resetGate">W_r and b_r.</param>
    /// <param name="rate">p, one for each channel.</param>
    /// <param name="blocks">The blocks of channels.</param>
    public RecurrentUnit(int layer, LinearGroup inputs, LinearGroup output, (float[] Weight, float[]? Bias) convolution,
        Activation activation, (float[] Weight, float[] Bias) inputGate, (float[] Weight, float[] Bias) resetGate, float[] rate, int blocks)
    {
        ArgumentNullException.ThrowIfNull(output);
        (_layer, _inputs, _output, _activation, _width, _blocks) = (layer, inputs, output, activation, output.Inputs, blocks);
        (_inputWeight, _inputBias) = inputGate;
        (_resetWeight, _resetBias) = resetGate;
        _rate = Array.ConvertAll(rate, value => -8 * ActivationFunctions.Softplus(value));
        _convolution = new CausalConvolution(convolution.Weight, convolution.Bias, _width, isSilu: false);
        _shape = new RecurrentShape(_width, _convolution.Length - 1, _width);
        Groups = [inputs, output];
    }

    /// <inheritdoc/>
    public IReadOnlyList<LinearGroup> Groups { get; }

    /// <inheritdoc/>
    public LayerStateShape State => _shape;

    /// <inheritdoc/>
    public void Forward(ReadOnlySpan<float> x, Span<float> delta, ForwardContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        int rows = context.Rows;
        float[] y = context.Buffers.Query(rows, _width), u = context.Buffers.Key(rows, _width), acted = context.Buffers.Inner(rows, _width);
        _inputs.Apply(x, [y, u], rows, context.Workers);
        (float[][] inputs, float[][] states) = RecurrentPass.Begin(_layer, _shape, context);
        _convolution.Run(new RowMatrix(u, 0, _width), inputs, context);
        var work = new Work { Part = this, Context = context, U = u, States = states };
        context.Workers.Run(checked(_blocks * context.SegmentCount), ref work);
        RowMath.ForRows(context.Workers, rows, 8 * _width, new OutputWork { Part = this, Y = y, U = u, Acted = acted });
        _output.Slots[0].Layer.Apply(acted.AsSpan(0, rows * _width), delta, rows, context.Workers);
    }

    /// <summary>One block of channels of one segment, token after token; h takes the place of u.</summary>
    private struct Work : ITeamWork
    {
        public RecurrentUnit Part;
        public ForwardContext Context;
        public float[] U;
        public float[][] States;

        public readonly void Invoke(int index)
        {
            (int segment, int block) = Math.DivRem(index, Part._blocks);
            (int first, int rows, int position) = Context.Place(segment);
            int size = Part._width / Part._blocks, from = block * size;
            Span<float> state = States[segment].AsSpan(from, size);
            using var buffer = new PooledArray<float>(2 * size);
            Span<float> entering = buffer.Span[..size], reset = buffer.Span[size..];
            for (int row = 0; row < rows; row++)
            {
                Span<float> u = U.AsSpan((first + row) * Part._width + from, size);
                Gate(Part._inputWeight, Part._inputBias, block, size, u, entering);
                Gate(Part._resetWeight, Part._resetBias, block, size, u, reset);
                for (int i = 0; i < size; i++)
                {
                    float logarithm = Part._rate[from + i] * reset[i];
                    bool begins = position + row == 0;
                    float kept = begins ? 0 : MathF.Exp(logarithm), share = begins ? 1 : MathF.Sqrt(1 - MathF.Exp(2 * logarithm));
                    u[i] = state[i] = kept * state[i] + share * entering[i] * u[i];
                }
            }
        }

        private static void Gate(float[] weight, float[] bias, int block, int size, ReadOnlySpan<float> u, Span<float> gate)
        {
            bias.AsSpan(block * size, size).CopyTo(gate);
            for (int i = 0; i < size; i++)
                TensorPrimitives.MultiplyAdd(weight.AsSpan((block * size + i) * size, size), u[i], gate, gate);
            TensorPrimitives.Sigmoid<float>(gate, gate);
        }
    }

    private struct OutputWork : ITeamWork
    {
        public RecurrentUnit Part;
        public float[] Y, U, Acted;

        public readonly void Invoke(int index)
        {
            int width = Part._width;
            Span<float> acted = Acted.AsSpan(index * width, width);
            ActivationFunctions.Apply(Part._activation, Y.AsSpan(index * width, width), acted);
            TensorPrimitives.Multiply(acted, U.AsSpan(index * width, width), acted);
        }
    }
}
