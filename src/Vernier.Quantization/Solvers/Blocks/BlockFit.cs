using Vernier.Files.Gguf.Blocks;

namespace Vernier.Quantization.Solvers.Blocks;

/// <summary>
/// Chooses the scales and minimums of a block for the least weighted squared error, sum v (w - q)^2: of each sub-block the best pair of
/// real numbers, then the two
/// halves and the integers that come nearest in error, then integers, halves and codes in turn while the error falls. Codes are the nearest
/// levels. Not for several
/// threads at once.
/// </summary>
internal sealed class BlockFit
{
    private const int Trials = 16, Rounds = 2;
    private const float LeastTrial = 0.55f, MostTrial = 1.15f;

    private static readonly float[] s_factors = [1, 0.96f, 0.9f, 0.84f];

    private readonly BlockGrid _grid;
    private readonly BlockFormat _format;
    private readonly float[] _scales, _mins;
    private readonly BlockParts _trial;
    private readonly int _width;

    /// <summary>Creates the search for a format.</summary>
    public BlockFit(BlockGrid grid)
    {
        (_grid, _format) = (grid, grid.Format);
        (_scales, _mins) = (new float[_format.SubBlocks], new float[_format.SubBlocks]);
        _trial = new BlockParts(_format);
        _width = _format.SubBlockColumns;
    }

    /// <summary>Fits a block.</summary>
    /// <param name="weights">Its weights.</param>
    /// <param name="importance">How much each counts, none negative.</param>
    /// <param name="parts">Receives scales, minimums and codes.</param>
    public void Fit(ReadOnlySpan<float> weights, ReadOnlySpan<float> importance, BlockParts parts)
    {
        for (int sub = 0; sub < _scales.Length; sub++)
            (_scales[sub], _mins[sub]) = Best(Slice(weights, sub), Slice(importance, sub));
        if (_grid.IsExponent)
            ChooseExponent(weights, importance, parts);
        else if (_grid.HasIntegerScales)
            ChooseIntegers(weights, importance, parts);
        else
            ChooseHalves(parts);
        Encode(weights, parts);
        for (int round = 0; round < Rounds && !_grid.IsExponent; round++)
        {
            if (_grid.HasIntegerScales)
            {
                for (int sub = 0; sub < _scales.Length; sub++)
                    StepIntegers(Slice(weights, sub), Slice(importance, sub), parts, sub);
            }
            RefitHalves(weights, importance, parts);
        }
        Encode(weights, parts);
    }

    /// <summary>Chooses the integers of a sub-block anew for weights that have changed; the block's halves stay.</summary>
    /// <param name="weights">The weights of the sub-block.</param>
    /// <param name="importance">How much each counts.</param>
    /// <param name="parts">The block.</param>
    /// <param name="sub">The sub-block.</param>
    public void FitIntegers(ReadOnlySpan<float> weights, ReadOnlySpan<float> importance, BlockParts parts, int sub)
    {
        if (!_grid.HasIntegerScales)
            return;
        (float scale, float min) = Best(weights, importance);
        (int oldScale, int oldMin) = (parts.Scales[sub], parts.Mins[sub]);
        double before = Error(weights, importance, parts, sub);
        parts.Scales[sub] = Integer(scale, parts.D, _format.ScaleRange);
        if (_grid.HasIntegerMins)
            parts.Mins[sub] = Integer(min, parts.DMin, _format.MinRange);
        if (Error(weights, importance, parts, sub) > before)
            (parts.Scales[sub], parts.Mins[sub]) = (oldScale, oldMin);
        StepIntegers(weights, importance, parts, sub);
    }

    /// <summary>Gives every weight of a block its nearest level.</summary>
    public void Encode(ReadOnlySpan<float> weights, BlockParts parts)
    {
        for (int sub = 0; sub < _scales.Length; sub++)
        {
            float scale = _format.Scale(parts, sub), min = _format.Min(parts, sub), inverse = scale == 0 ? 0 : 1 / scale;
            for (int i = sub * _width; i < (sub + 1) * _width; i++)
                parts.Codes[i] = _grid.Nearest(weights[i], inverse, min);
        }
    }

    private ReadOnlySpan<float> Slice(ReadOnlySpan<float> numbers, int sub) => numbers.Slice(sub * _width, _width);

    // The pair (scale, min) of least error: from a series of scales, each with the codes that it gives and then the best pair for these
    // codes.
    private (float Scale, float Min) Best(ReadOnlySpan<float> weights, ReadOnlySpan<float> importance)
    {
        float least = weights[0], most = weights[0];
        foreach (float weight in weights)
            (least, most) = (Math.Min(least, weight), Math.Max(most, weight));
        if (_format.HasMin)
            return BestPair(weights, importance, Math.Min(least, 0), most);
        if (least == 0 && most == 0)
            return default;
        // Of the two ends of the levels the farther one meets the farther end of the weights, or, where scales can't be negative, each its
        // own.
        float extreme = -least > most ? least : most;
        var best = (Scale: 0f, Min: 0f);
        double gain = 0;
        for (int trial = 0; trial < Trials; trial++)
        {
            float factor = LeastTrial + (MostTrial - LeastTrial) * trial / (Trials - 1);
            TryScale(weights, importance, factor * extreme / _grid.Least, ref best, ref gain);
            TryScale(weights, importance, factor * extreme / _grid.Most, ref best, ref gain);
        }
        for (int round = 0; round < Rounds; round++)
            TryScale(weights, importance, best.Scale, ref best, ref gain);
        return best;
    }

