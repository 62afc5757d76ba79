using System.Numerics.Tensors;
using Vernier.Files.Gguf.Blocks;
using Vernier.Quantization.Objectives;

namespace Vernier.Quantization.Solvers.Blocks;

/// <summary>
/// Coordinate descent on everything a row of blocks consists of: codes (QuantEase), the integer scales and minimums of the sub-blocks, and
/// the halves of the blocks. With
/// all else as it is, the objective is a quadratic in each of them, r = (w - q) H its half gradient: a step of t along p has the best
/// length (p r) / (p H p), and the
/// number that is stored nearest to it is taken where it is nearer than the present one. The objective never rises.
/// </summary>
internal sealed class BlockDescent(BlockGrid grid, LayerObjective objective)
{
    private readonly BlockFormat _format = grid.Format;
    private readonly int _columns = objective.Columns, _width = grid.Format.SubBlockColumns;

    // The direction of a step, and the weights that it gives.
    private readonly double[] _direction = new double[grid.Format.BlockColumns];
    private readonly float[] _moved = new float[grid.Format.BlockColumns];

    /// <summary>Improves a row in place, until nothing changes or the sweeps are done.</summary>
    /// <param name="blocks">The blocks of the row.</param>
    /// <param name="quantized">What they decode to.</param>
    /// <param name="residual">(w - q) H.</param>
    /// <param name="sweeps">The most sweeps.</param>
    /// <returns>The number of changes.</returns>
    public long Improve(ReadOnlySpan<BlockParts> blocks, Span<float> quantized, Span<double> residual, int sweeps)
    {
        long all = 0;
        for (int sweep = 0; sweep < sweeps; sweep++)
        {
            long changes = 0;
            for (int block = 0; block < blocks.Length; block++)
            {
                int first = block * _format.BlockColumns;
                for (int sub = 0; sub < _format.SubBlocks; sub++)
                {
                    changes += ImproveCodes(blocks[block], sub, first + sub * _width, quantized, residual);
                    changes += ImproveIntegers(blocks[block], sub, first + sub * _width, quantized, residual);
                }
                changes += ImproveHalves(blocks[block], first, quantized, residual);
            }
            all += changes;
            if (changes == 0)
                break;
        }
        return all;
    }

    private long ImproveCodes(BlockParts parts, int sub, int first, Span<float> quantized, Span<double> residual)
    {
        float scale = _format.Scale(parts, sub), min = _format.Min(parts, sub), inverse = scale == 0 ? 0 : 1 / scale;
        long changes = 0;
        for (int i = 0; i < _width && scale != 0; i++)
        {
            int column = first + i, at = sub * _width + i;
            double diagonal = objective.Diagonal[column];
            if (diagonal == 0)
                continue;
            double best = quantized[column] + residual[column] / diagonal;
            byte code = grid.Nearest((float)best, inverse, min);
            float value = scale * grid.LevelOf(code) - min;
            if (code == parts.Codes[at] || !(Math.Abs(value - best) < Math.Abs(quantized[column] - best)))
                continue;
            Move(column, value, quantized, residual);
            parts.Codes[at] = code;
            changes++;
        }
        return changes;
    }

    private int ImproveIntegers(BlockParts parts, int sub, int first, Span<float> quantized, Span<double> residual)
    {
        int changes = 0;
        Span<double> direction = _direction.AsSpan(0, _width);
        if (grid.HasIntegerScales)
        {
            for (int i = 0; i < _width; i++)
                direction[i] = (double)(float)parts.D * grid.LevelOf(parts.Codes[sub * _width + i]);
            changes += Step(ref parts.Scales[sub], _format.ScaleRange, Length(direction, first, residual), parts, sub, first, quantized,
                residual);
        }
        if (grid.HasIntegerMins)
        {
            direction.Fill(-(double)(float)parts.DMin);
            changes += Step(ref parts.Mins[sub], _format.MinRange, Length(direction, first, residual), parts, sub, first, quantized,
                residual);
        }
        return changes;
    }

    private int Step(ref int number, (int Least, int Most) range, double length, BlockParts parts, int sub, int first,
        Span<float> quantized, Span<double> residual)
    {
        int next = (int)Math.Clamp(number + Math.Round(length), range.Least, range.Most);
        if (next == number || !(Math.Abs(next - number - length) < Math.Abs(length)))
            return 0;
        number = next;
        MoveSub(parts, sub, first, quantized, residual);
        return 1;
    }

    private int ImproveHalves(BlockParts parts, int first, Span<float> quantized, Span<double> residual)
    {
        if (grid.IsExponent)
            return 0;
        int changes = 0;
        for (int i = 0; i < _direction.Length; i++)
            _direction[i] = (double)parts.Scales[i / _width] * grid.LevelOf(parts.Codes[i]);
        if (Next(parts.D, Length(_direction, first, residual)) is Half d)
        {
            parts.D = d;
            MoveBlock(parts, first, quantized, residual);
            changes++;
        }
        if (!_format.HasMin)
            return changes;
        for (int i = 0; i < _direction.Length; i++)
            _direction[i] = -parts.Mins[i / _width];
        if (Next(parts.DMin, Length(_direction, first, residual)) is Half dMin)
        {
            parts.DMin = dMin;
            MoveBlock(parts, first, quantized, residual);
            changes++;
        }
        return changes;
    }

    private static Half? Next(Half number, double length)
    {
        double best = (double)number + length;
        Half next = BlockFit.ToHalf(best);
        return next != number && Math.Abs((double)next - best) < Math.Abs(length) ? next : null;
    }

    // (p r) / (p H p), with p a direction on consecutive columns; 0 where it leads nowhere.
    private double Length(ReadOnlySpan<double> direction, int first, ReadOnlySpan<double> residual)
    {
        double gradient = TensorPrimitives.Dot(direction, residual.Slice(first, direction.Length)), curvature = 0;
        if (gradient == 0)
            return 0;
        for (int i = 0; i < direction.Length; i++)
        {
            if (direction[i] != 0)
                curvature += direction[i] * TensorPrimitives.Dot(objective.Row(first + i).Slice(first, direction.Length), direction);
        }
        return curvature > 0 ? gradient / curvature : 0;
    }

    private void MoveBlock(BlockParts parts, int first, Span<float> quantized, Span<double> residual)
    {
        for (int sub = 0; sub < _format.SubBlocks; sub++)
            MoveSub(parts, sub, first + sub * _width, quantized, residual);
    }

    private void MoveSub(BlockParts parts, int sub, int first, Span<float> quantized, Span<double> residual)
    {
        float scale = _format.Scale(parts, sub), min = _format.Min(parts, sub);
        for (int i = 0; i < _width; i++)
            _moved[i] = scale * grid.LevelOf(parts.Codes[sub * _width + i]) - min;
        for (int i = 0; i < _width; i++)
        {
            if (_moved[i] != quantized[first + i])
                Move(first + i, _moved[i], quantized, residual);
        }
    }

    private void Move(int column, float value, Span<float> quantized, Span<double> residual)
    {
        TensorPrimitives.MultiplyAdd(objective.Gram.AsSpan(column * _columns, _columns), (double)quantized[column] - value, residual,
            residual);
        quantized[column] = value;
    }
}
