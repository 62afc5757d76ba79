using System.Numerics.Tensors;
using Vernier.Memory;
using Vernier.Numerics;
using Vernier.Quantization.Solvers.Scalar;

namespace Vernier.Quantization.Solvers.Relaxed;

/// <summary>
/// The part that all learned roundings share: one latent number for each weight, or several, weights decoded from them softly, the layer
/// objective's gradient with
/// respect to the decoded weights, 2 (Q - W) H, passed on to the latents by the chain rule, and Adam. No activation is needed: H holds all
/// of them.
/// <para>The objective is divided by the mean diagonal of H and by the mean squared distance of neighbouring levels, so that learning rates
/// and penalties mean
/// the same in every layer.</para>
/// </summary>
/// <param name="problem">The layer.</param>
/// <param name="start">The codes to start from; not changed.</param>
/// <param name="step">The step of the recipe.</param>
/// <param name="penalty">The weight of what drives rounding to whole codes.</param>
/// <param name="latents">The latents of a weight.</param>
internal abstract class RelaxedRounding(MatrixProblem problem, ScalarSolution start, LearnedStep step, double penalty, int latents = 1)
{
    private readonly float[] _quantized = new float[problem.Weights.Length];
    private readonly float[] _gradient = new float[problem.Weights.Length];
    private double _objectiveUnit = 1;

    /// <summary>The layer.</summary>
    protected MatrixProblem Problem => problem;

    /// <summary>The codes to start from.</summary>
    protected ScalarSolution Start => start;

    /// <summary>The latents, R x C; of several for a weight, R x latents x C.</summary>
    protected float[] Latents { get; } = new float[checked(problem.Weights.Length * latents)];

    /// <summary>The latents of a row, [latents, C].</summary>
    protected Span<float> LatentsOf(int row) => Latents.AsSpan(row * problem.Columns * latents, problem.Columns * latents);

    /// <summary>What a squared distance of weights is multiplied by: 1 / mean of the squared distances of neighbouring levels.</summary>
    protected double WeightUnit { get; private set; } = 1;

    /// <summary>The part of the iterations that is done, 0 to 1.</summary>
    protected double Progress { get; private set; }

    /// <summary>The learning rate: it falls to 0 along a cosine.</summary>
    protected virtual double Rate => step.LearningRate * 0.5 * (1 + Math.Cos(Math.PI * Progress));

    /// <summary>Learns, and gives each weight a code.</summary>
    public ScalarSolution Run()
    {
        int rows = problem.Rows, columns = problem.Columns;
        WeightUnit = 1 / Math.Max(MeanSquaredStep(), 1e-30);
        _objectiveUnit = WeightUnit / problem.Objective.MeanDiagonal;
        float[] gram = Array.ConvertAll(problem.Objective.Gram, value => (float)(value * _objectiveUnit));
        problem.Workers.For(rows, Initialize);
        var adam = new Adam(Latents.Length);
        for (int iteration = 0; iteration < step.Iterations; iteration++)
        {
            Progress = (double)iteration / step.Iterations;
            double rate = Rate;
            problem.Workers.For(rows, row =>
            {
                Span<float> quantized = _quantized.AsSpan(row * columns, columns);
                Decode(row, quantized);
                TensorPrimitives.Subtract(quantized, problem.Weights.AsSpan(row * columns, columns), quantized);
            });
            MatrixProduct.MultiplyTransposed(_quantized, gram, _gradient, rows, columns, columns, problem.Workers);
            int number = iteration + 1;
            problem.Workers.For(rows, row =>
            {
                using var latentGradient = new PooledArray<float>(columns * latents);
                Span<float> gradient = _gradient.AsSpan(row * columns, columns);
                Observe(row, TensorPrimitives.Dot<float>(_quantized.AsSpan(row * columns, columns), gradient));
                TensorPrimitives.Multiply(gradient, 2, gradient);
                Backward(row, gradient, latentGradient.Span);
                adam.Step(row * columns * latents, LatentsOf(row), latentGradient.Span, rate, number);
            });
            EndIteration(number);
        }
        return Harden();
    }

    /// <summary>
    /// The weight of the penalty on each column: lambda H_jj / m, m the mean diagonal. The objective alone curves by 2 H_jj / m along a
    /// weight; a penalty in
    /// proportion to it makes whole codes win in every column alike.
    /// </summary>
    protected float[] Penalties { get; } = Array.ConvertAll(
        problem.Objective.Diagonal, value => (float)(penalty * value / problem.Objective.MeanDiagonal));

    /// <summary>Sets the latents of a row.</summary>
    protected abstract void Initialize(int row);

    /// <summary>The weights of a row that the latents stand for.</summary>
    protected abstract void Decode(int row, Span<float> quantized);

    /// <summary>Told the objective of a row as decoded.</summary>
    protected virtual void Observe(int row, double objective)
    {
    }

    /// <summary>The gradient with respect to the latents of a row.</summary>
    /// <param name="row">The row.</param>
    /// <param name="gradient">The gradient with respect to the decoded weights.</param>
    /// <param name="latentGradient">Receives the gradient with respect to the latents.</param>
    protected abstract void Backward(int row, ReadOnlySpan<float> gradient, Span<float> latentGradient);

    /// <summary>Called when the latents of all rows have moved.</summary>
    protected virtual void EndIteration(int number)
    {
    }

    /// <summary>The weights that the latents stand for, R x C, before anything is hardened.</summary>
    internal float[] Decoded()
    {
        var weights = new float[problem.Weights.Length];
        for (int row = 0; row < problem.Rows; row++)
            Decode(row, weights.AsSpan(row * problem.Columns, problem.Columns));
        return weights;
    }

    /// <summary>The codes that the latents stand for.</summary>
    protected abstract ScalarSolution Harden();

    /// <summary>Where the objective of a row is not below that of the start, the row is taken from the start.</summary>
    protected void KeepTheBetterRows(ScalarSolution solution)
    {
        int columns = problem.Columns;
        double[] before = problem.Objective.RowValues(problem.Weights, start.Decode()),
            after = problem.Objective.RowValues(problem.Weights, solution.Decode());
        for (int row = 0; row < before.Length; row++)
        {
            if (after[row] >= before[row])
                start.Codes.AsSpan(row * columns, columns).CopyTo(solution.Codes.AsSpan(row * columns));
        }
    }

    private double MeanSquaredStep()
    {
        var sums = new double[problem.Rows];
        problem.Workers.For(problem.Rows, row =>
        {
            for (int granule = 0; granule < start.Granules; granule++)
            {
                GranuleGrid grid = start.Grid(row, granule);
                double range = (double)grid.Decode(grid.Last) - grid.Decode(0);
                sums[row] += range * range / ((double)grid.Last * grid.Last);
            }
        });
        return sums.Sum() / ((double)problem.Rows * start.Granules);
    }
}
