using System.Numerics;
using System.Runtime.InteropServices;
using Vernier.Numerics;

namespace Vernier.Inference.Passes;

/// <summary>
/// Operations on one row. Sums have a fixed order, which depends on the length alone and not on where in memory the row
/// lies, so that the same row gives the same bits at any place in any batch.
/// </summary>
internal static class RowMath
{
    private const int WorkPerTask = 1 << 14;

    /// <summary>sum_i x_i y_i: four accumulators of one register each, added pairwise, then what is left over.</summary>
    public static float Dot(ReadOnlySpan<float> x, ReadOnlySpan<float> y)
    {
        ReadOnlySpan<Vector<float>> a = MemoryMarshal.Cast<float, Vector<float>>(x), b = MemoryMarshal.Cast<float,
            Vector<float>>(y[..x.Length]);
        Vector<float> s0 = default, s1 = default, s2 = default, s3 = default;
        int i = 0;
        for (; i <= a.Length - 4; i += 4)
        {
            s0 += a[i] * b[i];
            s1 += a[i + 1] * b[i + 1];
            s2 += a[i + 2] * b[i + 2];
            s3 += a[i + 3] * b[i + 3];
        }
        for (; i < a.Length; i++)
            s0 += a[i] * b[i];
        float sum = Vector.Sum((s0 + s1) + (s2 + s3));
        for (int j = a.Length * Vector<float>.Count; j < x.Length; j++)
            sum += x[j] * y[j];
        return sum;
    }

    /// <summary>sum_i x_i, in the order of <see cref="Dot"/>.</summary>
    public static float Sum(ReadOnlySpan<float> x)
    {
        ReadOnlySpan<Vector<float>> a = MemoryMarshal.Cast<float, Vector<float>>(x);
        Vector<float> s0 = default, s1 = default, s2 = default, s3 = default;
        int i = 0;
        for (; i <= a.Length - 4; i += 4)
        {
            s0 += a[i];
            s1 += a[i + 1];
            s2 += a[i + 2];
            s3 += a[i + 3];
        }
        for (; i < a.Length; i++)
            s0 += a[i];
        float sum = Vector.Sum((s0 + s1) + (s2 + s3));
        for (int j = a.Length * Vector<float>.Count; j < x.Length; j++)
            sum += x[j];
        return sum;
    }

    /// <summary>Runs the body for every row, several rows to a task where a row is little work.</summary>
    /// <param name="workers">Who does it.</param>
    /// <param name="rows">The number of rows.</param>
    /// <param name="work">The work of one row, in multiplications.</param>
    /// <param name="body">What is done for a row; writes nothing that another row reads or writes.</param>
    public static void ForRows<T>(Workers workers, int rows, int work, T body)
        where T : struct, ITeamWork
    {
        int rowsPerTask = Math.Max(1, WorkPerTask / Math.Max(1, work));
        var tasks = new RowTasks<T> { Body = body, Rows = rows, RowsPerTask = rowsPerTask };
        workers.Run((rows + rowsPerTask - 1) / rowsPerTask, ref tasks);
    }

    private struct RowTasks<T> : ITeamWork
        where T : struct, ITeamWork
    {
        public T Body;
        public int Rows, RowsPerTask;

        public void Invoke(int index)
        {
            // A copy, so that threads share nothing that they could write to.
            T body = Body;
            int end = Math.Min(Rows, (index + 1) * RowsPerTask);
            for (int row = index * RowsPerTask; row < end; row++)
                body.Invoke(row);
        }
    }
}