    private void TryScale(ReadOnlySpan<float> weights, ReadOnlySpan<float> importance, float scale, ref (float Scale, float Min) best,
        ref double gain)
    {
        if (scale == 0 || !float.IsFinite(1 / scale))
            return;
        float inverse = 1 / scale;
        ReadOnlySpan<float> values = _grid.Table.Values;
        float cross = 0, square = 0;
        for (int i = 0; i < weights.Length; i++)
        {
            float level = values[_grid.Table.Encode(weights[i] * inverse)], weighted = importance[i] * level;
            cross += weighted * weights[i];
            square += weighted * level;
        }
        if (square > 0 && (double)cross * cross / square > gain)
        {
            gain = (double)cross * cross / square;
            best.Scale = cross / square;
        }
    }

    private (float Scale, float Min) BestPair(ReadOnlySpan<float> weights, ReadOnlySpan<float> importance, float least, float most)
    {
        var best = (Scale: 0f, Min: 0f);
        double error = double.PositiveInfinity;
        for (int trial = 0; trial < Trials; trial++)
        {
            float factor = LeastTrial + (MostTrial - LeastTrial) * trial / (Trials - 1), scale = factor * (most - least) / _grid.Most;
            // What is cut off is cut off at both ends.
            TryPair(weights, importance, scale, -(least + (1 - factor) / 2 * (most - least)), ref best, ref error);
            TryPair(weights, importance, scale, -least, ref best, ref error);
        }
        for (int round = 0; round < Rounds; round++)
            TryPair(weights, importance, best.Scale, best.Min, ref best, ref error);
        return best;
    }

    private void TryPair(ReadOnlySpan<float> weights, ReadOnlySpan<float> importance, float scale, float min,
        ref (float Scale, float Min) best, ref double error)
    {
        float inverse = scale == 0 || !float.IsFinite(1 / scale) ? 0 : 1 / scale;
        double v = 0, vc = 0, vcc = 0, vw = 0, vcw = 0, vww = 0;
        for (int i = 0; i < weights.Length; i++)
        {
            double code = Math.Clamp(MathF.Round((weights[i] + min) * inverse), 0, _grid.Most), weight = importance[i];
            v += weight;
            vc += weight * code;
            vcc += weight * code * code;
            vw += weight * weights[i];
            vcw += weight * code * weights[i];
            vww += weight * weights[i] * (double)weights[i];
        }
        double determinant = v * vcc - vc * vc;
        (double s, double m) = determinant > 1e-12 * v * vcc ? ((v * vcw - vc * vw) / determinant, -(vcc * vw - vc * vcw) / determinant)
            : (0, v > 0 ? -vw / v : 0);
        // A format whose minimum is an integer takes it away only.
        if (m < 0 && _grid.HasIntegerMins)
            (s, m) = (vcc > 0 ? vcw / vcc : 0, 0);
        double left = vww + s * s * vcc + m * m * v - 2 * s * vcw + 2 * m * vw - 2 * s * m * vc;
        if (left < error)
            (error, best) = (left, ((float)s, (float)m));
    }

    private void ChooseHalves(BlockParts parts)
    {
        (parts.Scales[0], parts.Mins[0]) = (1, _format.MinRange.Least);
        parts.D = ToHalf(_scales[0]);
        parts.DMin = _format.HasMin ? ToHalf(-_mins[0]) : Half.Zero;
    }

    private void ChooseExponent(ReadOnlySpan<float> weights, ReadOnlySpan<float> importance, BlockParts parts)
    {
        int middle = _scales[0] == 0 ? 0 : Math.Clamp(Math.ILogB(Math.Abs(_scales[0])) + 128, 0, 254), best = middle;
        double least = double.PositiveInfinity;
        for (int exponent = Math.Max(0, middle - 1); exponent <= Math.Min(254, middle + 2); exponent++)
        {
            parts.Scales[0] = exponent;
            if (Error(weights, importance, parts, 0) is double error && error < least)
                (least, best) = (error, exponent);
        }
        parts.Scales[0] = best;
    }

    private void ChooseIntegers(ReadOnlySpan<float> weights, ReadOnlySpan<float> importance, BlockParts parts)
    {
        float largest = 0, largestMin = 0;
        for (int sub = 0; sub < _scales.Length; sub++)
        {
            largest = Math.Abs(_scales[sub]) > Math.Abs(largest) ? _scales[sub] : largest;
            largestMin = Math.Max(largestMin, _mins[sub]);
        }
        double least = double.PositiveInfinity;
        foreach (float factor in s_factors)
        {
            foreach (float minFactor in _grid.HasIntegerMins ? s_factors : s_factors.AsSpan(0, 1))
            {
                TryHalves(weights, importance, factor * largest / _grid.MostScale,
                    minFactor * largestMin / Math.Max(1, _format.MinRange.Most), parts, ref least);
                if (_grid.LeastScale < 0)
                    TryHalves(weights, importance, factor * largest / _grid.LeastScale, 0, parts, ref least);
            }
        }
    }

