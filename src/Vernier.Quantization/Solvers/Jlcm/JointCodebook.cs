using System.Numerics.Tensors;
using Vernier.Levels;
using Vernier.Memory;
using Vernier.Quantization.Solvers.Codebooks;
using Vernier.Quantization.Solvers.Relaxed;
using Vernier.Quantization.Solvers.Scalar;

namespace Vernier.Quantization.Solvers.Jlcm;

/// <summary>
/// JLCM: codebook and mapping learned together. A weight is w~ = s sum_k p_k C_k, p = softmax(T I), over the codewords next to the original
/// weight, with a logit I_k for
/// each; T rises from 1 to 20, and at the end each weight takes the codeword of its largest logit. The exact gradient by a logit, T dL/dw~
/// p_k (s C_k - w~), is
/// larger the farther the codeword; the proximal one, T dL/dw~ p_k sign(s C_k - w~) d / (1 + |s C_k - w~| / d) with d the median distance
/// of neighbouring codewords,
/// is larger the nearer. After a third of the iterations the penalty 2 lambda (1 - sum_k p_k^2), which rises from 0, drives weights to
/// single codewords. The gradient by the codebook is exact, s sum p_k dL/dw~ over all weights. Codebooks are stored as they are rounded at
/// the end, and scales
/// refitted to them.
/// <para>E. Yvinec, A. Dapogny, K. Bailly: JLCM, joint learning of codebooks and mappings, 2023. The start, the schedule and the decreasing
/// function are our
/// reconstruction.</para>
/// </summary>
internal sealed class JointCodebook : RelaxedRounding
{
    private const double LastSharpness = 20;

    // A weight half-way between two codewords gives them the same part; one on a codeword gives the next a ninth of its part.
    private const float FirstFall = 2.2f;

    private const double PenaltyFrom = 1.0 / 3;

    // What the codebook moves by in a step, relative to the learning rate of the logits and to the distance of codewords.
    private const double CodebookRate = 0.004;

    private readonly JlcmStep _step;
    private readonly int _neighbours;
    private readonly int _entries;
    private readonly byte[] _first;
    private readonly float[] _values;
    private readonly float[] _gaps;
    private readonly double[] _rowGradients;
    private readonly Adam _adam;

    public JointCodebook(MatrixProblem problem, ScalarSolution start, JlcmStep step)
        : base(problem, start, step, step.Penalty, Math.Min(step.Neighbours, 1 << problem.Scalar.Bits))
    {
        _step = step;
        _entries = 1 << problem.Scalar.Bits;
        _neighbours = Math.Min(step.Neighbours, _entries);
        _first = new byte[problem.Weights.Length];
        _values = Array.ConvertAll(ScalarCodebooks.Values(start.Grids), value => (float)value);
        _gaps = Array.ConvertAll(start.Grids, Gap);
        _rowGradients = new double[step.FreezeCodebook ? 0 : problem.Rows * problem.Scalar.Tables * _entries];
        _adam = new Adam(_values.Length);
    }

    private float Sharpness => (float)Math.Pow(LastSharpness, Progress);

    protected override void Initialize(int row)
    {
        int columns = Problem.Columns;
        Span<float> latents = LatentsOf(row);
        for (int granule = 0; granule < Start.Granules; granule++)
        {
            GranuleGrid grid = Start.Grid(row, granule);
            float gap = Math.Abs(Scale(row, granule)) * _gaps[Table(row, granule)];
            for (int i = granule * Start.Width; i < Math.Min(columns, (granule + 1) * Start.Width); i++)
            {
                float weight = Problem.Weights[row * columns + i];
                // As many on either side; of an even number the two that enclose the weight are in the middle.
                int centre = _neighbours % 2 == 1 ? grid.Nearest(weight) - _neighbours / 2 : grid.Below(weight) + 1 - _neighbours / 2;
                int first = Math.Clamp(centre, 0, _entries - _neighbours);
                _first[row * columns + i] = (byte)first;
                for (int k = 0; k < _neighbours; k++)
                {
                    float distance = gap == 0 ? 0 : (grid.Decode(first + k) - weight) / gap;
                    latents[k * columns + i] = -FirstFall * distance * distance;
                }
            }
        }
    }

    protected override void Decode(int row, Span<float> quantized)
    {
        using var parts = new PooledArray<float>(_neighbours * Problem.Columns);
        Parts(row, parts.Span);
        Mix(row, parts.Span, quantized);
    }

    protected override void Backward(int row, ReadOnlySpan<float> gradient, Span<float> latentGradient)
    {
        int columns = Problem.Columns;
        float sharpness = Sharpness;
        using var partBuffer = new PooledArray<float>(_neighbours * columns);
        using var mixed = new PooledArray<float>(columns);
        Span<float> parts = partBuffer.Span;
        Parts(row, parts);
        Mix(row, parts, mixed.Span);
        Span<double> own = _rowGradients.Length == 0 ? []
            : _rowGradients.AsSpan(row * Problem.Scalar.Tables * _entries, Problem.Scalar.Tables * _entries);
        own.Clear();
        float ramp = (float)Math.Max(0, (Progress - PenaltyFrom) / (1 - PenaltyFrom));
        for (int granule = 0; granule < Start.Granules; granule++)
        {
            int table = Table(row, granule), choice = table % Problem.Scalar.Tables;
            float scale = Scale(row, granule), gap = Math.Abs(scale) * _gaps[table];
            ReadOnlySpan<float> values = _values.AsSpan(table * _entries, _entries);
            for (int i = granule * Start.Width; i < Math.Min(columns, (granule + 1) * Start.Width); i++)
            {
                int first = _first[row * columns + i];
                float squares = 0, press = 4 * ramp * Penalties[i];
                for (int k = 0; k < _neighbours; k++)
                    squares += parts[k * columns + i] * parts[k * columns + i];
                for (int k = 0; k < _neighbours; k++)
                {
                    float part = parts[k * columns + i], distance = scale * values[first + k] - mixed.Span[i];
                    latentGradient[k * columns + i] = sharpness * part * (gradient[i] * Pull(distance, gap) - press * (part - squares));
                    if (own.Length > 0)
                        own[choice * _entries + first + k] += (double)gradient[i] * part * scale;
                }
            }
        }
    }

