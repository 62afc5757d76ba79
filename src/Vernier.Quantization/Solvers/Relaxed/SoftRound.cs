using System.Numerics.Tensors;
using Vernier.Numerics;
using Vernier.Quantization.Recipes;

namespace Vernier.Quantization.Solvers.Relaxed;

/// <summary>
/// NUPES with data, our reconstruction: each weight may take any code, and the exponents of the grids are learned with the codes. A weight has a place
/// v = N sign(u) |u|^a + delta among the codes, u the weight relative to its granule's largest value and delta its latent; the soft code is
/// floor(v) + 1/2 + tanh(T (v - floor(v) - 1/2)) / (2 tanh(T / 2)), T rising from 1 to 30, and the soft weight lies between the two levels next to
/// it. After a third of the iterations the penalty lambda sum (1 - |2 frac(v) - 1|^2) drives places to whole codes.
/// <para>delta starts where the place is that of w, but within the cell of the starting code, so that the hardened start is the start. When an exponent moves, the
/// places move with it and deltas stay. Its gradient passes straight through the rounding, d w~ / da = (value_(k+1) - value_k) N sign(u) |u|^a ln |u|
/// + d value / da; it is held by a = 0.2 + sigmoid(t), by taking 0^a ln 0 for 0, by sums in double precision and by a learning rate of its own.</para>
/// <para>E. Yvinec, A. Dapogny, K. Bailly: NUPES: non-uniform post-training quantization via power exponent search, 2023. The relaxation, the latent and the
/// schedules are ours; the paper leaves them open.</para>
/// </summary>
internal sealed class SoftRound : RelaxedRounding
{
    private const double FirstSharpness = 1;
    private const double LastSharpness = 30;
    private const double PenaltyFrom = 1.0 / 3;
    private const double ExponentRate = 0.01;

    private readonly PowerTable[]? _tables;
    private readonly float[] _logs;
    private readonly double[] _tableGradients;
    private readonly Adam _tableAdam;

    public SoftRound(LayerProblem problem, LayerSolution start, SolverStep step)
        : base(problem, start, step)
    {
        _tables = step.LearnExponent ? [.. start.Grids.Select(grid => new PowerTable(grid))] : null;
        _logs = _tables is null ? [] : new float[problem.Weights.Length];
        _tableGradients = new double[problem.Rows * problem.Spec.Tables];
        _tableAdam = new Adam(start.Grids.Length);
    }

    private float Sharpness => (float)(FirstSharpness * Math.Pow(LastSharpness / FirstSharpness, Progress));

    protected override void Initialize(int row)
    {
        int columns = Problem.Columns;
        for (int granule = 0; granule < Start.Granules; granule++)
        {
            GranuleGrid grid = Start.Grid(row, granule);
            float scale = (float)Start.Scales[Start.ScaleIndex(row, granule)];
            PowerTable? table = _tables?[Table(row, granule)];
            for (int i = row * columns + granule * Start.Width; i < row * columns + Math.Min(columns, (granule + 1) * Start.Width); i++)
            {
                float weight = Problem.Weights[i];
                int code = Start.Codes[i], below = grid.Below(weight);
                float width = grid.Decode(below + 1) - grid.Decode(below), place = width == 0 ? code : below + (weight - grid.Decode(below)) / width;
                Latents[i] = Math.Clamp(place, code - 0.49f, code + 0.49f);
                if (table is null)
                    continue;
                float relative = scale == 0 ? 0 : Math.Abs(weight / (scale * table.Top));
                // Below this the power is nothing, and its logarithm would be a danger.
                _logs[i] = relative < 1e-12f ? float.NegativeInfinity : MathF.Log(relative);
                Latents[i] -= BasePlace(table, weight * scale, _logs[i]);
            }
        }
    }

    protected override void Decode(int row, Span<float> quantized) => Pass(row, quantized, default, default);

    protected override void Backward(int row, ReadOnlySpan<float> gradient, Span<float> latentGradient) => Pass(row, default, gradient, latentGradient);

    protected override void EndIteration(int number)
    {
        if (_tables is null)
            return;
        var gradients = new float[_tables.Length];
        var parameters = Array.ConvertAll(_tables, table => table.Parameter);
        for (int table = 0; table < _tables.Length; table++)
        {
            int group = table / Problem.Spec.Tables, choice = table % Problem.Spec.Tables;
            double sum = 0;
            for (int row = group * Problem.Spec.RowsPerGrid; row < Math.Min(Problem.Rows, (group + 1) * Problem.Spec.RowsPerGrid); row++)
                sum += _tableGradients[row * Problem.Spec.Tables + choice];
            sum *= _tables[table].ExponentSlope;
            gradients[table] = double.IsFinite(sum) ? (float)Math.Clamp(sum, -1e6, 1e6) : 0;
        }
        _tableAdam.Step(0, parameters, gradients, ExponentRate * 0.5 * (1 + Math.Cos(Math.PI * Progress)), number);
        for (int table = 0; table < _tables.Length; table++)
        {
            _tables[table].Parameter = parameters[table];
            _tables[table].Update();
        }
    }

