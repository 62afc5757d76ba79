using System.Numerics.Tensors;
using Vernier.Quantization.Solvers.Relaxed;
using Vernier.Quantization.Solvers.Scalar;

namespace Vernier.Quantization.Solvers.Nupes;

/// <summary>
/// NUPES with data, our reconstruction: each weight may take any code, and the exponents of the grids are learned with the codes. A weight
/// has a place
/// v = N sign(u) |u|^a + delta among the codes, u the weight relative to its granule's largest value and delta its latent; the soft code is
/// floor(v) + 1/2 + tanh(T (v - floor(v) - 1/2)) / (2 tanh(T / 2)), T rising from 1 to 30, and the soft weight lies between the two levels
/// next to
/// it. After a third of the iterations the penalty lambda sum (1 - |2 frac(v) - 1|^2), which rises from 0, drives places to whole codes.
/// <para>delta starts where the place is that of w: of the start the scales and tables are taken, and rows of codes that stay better than
/// what is learned. When an
/// exponent moves, the places move with it and deltas stay. Its gradient passes straight through the rounding, d w~ / da = (value_(k+1) -
/// value_k) N sign(u) |u|^a ln |u|
/// + d value / da; it is held by a = 0.2 + sigmoid(t), by taking 0^a ln 0 for 0, by sums in double precision and by a learning rate of its
/// own.</para>
/// <para>E. Yvinec, A. Dapogny, K. Bailly: NUPES: non-uniform post-training quantization via power exponent search, 2023. The relaxation,
/// the latent and the
/// schedules are ours; the paper leaves them open.</para>
/// </summary>
internal sealed class SoftRound : RelaxedRounding
{
    private const double FirstSharpness = 1;
    private const double LastSharpness = 30;
    private const double PenaltyFrom = 1.0 / 3;
    private const double ExponentRate = 0.001;

    private readonly PowerTable[]? _tables;
    private readonly float[] _logs;
    private readonly float[] _places;
    private readonly float[] _curve;
    private readonly double[] _tableGradients;
    private readonly Adam _tableAdam;

