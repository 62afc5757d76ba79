using System.Numerics;
using System.Numerics.Tensors;
using Vernier.Memory;
using Vernier.Quantization.Solvers.Relaxed;
using Vernier.Quantization.Solvers.Scalar;

namespace Vernier.Quantization.Solvers.AdaRound;

/// <summary>
/// AdaRound: each weight goes to the level below or above it, w~ = lower + h(V) (upper - lower) with h(V) = clip(1.2 sigmoid(V) - 0.1, 0,
/// 1). V
/// starts where w~ = w. After a fifth of the iterations the penalty lambda sum (1 - |2 h - 1|^beta), beta from 20 down to 2, drives h to 0
/// or 1; at the end
/// a weight goes up where h is at least 1/2. Scales stay as they are.
/// <para>M. Nagel, R. Amjad, M. van Baalen, C. Louizos, T. Blankevoort: Up or down? Adaptive rounding for post-training quantization, 2020.
/// On any scalar
/// grid, and with the Gram matrix in place of batches of activations: ours.</para>
/// </summary>
internal sealed class AdaRoundSolver(MatrixProblem problem, ScalarSolution start, AdaRoundStep step)
    : RelaxedRounding(problem, start, step, step.Penalty)
{
    private const float Stretch = 1.2f;
    private const float Margin = 0.1f;
    private const double WarmUp = 0.2;
    private const double FirstBeta = 20;
    private const double LastBeta = 2;

    private readonly float[] _lower = new float[problem.Weights.Length];
    private readonly float[] _step = new float[problem.Weights.Length];
    private readonly byte[] _codes = new byte[problem.Weights.Length];

    /// <summary>The part of the weights whose h is within 0.01 of 0 or 1.</summary>
    internal double Decided
    {
        get
        {
            var heights = new float[Problem.Columns];
            long decided = 0;
            for (int row = 0; row < Problem.Rows; row++)
            {
                Heights(row, heights);
                decided += heights.Count(height => height is <= 0.01f or >= 0.99f);
            }
            return (double)decided / Latents.Length;
        }
    }

    /// <inheritdoc/>
    /// <remarks>Constant, as published: what is decided late must still get to 0 or 1.</remarks>
    protected override double Rate => step.LearningRate;

    protected override void Initialize(int row)
    {
        int columns = Problem.Columns;
        for (int i = row * columns; i < (row + 1) * columns; i++)
        {
            GranuleGrid grid = Start.Grid(row, (i - row * columns) / Start.Width);
            float weight = Problem.Weights[i];
            int code = grid.Below(weight);
            _codes[i] = (byte)code;
            _lower[i] = grid.Decode(code);
            _step[i] = grid.Decode(code + 1) - _lower[i];
            float part = _step[i] == 0 ? 0 : Math.Clamp((weight - _lower[i]) / _step[i], 0, 1);
            Latents[i] = -MathF.Log(Stretch / (part + Margin) - 1);
        }
    }

    protected override void Decode(int row, Span<float> quantized)
    {
        int first = row * Problem.Columns;
        Heights(row, quantized);
        TensorPrimitives.Multiply(quantized, _step.AsSpan(first, quantized.Length), quantized);
        TensorPrimitives.Add(quantized, _lower.AsSpan(first, quantized.Length), quantized);
    }

    protected override void Backward(int row, ReadOnlySpan<float> gradient, Span<float> latentGradient)
    {
        int columns = Problem.Columns, first = row * columns;
        using var heightBuffer = new PooledArray<float>(columns);
        using var pullBuffer = new PooledArray<float>(columns);
        Span<float> heights = heightBuffer.Span, pulls = pullBuffer.Span;
        TensorPrimitives.Sigmoid(Latents.AsSpan(first, columns), latentGradient);
        Heights(row, heights);
        float beta = Progress < WarmUp ? 0 : (float)(FirstBeta + (LastBeta - FirstBeta) * (Progress - WarmUp) / (1 - WarmUp));
        if (beta == 0)
        {
            pulls.Clear();
        }
        else
        {
            // -d/dh lambda |2 h - 1|^beta = -2 lambda beta sign(2 h - 1) |2 h - 1|^(beta - 1)
            TensorPrimitives.Multiply(heights, 2, pulls);
            TensorPrimitives.Subtract(pulls, 1, pulls);
            TensorPrimitives.Abs(pulls, pulls);
            TensorPrimitives.Pow(pulls, beta - 1, pulls);
            TensorPrimitives.Multiply(pulls, Penalties, pulls);
            TensorPrimitives.Multiply(pulls, -2 * beta, pulls);
        }
        int i = 0;
        Vector<float> half = new(0.5f), one = Vector<float>.One, stretch = new(Stretch);
        for (; i <= columns - Vector<float>.Count; i += Vector<float>.Count)
        {
            Vector<float> sigmoid = new(latentGradient[i..]), height = new(heights[i..]), pull = new(pulls[i..]);
            pull = Vector.ConditionalSelect(Vector.LessThan(height, half), -pull, pull);
            Vector<float> slope = stretch * sigmoid * (one - sigmoid),
                total = new Vector<float>(gradient[i..]) * new Vector<float>(_step.AsSpan(first + i)) + pull;
            // Where h is clipped, it does not move with V.
            Vector<int> moves = Vector.GreaterThan(height, Vector<float>.Zero) & Vector.LessThan(height, one);
            Vector.ConditionalSelect(moves, slope * total, Vector<float>.Zero).CopyTo(latentGradient[i..]);
        }
        for (; i < columns; i++)
        {
            float slope = heights[i] is > 0 and < 1 ? Stretch * latentGradient[i] * (1 - latentGradient[i]) : 0;
            latentGradient[i] = slope * (gradient[i] * _step[first + i] + (heights[i] < 0.5f ? -pulls[i] : pulls[i]));
        }
    }

    protected override ScalarSolution Harden()
    {
        ScalarSolution solution = Start.Copy();
        for (int i = 0; i < solution.Codes.Length; i++)
            solution.Codes[i] = (byte)(_codes[i] + (Latents[i] >= 0 ? 1 : 0));
        KeepTheBetterRows(solution);
        return solution;
    }

    private void Heights(int row, Span<float> heights)
    {
        TensorPrimitives.Sigmoid(Latents.AsSpan(row * Problem.Columns, heights.Length), heights);
        TensorPrimitives.Multiply(heights, Stretch, heights);
        TensorPrimitives.Subtract(heights, Margin, heights);
        TensorPrimitives.Max(heights, 0, heights);
        TensorPrimitives.Min(heights, 1, heights);
    }
}
