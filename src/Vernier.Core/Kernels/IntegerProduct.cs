using System.Numerics.Tensors;
using Vernier.Packing.Scalar;

namespace Vernier.Kernels;

/// <summary>
/// The plain product of 8-bit activations with a packed matrix, one number at a time: the definition that <see cref="PreparedWeight"/>
/// meets
/// bit for bit. For a token x and a row r, over the segments of at most 128 columns of one granule:
/// <code>
/// s = max |x| / 127,  q = round(x (127 / max |x|)),  n = sum (level - level of the zero point) q,  y += float(n) ((scale unit) s)
/// </code>
/// Levels of 16 bits count as two of 8, level = 256 high + low, each with its own y, added at the end.
/// </summary>
internal static class IntegerProduct
{
    /// <summary>Y = X W^T.</summary>
    public static void Multiply(ReadOnlySpan<float> x, int rows, ScalarMatrix weight, Span<float> y)
    {
        ScalarLayout spec = weight.Spec;
        Segment[] segments = new PanelPlan(spec, 8).Segments;
        IntegerLevels[] parts = IntegerLevels.Of(spec, weight.Grids);
        var codes = new byte[spec.Columns];
        for (int r = 0; r < spec.Rows; r++)
        {
            weight.UnpackRow(r, codes);
            for (int token = 0; token < rows; token++)
            {
                ReadOnlySpan<float> input = x.Slice(token * spec.Columns, spec.Columns);
                float result = Row(input, weight, r, codes, parts[0], segments);
                if (parts.Length > 1)
                    result += Row(input, weight, r, codes, parts[1], segments);
                y[token * spec.Rows + r] = result;
            }
        }
    }

    /// <summary>
    /// Y = X W^T for a matrix of several parts, which are added up in their order: of each y += float(n) (scale s), and where there is a
    /// minimum
    /// y += float(sum q) (minimum s), segment by segment.
    /// </summary>
    public static void Multiply(ReadOnlySpan<float> x, int rows, PanelSource weight, Span<float> y)
    {
        Segment[] segments = new PanelPlan(weight.Rows, weight.Columns, weight.Width, weight.RowsPerTable, 8).Segments;
        var codes = new byte[weight.Columns];
        var input = new float[weight.Columns];
        for (int r = 0; r < weight.Rows; r++)
        {
            weight.Read(r, codes);
            for (int token = 0; token < rows; token++)
            {
                float result = 0;
                for (int i = 0; i < weight.Parts.Count; i++)
                {
                    PanelPart part = weight.Parts[i];
                    for (int c = 0, column = part.View; c < input.Length; c++, column += weight.Views)
                        input[c] = column < weight.InputColumns ? x[token * weight.InputColumns + column] : 0;
                    float sum = Row(input, weight, part, r, codes, segments);
                    result = i == 0 ? sum : result + sum;
                }
                y[token * weight.Rows + r] = result;
            }
        }
    }

    /// <summary>Rounds activations as the definition says; returns the scale.</summary>
    public static float Quantize(ReadOnlySpan<float> x, Span<int> q)
    {
        float largest = TensorPrimitives.MaxMagnitude(x);
        largest = MathF.Abs(largest);
        q.Clear();
        if (largest < 1e-30f)
            return 0;
        if (!float.IsFinite(largest))
            return float.NaN;
        float inverse = 127 / largest;
        for (int i = 0; i < x.Length; i++)
            q[i] = (int)MathF.Round(x[i] * inverse);
        return largest / 127;
    }

    private static float Row(ReadOnlySpan<float> x, PanelSource weight, PanelPart part, int row, ReadOnlySpan<byte> codes,
        Segment[] segments)
    {
        Span<int> q = stackalloc int[128];
        float y = 0;
        foreach (Segment segment in segments)
        {
            float s = Quantize(x.Slice(segment.Column, segment.Count), q[..segment.Count]);
            ReadOnlySpan<sbyte> table = weight.LevelsOf(part, row, segment.Granule);
            int n = 0, sum = 0, at = row * weight.Granules + segment.Granule;
            for (int i = 0; i < segment.Count; i++)
            {
                n += table[codes[segment.Column + i]] * q[i];
                sum += q[i];
            }
            n -= part.Zeros.IsEmpty ? 0 : part.Zeros.Span[at] * sum;
            float scale = part.WideScales.IsEmpty ? (float)part.Scales.Span[at] * part.Unit
                : part.WideScales.Span[at], product = (float)n * (scale * s);
            y += product;
            if (part.Minimums.IsEmpty)
                continue;
            float minimum = (float)sum * (part.Minimums.Span[at] * s);
            y += minimum;
        }
        return y;
    }

    private static float Row(ReadOnlySpan<float> x, ScalarMatrix weight, int row, ReadOnlySpan<byte> codes, IntegerLevels levels,
        Segment[] segments)
    {
        ScalarLayout spec = weight.Spec;
        int scaleRow = spec.Granularity.GroupColumns < 0 ? 0 : row, granules = spec.Granularity.ScaleColumns(spec.Columns);
        Span<int> q = stackalloc int[128];
        float y = 0;
        foreach (Segment segment in segments)
        {
            float s = Quantize(x.Slice(segment.Column, segment.Count), q[..segment.Count]);
            Half scale = weight.Scales.Span[scaleRow * granules + segment.Granule];
            ReadOnlySpan<sbyte> table = levels.Stored.AsSpan(spec.GridOf(row, scale) * IntegerLevels.Stride, IntegerLevels.Stride);
            int zero = spec.ZeroPoints ? table[weight.ZeroPoint(scaleRow, segment.Granule)] + levels.Offset : 0, n = 0;
            for (int i = 0; i < segment.Count; i++)
                n += (table[codes[segment.Column + i]] + levels.Offset - zero) * q[i];
            float product = (float)n * ((float)scale * levels.Unit * s);
            y += product;
        }
        return y;
    }
}