    /// <summary>What takes the place of the distance of a codeword from the weight in the gradient of its logit.</summary>
    internal float Pull(float distance, float gap) =>
        _step.Gradient == MappingGradient.Exact ? distance : gap == 0 ? 0 : MathF.Sign(distance) * gap / (1 + Math.Abs(distance) / gap);

    protected override void EndIteration(int number)
    {
        if (_rowGradients.Length == 0)
            return;
        int perRow = Problem.Scalar.Tables * _entries;
        var gradients = new float[_values.Length];
        Problem.Workers.For(_values.Length, i =>
        {
            int group = i / perRow;
            double sum = 0;
            for (int row = group * Problem.Scalar.RowsPerGrid; row < Math.Min(Problem.Rows, (group + 1) * Problem.Scalar.RowsPerGrid);
                row++)
                sum += _rowGradients[row * perRow + i % perRow];
            gradients[i] = (float)sum;
        });
        for (int table = 0; table < _gaps.Length; table++)
            _adam.Step(table * _entries, _values.AsSpan(table * _entries, _entries), gradients.AsSpan(table * _entries, _entries),
                CodebookRate * _gaps[table] * Rate, number);
    }

    protected override ScalarSolution Harden()
    {
        ScalarSolution solution = Start.Copy();
        int columns = Problem.Columns;
        Problem.Workers.For(Problem.Rows, row =>
        {
            ReadOnlySpan<float> latents = LatentsOf(row);
            for (int i = 0; i < columns; i++)
            {
                int best = 0;
                for (int k = 1; k < _neighbours; k++)
                    best = latents[k * columns + i] > latents[best * columns + i] ? k : best;
                solution.Codes[row * columns + i] = (byte)(_first[row * columns + i] + best);
            }
        });
        if (_rowGradients.Length > 0)
            return ScalarCodebooks.Apply(Problem, solution, Array.ConvertAll(_values, value => (double)value));
        KeepTheBetterRows(solution);
        return solution;
    }

    /// <summary>p of a row, [neighbours, columns].</summary>
    private void Parts(int row, Span<float> parts)
    {
        int columns = Problem.Columns;
        using var workBuffer = new PooledArray<float>(columns);
        Span<float> work = workBuffer.Span;
        ReadOnlySpan<float> latents = LatentsOf(row);
        latents[..columns].CopyTo(work);
        for (int k = 1; k < _neighbours; k++)
            TensorPrimitives.Max(work, latents.Slice(k * columns, columns), work);
        for (int k = 0; k < _neighbours; k++)
            TensorPrimitives.Subtract(latents.Slice(k * columns, columns), work, parts.Slice(k * columns, columns));
        parts = parts[..(_neighbours * columns)];
        TensorPrimitives.Multiply(parts, Sharpness, parts);
        TensorPrimitives.Exp<float>(parts, parts);
        parts[..columns].CopyTo(work);
        for (int k = 1; k < _neighbours; k++)
            TensorPrimitives.Add(work, parts.Slice(k * columns, columns), work);
        for (int k = 0; k < _neighbours; k++)
            TensorPrimitives.Divide(parts.Slice(k * columns, columns), work, parts.Slice(k * columns, columns));
    }

    private void Mix(int row, ReadOnlySpan<float> parts, Span<float> quantized)
    {
        int columns = Problem.Columns;
        for (int granule = 0; granule < Start.Granules; granule++)
        {
            float scale = Scale(row, granule);
            ReadOnlySpan<float> values = _values.AsSpan(Table(row, granule) * _entries, _entries);
            for (int i = granule * Start.Width; i < Math.Min(columns, (granule + 1) * Start.Width); i++)
            {
                int first = _first[row * columns + i];
                float sum = 0;
                for (int k = 0; k < _neighbours; k++)
                    sum += parts[k * columns + i] * values[first + k];
                quantized[i] = scale * sum;
            }
        }
    }

    private float Scale(int row, int granule) => (float)Start.Scales[Start.ScaleIndex(row, granule)];

    private int Table(int row, int granule) => Problem.Scalar.GridOf(row, Start.Scales[Start.ScaleIndex(row, granule)]);

    private static float Gap(LevelTable table)
    {
        float[] gaps = [.. Enumerable.Range(1, table.Values.Length - 1).Select(i => table.Values[i] - table.Values[i - 1])
            .Where(gap => gap > 0).Order()];
        return gaps.Length == 0 ? 0 : gaps[gaps.Length / 2];
    }
}
