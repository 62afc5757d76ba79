using System.Numerics.Tensors;
using Vernier.Errors;
using Vernier.Numerics;

namespace Vernier.Inference;

/// <summary>
/// One decoder block: h += attention(norm(h)), then h += feed-forward(norm(h)).
/// </summary>
public sealed class Block
{
    private readonly ModelConfig _config;
    private readonly LinearTable _linears = new();
    private readonly AttentionPart _attention;
    private readonly FeedForwardPart _feedForward;
    private readonly float[] _attentionNorm;
    private readonly float[] _feedForwardNorm;

    private Block(ModelConfig config, IWeightSource weights, int layer)
    {
        (_config, Layer) = (config, layer);
        _attentionNorm = weights.Vector($"model.layers.{layer}.input_layernorm.weight", config.HiddenSize);
        _attention = new AttentionPart(config, weights, layer, _linears);
        _feedForwardNorm = weights.Vector($"model.layers.{layer}.post_attention_layernorm.weight", config.HiddenSize);
        _feedForward = new FeedForwardPart(config, weights, layer, _linears);
    }

    /// <summary>The block's number, from 0.</summary>
    public int Layer { get; }

    /// <summary>The linear layers by the names of their weights, in the order in which they are applied.</summary>
    public IReadOnlyDictionary<string, ILinear> Linears => _linears.All;

    /// <summary>Loads a block.</summary>
    /// <exception cref="InvalidFileException">A tensor is missing or has another shape.</exception>
    public static Block Load(ModelConfig config, IWeightSource weights, int layer)
    {
        ArgumentNullException.ThrowIfNull(config);
        ArgumentNullException.ThrowIfNull(weights);
        ArgumentOutOfRangeException.ThrowIfNegative(layer);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(layer, config.LayerCount);
        return new Block(config, weights, layer);
    }

    /// <summary>Puts another linear layer in place of one: a quantized one, or one that records what passes through it.</summary>
    /// <exception cref="ArgumentException">There is no layer of that name, or its shape differs.</exception>
    public void Replace(string weightName, ILinear linear)
    {
        ArgumentNullException.ThrowIfNull(linear);
        _linears.Replace(weightName, linear);
    }

    /// <summary>Runs the block on all rows of a pass.</summary>
    /// <param name="hidden">The residual stream, rows x hidden size; changed in place.</param>
    /// <param name="context">The pass.</param>
    public void Forward(float[] hidden, ForwardContext context)
    {
        ArgumentNullException.ThrowIfNull(hidden);
        ArgumentNullException.ThrowIfNull(context);
        int rows = context.Rows, width = _config.HiddenSize, length = checked(rows * width);
        ArgumentOutOfRangeException.ThrowIfLessThan(hidden.Length, length);
        float[] normed = context.Buffers.Normed(rows, width), delta = context.Buffers.Delta(rows, width);
        var rowWork = new RowWork { Hidden = hidden, Normed = normed, Weight = _attentionNorm, Epsilon = _config.NormEpsilon, Width = width };
        RowMath.ForRows(rows, width, rowWork);
        _attention.Forward(normed.AsSpan(0, length), delta.AsSpan(0, length), context);
        RowMath.ForRows(rows, width, rowWork with { Delta = delta, Weight = _feedForwardNorm });
        _feedForward.Forward(normed.AsSpan(0, length), delta.AsSpan(0, length), context);
        RowMath.ForRows(rows, width, rowWork with { Delta = delta, Weight = null });
    }

    /// <summary>hidden += delta, then normed = norm(hidden), each where it is given.</summary>
    private struct RowWork : ITeamWork
    {
        public float[] Hidden, Normed;
        public float[]? Delta, Weight;
        public float Epsilon;
        public int Width;

        public readonly void Invoke(int index)
        {
            Span<float> line = Hidden.AsSpan(index * Width, Width);
            if (Delta is not null)
                TensorPrimitives.Add(line, Delta.AsSpan(index * Width, Width), line);
            if (Weight is not null)
                RowMath.RmsNorm(line, Weight, Epsilon, Normed.AsSpan(index * Width, Width));
        }
    }
}
