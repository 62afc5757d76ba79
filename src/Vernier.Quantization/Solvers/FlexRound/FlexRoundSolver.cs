using System.Numerics.Tensors;
using Vernier.Quantization.Solvers.Relaxed;
using Vernier.Quantization.Solvers.Scalar;

namespace Vernier.Quantization.Solvers.FlexRound;

/// <summary>
/// FlexRound: w~ = decode(encode(w / S)), S = exp(latent of the weight + latent of the row). All latents start at 0, which is rounding to
/// nearest. The
/// rounding passes its gradient straight through, so that d w~ / d latent = -w / S: the larger a weight, the further it may move. Weights
/// beyond the outermost
/// levels pass none. S is not stored.
/// <para>J. Lee, J. Kim, S. Kwon, D. Lee: FlexRound: learnable rounding based on element-wise division for post-training quantization,
/// 2023. The scale s1 is not
/// learned by gradient; the step that refines scales finds the best for given codes. Of all iterations each row keeps its best.</para>
/// </summary>
internal sealed class FlexRoundSolver(MatrixProblem problem, ScalarSolution start, FlexRoundStep step)
    : RelaxedRounding(problem, start, step, penalty: 0)
{
    private readonly ScalarSolution _best = start.Copy();
    private readonly double[] _least = [.. Enumerable.Repeat(double.PositiveInfinity, problem.Rows)];
    private readonly byte[] _codes = new byte[problem.Weights.Length];
    private readonly float[] _divided = new float[problem.Weights.Length];
    private readonly float[] _rowLatents = new float[problem.Rows];
    private readonly float[] _rowGradient = new float[problem.Rows];
    private readonly Adam _rowAdam = new(problem.Rows);

    protected override void Initialize(int row) => Latents.AsSpan(row * Problem.Columns, Problem.Columns).Clear();

    protected override void Decode(int row, Span<float> quantized)
    {
        int first = row * Problem.Columns;
        Span<float> divided = _divided.AsSpan(first, quantized.Length);
        TensorPrimitives.Negate(Latents.AsSpan(first, quantized.Length), divided);
        TensorPrimitives.Subtract(divided, _rowLatents[row], divided);
        TensorPrimitives.Exp<float>(divided, divided);
        TensorPrimitives.Multiply(divided, Problem.Weights.AsSpan(first, quantized.Length), divided);
        for (int granule = 0; granule < Start.Granules; granule++)
        {
            GranuleGrid grid = Start.Grid(row, granule);
            for (int i = granule * Start.Width; i < Math.Min(quantized.Length, (granule + 1) * Start.Width); i++)
            {
                int code = grid.Encode(divided[i]);
                _codes[first + i] = (byte)code;
                quantized[i] = grid.Decode(code);
            }
        }
    }

    protected override void Observe(int row, double objective)
    {
        if (objective >= _least[row])
            return;
        _least[row] = objective;
        _codes.AsSpan(row * Problem.Columns, Problem.Columns).CopyTo(_best.Codes.AsSpan(row * Problem.Columns));
    }

    protected override void Backward(int row, ReadOnlySpan<float> gradient, Span<float> latentGradient)
    {
        float sum = 0;
        ReadOnlySpan<float> all = _divided.AsSpan(row * gradient.Length, gradient.Length);
        for (int granule = 0; granule < Start.Granules; granule++)
        {
            GranuleGrid grid = Start.Grid(row, granule);
            float low = Math.Min(grid.Decode(0), grid.Decode(grid.Last)), high = Math.Max(grid.Decode(0), grid.Decode(grid.Last));
            for (int i = granule * Start.Width; i < Math.Min(gradient.Length, (granule + 1) * Start.Width); i++)
            {
                float divided = all[i];
                latentGradient[i] = divided < low || divided > high ? 0 : -gradient[i] * divided;
                sum += latentGradient[i];
            }
        }
        _rowGradient[row] = sum;
    }

    protected override void EndIteration(int number) =>
        _rowAdam.Step(0, _rowLatents, _rowGradient, Rate, number);

    protected override ScalarSolution Harden()
    {
        KeepTheBetterRows(_best);
        return _best;
    }
}