    protected override LayerSolution Harden()
    {
        LayerSolution solution = _tables is null ? Start.Copy() : Start.WithGrids(Array.ConvertAll(_tables, table => table.ToTable()));
        int columns = Problem.Columns;
        ParallelLoop.For(Problem.Rows, row =>
        {
            for (int granule = 0; granule < Start.Granules; granule++)
            {
                int last = Start.Grid(row, granule).Last;
                float scale = (float)Start.Scales[Start.ScaleIndex(row, granule)];
                for (int i = row * columns + granule * Start.Width; i < row * columns + Math.Min(columns, (granule + 1) * Start.Width); i++)
                    solution.Codes[i] = (byte)Math.Clamp(MathF.Round(PlaceOf(row, granule, i, scale)), 0, last);
            }
        });
        if (_tables is null)
            KeepTheBetterRows(solution);
        return solution;
    }

    /// <summary>Forward where there is no gradient, backward where there is one: both walk the same soft codes.</summary>
    private void Pass(int row, Span<float> quantized, ReadOnlySpan<float> gradient, Span<float> latentGradient)
    {
        int columns = Problem.Columns, first = row * columns;
        float sharpness = Sharpness, half = 0.5f / MathF.Tanh(sharpness / 2), penalty = Progress < PenaltyFrom ? 0 : (float)Step.Penalty;
        using var curveBuffer = new PooledArray<float>(columns);
        using var belowBuffer = new PooledArray<float>(columns);
        Span<float> curve = curveBuffer.Span, below = belowBuffer.Span;
        for (int granule = 0; granule < Start.Granules; granule++)
        {
            float scale = (float)Start.Scales[Start.ScaleIndex(row, granule)];
            int last = Start.Grid(row, granule).Last;
            for (int i = granule * Start.Width; i < Math.Min(columns, (granule + 1) * Start.Width); i++)
            {
                float place = Math.Clamp(PlaceOf(row, granule, first + i, scale), 0, last);
                below[i] = Math.Min(MathF.Floor(place), last - 1);
                curve[i] = sharpness * (place - below[i] - 0.5f);
            }
        }
        TensorPrimitives.Tanh(curve, curve);
        if (gradient.IsEmpty)
        {
            for (int granule = 0; granule < Start.Granules; granule++)
            {
                GranuleGrid grid = Start.Grid(row, granule);
                float scale = (float)Start.Scales[Start.ScaleIndex(row, granule)];
                float[]? values = _tables?[Table(row, granule)].Values;
                for (int i = granule * Start.Width; i < Math.Min(columns, (granule + 1) * Start.Width); i++)
                {
                    int code = (int)below[i];
                    float low = values is null ? grid.Decode(code) : scale * values[code], high = values is null ? grid.Decode(code + 1) : scale * values[code + 1];
                    quantized[i] = low + (0.5f + half * curve[i]) * (high - low);
                }
            }
            return;
        }
        _tableGradients.AsSpan(row * Problem.Spec.Tables, Problem.Spec.Tables).Clear();
        for (int granule = 0; granule < Start.Granules; granule++)
        {
            GranuleGrid grid = Start.Grid(row, granule);
            float scale = (float)Start.Scales[Start.ScaleIndex(row, granule)];
            int tableIndex = Table(row, granule);
            PowerTable? table = _tables?[tableIndex];
            double sum = 0;
            for (int i = granule * Start.Width; i < Math.Min(columns, (granule + 1) * Start.Width); i++)
            {
                int code = (int)below[i];
                float width = table is null ? grid.Decode(code + 1) - grid.Decode(code) : scale * (table.Values[code + 1] - table.Values[code]);
                float slope = sharpness * half * (1 - curve[i] * curve[i]), place = PlaceOf(row, granule, first + i, scale), part = place - code;
                // At the outermost levels a place may come back, but not leave.
                bool outward = (place < 0 && gradient[i] * width > 0) || (place > grid.Last && gradient[i] * width < 0);
                latentGradient[i] = outward ? 0 : gradient[i] * width * slope;
                if (penalty > 0 && part is > 0 and < 1)
                    latentGradient[i] += penalty * -8 * (part - 0.5f);
                if (table is null || outward)
                    continue;
                float soft = 0.5f + half * curve[i], log = _logs[first + i];
                double moved = float.IsInfinity(log) ? 0 : width * (BasePlace(table, Problem.Weights[first + i] * scale, log) + table.First) * log;
                sum += gradient[i] * (moved + scale * (table.Slopes[code] + soft * (table.Slopes[code + 1] - table.Slopes[code])));
            }
            if (table is not null)
                _tableGradients[row * Problem.Spec.Tables + tableIndex % Problem.Spec.Tables] += sum;
        }
    }

    private int Table(int row, int granule) => Problem.Spec.GridOf(row, Start.Scales[Start.ScaleIndex(row, granule)]);

    private float PlaceOf(int row, int granule, int index, float scale) => _tables is null
        ? Latents[index]
        : Latents[index] + BasePlace(_tables[Table(row, granule)], Problem.Weights[index] * scale, _logs[index]);

    /// <summary>N sign(u) |u|^a less the first index.</summary>
    private static float BasePlace(PowerTable table, float signed, float log) =>
        MathF.CopySign(float.IsInfinity(log) ? 0 : table.Largest * MathF.Exp((float)table.Exponent * log), signed) - table.First;
}
