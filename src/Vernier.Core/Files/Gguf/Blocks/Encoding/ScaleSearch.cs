namespace Vernier.Files.Gguf.Blocks.Encoding;

/// <summary>
/// ggml's search for the scale of the non-negative scales x of sub-blocks with importance m and codes 0 .. most: of nine inverse scales
/// around
/// the largest that fits the one with the least error, then single codes changed where the best scale for the others asks for it.
/// </summary>
internal static class ScaleSearch
{
    private const int Trials = 4, Rounds = 5;

    /// <summary>Finds the codes.</summary>
    /// <param name="x">The scales, or the minimums.</param>
    /// <param name="m">The importance of each.</param>
    /// <param name="most">The largest code.</param>
    /// <param name="codes">Receives a code for each.</param>
    /// <returns>The scale of the codes.</returns>
    public static float Find(ReadOnlySpan<float> x, ReadOnlySpan<float> m, int most, Span<int> codes)
    {
        float max = 0;
        foreach (float value in x)
            max = max > value ? max : value;
        if (max < SymmetricSearch.Negligible)
        {
            codes.Clear();
            return 0;
        }
        float inverse = most / max, least = Error(x, m, 1 / inverse, inverse, byte.MaxValue);
        for (int k = -Trials; k <= Trials; k++)
        {
            if (k == 0)
                continue;
            float trial = (0.1f * k + most) / max, error = Error(x, m, 1 / trial, trial, most);
            if (error < least)
                (least, inverse) = (error, trial);
        }
        float sumXL = 0, sumLL = 0;
        for (int i = 0; i < x.Length; i++)
        {
            // ggml keeps codes in bytes.
            int l = Math.Min(most, Rounding.Nearest(inverse * x[i]));
            codes[i] = (byte)l;
            sumXL += m[i] * x[i] * l;
            sumLL += m[i] * l * l;
        }
        Descend(x, m, most, codes, ref sumXL, ref sumLL);
        return sumLL > 0 ? sumXL / sumLL : 0;
    }

    private static void Descend(ReadOnlySpan<float> x, ReadOnlySpan<float> m, int most, Span<int> codes, ref float sumXL, ref float sumLL)
    {
        bool changed = true;
        for (int round = 0; round < Rounds && changed; round++)
        {
            changed = false;
            for (int i = 0; i < x.Length; i++)
            {
                float otherXL = sumXL - m[i] * x[i] * codes[i], otherLL = sumLL - m[i] * codes[i] * codes[i];
                if (!(otherXL > 0 && otherLL > 0))
                    continue;
                int l = Math.Min(most, Rounding.Nearest(x[i] * otherLL / otherXL));
                if (l == codes[i])
                    continue;
                otherXL += m[i] * x[i] * l;
                otherLL += m[i] * l * l;
                if (otherXL * otherXL * sumLL > sumXL * sumXL * otherLL)
                {
                    (codes[i], sumXL, sumLL) = ((byte)l, otherXL, otherLL);
                    changed = true;
                }
            }
        }
    }

    private static float Error(ReadOnlySpan<float> x, ReadOnlySpan<float> m, float scale, float inverse, int most)
    {
        float error = 0;
        for (int i = 0; i < x.Length; i++)
        {
            float difference = x[i] - scale * Math.Min(most, Rounding.Nearest(inverse * x[i]));
            error += m[i] * difference * difference;
        }
        return error;
    }
}
