using System.Numerics.Tensors;
using Vernier.Memory;
using Vernier.Quantization.Objectives;

namespace Vernier.Quantization.Solvers.Sequential;

/// <summary>
/// The sweep of GPTQ over the columns of some rows: each column gets its code, and what that loses is made up for by those that have none
/// yet: e = w_j - q_j,
/// w_k = w_k - e U_jk / U_jj for k > j, with U of <see cref="GramFactor"/>. Errors go to a piece of columns one by one, to the rest of a
/// block piece by piece, and to all others
/// block by block: the result does not depend on where these end. O(C^2) for each row.
/// </summary>
internal static class SequentialSweep
{
    /// <summary>Columns that get errors one by one.</summary>
    private const int PieceColumns = 32;

    /// <summary>Columns after which errors go to all others.</summary>
    public const int BlockColumns = 128;

    private const int MostTogether = 4;

    /// <summary>Where blocks end: after so many columns, but where a group begins rather than within one, if one begins.</summary>
    /// <param name="columns">C.</param>
    /// <param name="width">The columns of a group.</param>
    /// <param name="blockColumns">The most columns of a block.</param>
    public static int[] Blocks(int columns, int width, int blockColumns = BlockColumns)
    {
        var ends = new List<int>();
        for (int first = 0; first < columns;)
        {
            int end = (int)Math.Min(columns, (long)first + blockColumns), boundary = end / width * width;
            first = boundary > first ? boundary : end;
            ends.Add(first);
        }
        return [.. ends];
    }

    /// <summary>Takes all columns.</summary>
    /// <param name="rounder">What gives codes.</param>
    /// <param name="source">The weights of the rows, by columns.</param>
    /// <param name="firstRow">The number of the first row in the matrix.</param>
    /// <param name="rows">The number of rows.</param>
    /// <param name="factor">The factor of the Gram matrix, in the order in which columns are to be taken; null to carry nothing
    /// over.</param>
    /// <param name="ends">Where blocks end.</param>
    /// <param name="width">The columns of a group: pieces end where one begins that would not end within them.</param>
    public static unsafe void Run<TRounder>(ref TRounder rounder, ReadOnlySpan<float> source, int firstRow, int rows, GramFactor? factor,
        int[] ends, int width)
        where TRounder : struct, IRounder
    {
        int columns = source.Length / rows, widest = ends.Zip(ends.Prepend(0), (end, start) => end - start).Max();
        ArgumentOutOfRangeException.ThrowIfNotEqual(source.Length, rows * columns);
        if (factor is not null)
            ArgumentOutOfRangeException.ThrowIfLessThan(factor.Carry.Length, columns * columns);
        using var weightBuffer = new PooledArray<float>(source.Length);
        using var errorBuffer = new PooledArray<float>(rows * widest);
        Arrange(source, weightBuffer.Span, columns, factor?.Order);
        fixed (float* weights = weightBuffer.Span, errors = errorBuffer.Span, carry = factor?.Carry)
        {
            var sweep = new Sweep(weights, errors, carry, columns, widest, firstRow, rows);
            int first = 0;
            foreach (int end in ends)
            {
                rounder.BeginBlock(weightBuffer.Span, first, end);
                for (int start = first; start < end;)
                {
                    int stop = Math.Min(end, start + PieceColumns), boundary = stop / width * width;
                    if (boundary > start)
                        stop = boundary;
                    sweep.Piece(ref rounder, first, start, stop);
                    sweep.Carry<TRounder>(start, stop, end, errors + start - first);
                    start = stop;
                }
                sweep.Carry<TRounder>(first, end, columns, errors);
                first = end;
            }
        }
    }

    private static void Arrange(ReadOnlySpan<float> source, Span<float> weights, int columns, int[]? order)
    {
        if (order is null)
        {
            source.CopyTo(weights);
            return;
        }
        for (int row = 0; row < source.Length / columns; row++)
        {
            for (int place = 0; place < columns; place++)
                weights[row * columns + place] = source[row * columns + order[place]];
        }
    }

    private readonly unsafe struct Sweep(float* weights, float* errors, float* carry, int columns, int widest, int firstRow, int rows)
    {
        private readonly float* _weights = weights, _errors = errors, _carry = carry;

        public void Piece<TRounder>(ref TRounder rounder, int first, int start, int stop)
            where TRounder : struct, IRounder
        {
            float* quantized = stackalloc float[MostTogether];
            int step = rounder.Step;
            for (int row = 0; row < rows; row++)
            {
                float* line = _weights + (long)row * columns, lost = _errors + row * widest - first;
                var whole = new ReadOnlySpan<float>(line, columns);
                rounder.BeginPiece(firstRow + row, start, whole);
                for (int place = start; place < stop; place += step)
                {
                    int count = Math.Min(step, stop - place);
                    rounder.Round(firstRow + row, place, whole, new Span<float>(quantized, count));
                    for (int i = place; i < place + count; i++)
                    {
                        float error = quantized[i - place] - line[i];
                        lost[i] = error;
                        if (_carry != null)
                            One<TRounder>(line + i + 1, stop - i - 1, error, _carry + (long)i * columns + i + 1);
                    }
                }
            }
        }

        /// <summary>Carries the errors of a piece, or of a block, over to the columns behind it up to an end.</summary>
        public void Carry<TRounder>(int start, int stop, int end, float* lost)
            where TRounder : struct, IRounder
        {
            if (_carry == null || stop == end)
                return;
            float* factor = _carry + (long)start * columns + stop;
            if (TRounder.IsFused)
            {
                CarryKernel.Run(_weights + stop, rows, end - stop, columns, lost, stop - start, widest, factor);
                return;
            }
            for (int row = 0; row < rows; row++)
            {
                for (int term = 0; term < stop - start; term++)
                    One<TRounder>(_weights + (long)row * columns + stop, end - stop, lost[row * widest + term],
                        factor + (long)term * columns);
            }
        }

        private void One<TRounder>(float* line, int count, float error, float* factor)
            where TRounder : struct, IRounder
        {
            if (TRounder.IsFused)
            {
                CarryKernel.Run(line, 1, count, columns, &error, 1, 1, factor);
                return;
            }
            var rest = new Span<float>(line, count);
            TensorPrimitives.MultiplyAdd(new ReadOnlySpan<float>(factor, count), error, rest, rest);
        }
    }
}