    public SoftRound(MatrixProblem problem, ScalarSolution start, NupesStep step)
        : base(problem, start, step, step.Penalty)
    {
        _tables = step.LearnExponent ? [.. start.Grids.Select(grid => new PowerTable(grid))] : null;
        _logs = _tables is null ? [] : new float[problem.Weights.Length];
        _places = new float[problem.Weights.Length];
        _curve = new float[problem.Weights.Length];
        _tableGradients = new double[problem.Rows * problem.Scalar.Tables];
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
                int below = grid.Below(weight);
                float width = grid.Decode(below + 1) - grid.Decode(below);
                Latents[i] = width == 0 ? Start.Codes[i] : below + (weight - grid.Decode(below)) / width;
                if (table is null)
                    continue;
                float relative = scale == 0 ? 0 : Math.Abs(weight / (scale * table.Top));
                // Below this the power is nothing, and its logarithm would be a danger.
                _logs[i] = relative < 1e-12f ? float.NegativeInfinity : MathF.Log(relative);
            }
        }
        if (_tables is null)
            return;
        // What the power alone gives is taken off again.
        Span<float> latents = Latents.AsSpan(row * columns, columns), places = _places.AsSpan(row * columns, columns);
        Place(row, places);
        TensorPrimitives.Subtract(places, latents, places);
        TensorPrimitives.Subtract(latents, places, latents);
    }

    protected override void Decode(int row, Span<float> quantized)
    {
        int columns = Problem.Columns, first = row * columns;
        float sharpness = Sharpness, half = 0.5f / MathF.Tanh(sharpness / 2);
        Span<float> places = _places.AsSpan(first, columns), curve = _curve.AsSpan(first, columns);
        Place(row, places);
        for (int granule = 0; granule < Start.Granules; granule++)
        {
            int last = Start.Grid(row, granule).Last;
            for (int i = granule * Start.Width; i < Math.Min(columns, (granule + 1) * Start.Width); i++)
            {
                float place = Math.Clamp(places[i], 0, last);
                curve[i] = sharpness * (place - Below(place, last) - 0.5f);
            }
        }
        TensorPrimitives.Tanh(curve, curve);
        Span<float> values = stackalloc float[256];
        for (int granule = 0; granule < Start.Granules; granule++)
        {
            int last = Values(row, granule, values);
            for (int i = granule * Start.Width; i < Math.Min(columns, (granule + 1) * Start.Width); i++)
            {
                int code = Below(Math.Clamp(places[i], 0, last), last);
                quantized[i] = values[code] + (0.5f + half * curve[i]) * (values[code + 1] - values[code]);
            }
        }
    }

    protected override void Backward(int row, ReadOnlySpan<float> gradient, Span<float> latentGradient)
    {
        int columns = Problem.Columns, first = row * columns;
        float sharpness = Sharpness, half = 0.5f / MathF.Tanh(sharpness / 2),
            ramp = (float)Math.Max(0, (Progress - PenaltyFrom) / (1 - PenaltyFrom));
        ReadOnlySpan<float> places = _places.AsSpan(first, columns), curve = _curve.AsSpan(first, columns);
        Span<float> values = stackalloc float[256];
        Span<double> tableGradients = _tableGradients.AsSpan(row * Problem.Scalar.Tables, Problem.Scalar.Tables);
        tableGradients.Clear();
        for (int granule = 0; granule < Start.Granules; granule++)
        {
            int last = Values(row, granule, values), tableIndex = Table(row, granule);
            float scale = (float)Start.Scales[Start.ScaleIndex(row, granule)];
            PowerTable? table = _tables?[tableIndex];
            double sum = 0;
            for (int i = granule * Start.Width; i < Math.Min(columns, (granule + 1) * Start.Width); i++)
            {
                float place = places[i];
                int code = Below(Math.Clamp(place, 0, last), last);
                float width = values[code + 1] - values[code], pull = gradient[i] * width, part = place - code;
                // At the outermost levels a place may come back, but not leave.
                bool outward = (place < 0 && pull > 0) || (place > last && pull < 0);
                latentGradient[i] = outward ? 0 : pull * sharpness * half * (1 - curve[i] * curve[i]);
                if (ramp > 0 && part is > 0 and < 1)
                    latentGradient[i] -= ramp * Penalties[i] * 8 * (part - 0.5f);
                if (table is null || outward)
                    continue;
                float soft = 0.5f + half * curve[i], log = _logs[first + i];
                float moved = float.IsInfinity(log) ? 0 : width * (place - Latents[first + i] + table.First) * log;
                sum += gradient[i] * (moved + scale * (table.Slopes[code] + soft * (table.Slopes[code + 1] - table.Slopes[code])));
            }
            if (table is not null)
                tableGradients[tableIndex % Problem.Scalar.Tables] += sum;
        }
    }

    protected override void EndIteration(int number)
    {
        if (_tables is null)
            return;
        var gradients = new float[_tables.Length];
        var parameters = Array.ConvertAll(_tables, table => table.Parameter);
        for (int table = 0; table < _tables.Length; table++)
        {
            int group = table / Problem.Scalar.Tables, choice = table % Problem.Scalar.Tables;
            double sum = 0;
            for (int row = group * Problem.Scalar.RowsPerGrid; row < Math.Min(Problem.Rows, (group + 1) * Problem.Scalar.RowsPerGrid);
                row++)
                sum += _tableGradients[row * Problem.Scalar.Tables + choice];
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

    protected override ScalarSolution Harden()
    {
        ScalarSolution solution = _tables is null ? Start.Copy() : Start.WithGrids(Array.ConvertAll(_tables, table => table.ToTable()));
        int columns = Problem.Columns;
        Problem.Workers.For(Problem.Rows, row =>
        {
            Span<float> places = _places.AsSpan(row * columns, columns);
            Place(row, places);
            for (int granule = 0; granule < Start.Granules; granule++)
            {
                int last = Start.Grid(row, granule).Last;
                for (int i = granule * Start.Width; i < Math.Min(columns, (granule + 1) * Start.Width); i++)
                    solution.Codes[row * columns + i] = (byte)Math.Clamp(MathF.Round(places[i]), 0, last);
            }
        });
        if (_tables is null)
            KeepTheBetterRows(solution);
        return solution;
    }

    // Of a place within the codes: the lower of the two codes that enclose it.
    private static int Below(float place, int last) => Math.Min((int)place, last - 1);

    private int Table(int row, int granule) => Problem.Scalar.GridOf(row, Start.Scales[Start.ScaleIndex(row, granule)]);

    /// <summary>The places of a row: latents, and where exponents are learned N sign(u) |u|^a less the first index beside them.</summary>
    private void Place(int row, Span<float> places)
    {
        int first = row * Problem.Columns;
        if (_tables is null)
        {
            Latents.AsSpan(first, places.Length).CopyTo(places);
            return;
        }
        for (int granule = 0; granule < Start.Granules; granule++)
        {
            int begin = granule * Start.Width, count = Math.Min(Start.Width, places.Length - begin);
            Span<float> part = places.Slice(begin, count);
            PowerTable table = _tables[Table(row, granule)];
            bool mirrored = Half.IsNegative(Start.Scales[Start.ScaleIndex(row, granule)]);
            // A weight of 0 has the logarithm -infinity, and its power is 0.
            TensorPrimitives.Multiply(_logs.AsSpan(first + begin, count), (float)table.Exponent, part);
            TensorPrimitives.Exp<float>(part, part);
            TensorPrimitives.CopySign(part, Problem.Weights.AsSpan(first + begin, count), part);
            TensorPrimitives.Multiply(part, mirrored ? -table.Largest : table.Largest, part);
            TensorPrimitives.Subtract(part, table.First, part);
            TensorPrimitives.Add(part, Latents.AsSpan(first + begin, count), part);
        }
    }

    /// <summary>The weights that the codes of a granule stand for, and the largest code.</summary>
    private int Values(int row, int granule, Span<float> values)
    {
        GranuleGrid grid = Start.Grid(row, granule);
        float scale = (float)Start.Scales[Start.ScaleIndex(row, granule)];
        for (int code = 0; code <= grid.Last; code++)
            values[code] = _tables is null ? grid.Decode(code) : scale * _tables[Table(row, granule)].Values[code];
        return grid.Last;
    }
}