    // Keeps the halves, and the integers that go with them, where the error is the least so far.
    private void TryHalves(ReadOnlySpan<float> weights, ReadOnlySpan<float> importance, float d, float dMin, BlockParts parts,
        ref double least)
    {
        (_trial.D, _trial.DMin) = (ToHalf(d), ToHalf(dMin));
        for (int sub = 0; sub < _scales.Length; sub++)
        {
            _trial.Scales[sub] = Integer(_scales[sub], _trial.D, _format.ScaleRange);
            _trial.Mins[sub] = _grid.HasIntegerMins ? Integer(_mins[sub], _trial.DMin, _format.MinRange) : _format.MinRange.Least;
        }
        double error = Error(weights, importance, _trial);
        if (!(error < least))
            return;
        least = error;
        (parts.D, parts.DMin) = (_trial.D, _trial.DMin);
        _trial.Scales.CopyTo(parts.Scales, 0);
        _trial.Mins.CopyTo(parts.Mins, 0);
    }

    private static int Integer(float number, Half unit, (int Least, int Most) range) =>
        unit == Half.Zero ? Math.Clamp(0, range.Least, range.Most)
            : (int)Math.Clamp(MathF.Round(number / (float)unit), range.Least, range.Most);

    // One more or one less of each, while the error falls.
    private void StepIntegers(ReadOnlySpan<float> weights, ReadOnlySpan<float> importance, BlockParts parts, int sub)
    {
        double least = Error(weights, importance, parts, sub);
        Step(parts.Scales, _format.ScaleRange, importance, weights);
        if (_grid.HasIntegerMins)
            Step(parts.Mins, _format.MinRange, importance, weights);

        void Step(int[] numbers, (int Least, int Most) range, ReadOnlySpan<float> v, ReadOnlySpan<float> w)
        {
            foreach (int step in (ReadOnlySpan<int>)[1, -1])
            {
                int before = numbers[sub], next = before + step;
                if (next < range.Least || next > range.Most)
                    continue;
                numbers[sub] = next;
                double error = Error(w, v, parts, sub);
                if (error < least)
                {
                    least = error;
                    return;
                }
                numbers[sub] = before;
            }
        }
    }

    // The halves of least error for the codes as they are, where the error with codes chosen anew falls.
    private void RefitHalves(ReadOnlySpan<float> weights, ReadOnlySpan<float> importance, BlockParts parts)
    {
        Encode(weights, parts);
        double cross = 0, square = 0, minCross = 0, minSquare = 0;
        for (int i = 0; i < weights.Length; i++)
        {
            int sub = i / _width;
            double level = (double)parts.Scales[sub] * _grid.LevelOf(parts.Codes[i]), v = importance[i];
            cross += v * level * (weights[i] + (double)_format.Min(parts, sub));
            square += v * level * level;
            minCross -= v * parts.Mins[sub] * (weights[i] - (float)parts.D * level);
            minSquare += v * parts.Mins[sub] * (double)parts.Mins[sub];
        }
        (Half d, Half dMin) = (parts.D, parts.DMin);
        double before = Error(weights, importance, parts);
        if (square > 0)
            parts.D = ToHalf(cross / square);
        if (Error(weights, importance, parts) is double changed && changed < before)
            before = changed;
        else
            parts.D = d;
        if (minSquare == 0)
            return;
        parts.DMin = ToHalf(minCross / minSquare);
        if (!(Error(weights, importance, parts) < before))
            parts.DMin = dMin;
    }

    private double Error(ReadOnlySpan<float> weights, ReadOnlySpan<float> importance, BlockParts parts)
    {
        double error = 0;
        for (int sub = 0; sub < _scales.Length; sub++)
            error += Error(Slice(weights, sub), Slice(importance, sub), parts, sub);
        return error;
    }

    private double Error(ReadOnlySpan<float> weights, ReadOnlySpan<float> importance, BlockParts parts, int sub)
    {
        float scale = _format.Scale(parts, sub), min = _format.Min(parts, sub), inverse = scale == 0 ? 0 : 1 / scale, error = 0;
        ReadOnlySpan<float> values = _grid.Table.Values;
        for (int i = 0; i < weights.Length; i++)
        {
            float off = weights[i] + min - scale * values[_grid.Table.Encode((weights[i] + min) * inverse)];
            error += importance[i] * off * off;
        }
        return error;
    }

    /// <summary>The nearest half that is finite.</summary>
    internal static Half ToHalf(double number) => (Half)Math.Clamp(double.IsFinite(number) ? number : 0, -65504, 65504);
}
