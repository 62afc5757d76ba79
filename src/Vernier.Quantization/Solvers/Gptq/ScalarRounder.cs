using Vernier.Grids;
using Vernier.Quantization.Objectives;
using Vernier.Quantization.Solvers.Scalar;
using Vernier.Quantization.Solvers.Sequential;

namespace Vernier.Quantization.Solvers.Gptq;

/// <summary>Gives columns their scalar codes; where scales are not there yet, each granule gets its own when its turn comes.</summary>
/// <param name="problem">The layer.</param>
/// <param name="factor">The factor, for the order of the columns.</param>
/// <param name="solution">Receives codes and scales.</param>
/// <param name="importance">How much each column counts in the fit of scales; null where scales are there.</param>
/// <param name="granuleCodes">As many as a granule has.</param>
internal struct ScalarRounder(MatrixProblem problem, GramFactor factor, ScalarSolution solution, float[]? importance,
    Memory<byte> granuleCodes) : IRounder
{
    private readonly int[] _order = factor.Order;
    private readonly int _width = solution.Width, _columns = problem.Columns;

    // Those of the row in hand.
    private readonly GranuleGrid[] _grids = new GranuleGrid[solution.Granules];

    /// <inheritdoc/>
    public readonly int Step => 1;

    /// <inheritdoc/>
    public readonly void BeginBlock(ReadOnlySpan<float> weights, int first, int end)
    {
    }

    /// <inheritdoc/>
    public readonly void BeginPiece(int row, int place, ReadOnlySpan<float> line)
    {
        if (importance is null)
        {
            for (int granule = 0; granule < _grids.Length; granule++)
                _grids[granule] = solution.Grid(row, granule);
        }
        else if (place % _width != 0)
        {
            _grids[place / _width] = solution.Grid(row, place / _width);
        }
    }

    /// <inheritdoc/>
    public readonly void Round(int row, int place, ReadOnlySpan<float> line, Span<float> quantized)
    {
        int column = _order[place], granule = column / _width;
        if (importance is not null && place == granule * _width)
            Fit(row, granule, line);
        int code = _grids[granule].Encode(line[place]);
        solution.Codes[row * _columns + column] = (byte)code;
        quantized[0] = _grids[granule].Decode(code);
    }

    private readonly void Fit(int row, int granule, ReadOnlySpan<float> weights)
    {
        int first = granule * _width, count = Math.Min(_width, _columns - first);
        ReadOnlySpan<float> weighting = importance!.Length == 0 ? [] : importance.AsSpan(first, count);
        FittedGranule fitted = problem.Fit.Fit(weights.Slice(first, count), weighting, problem.TablesOf(row), granuleCodes.Span[..count]);
        solution.Keep(solution.ScaleIndex(row, granule), fitted);
        _grids[granule] = solution.Grid(row, granule);
    }
}
