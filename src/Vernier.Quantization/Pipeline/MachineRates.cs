using System.Diagnostics;
using Vernier.Levels;
using Vernier.Numerics;
using Vernier.Packing.Scalar;
using Vernier.Quantization.Solvers.Nearest;
using Vernier.Quantization.Weights;

namespace Vernier.Quantization.Pipeline;

/// <summary>How fast this machine does what a run consists of, measured in a fraction of a second.</summary>
/// <param name="Single">Operations a second of matrix products in single precision.</param>
/// <param name="Double">Operations a second of matrix products in double precision.</param>
internal sealed record MachineRates(double Single, double Double)
{
    private const int Rows = 512, Columns = 1024;
    private const double Patience = 0.05;

    /// <summary>Measures products of a size that layers have.</summary>
    /// <param name="workers">Who computes.</param>
    public static MachineRates Measure(Workers workers)
    {
        var singles = new float[Math.Max(Rows, Columns) * Columns];
        var doubles = new double[singles.Length];
        singles.AsSpan().Fill(0.5f);
        doubles.AsSpan().Fill(0.5);
        var singleResult = new float[Rows * Columns];
        var doubleResult = new double[Rows * Columns];
        const double Operations = 2.0 * Rows * Columns * Columns;
        return new MachineRates(
            Operations / Time(() => MatrixProduct.MultiplyTransposed(
                singles.AsSpan(0, Rows * Columns), singles, singleResult, Rows, Columns, Columns, workers)),
            Operations / Time(() => MatrixProduct.Multiply(
                new ReadOnlyMatrixSpan<double>(doubles.AsSpan(0, Rows * Columns), Rows, Columns),
                    new ReadOnlyMatrixSpan<double>(doubles, Columns, Columns), new MatrixSpan<double>(doubleResult, Rows, Columns),
                ProductUpdate.Set, workers)));
    }

    /// <summary>The seconds in which a matrix is rounded to nearest: those of its grids and those of its weights, from some of its
    /// rows.</summary>
    public static double Nearest(QuantizationPlan plan, TensorSolver solver, TensorPlan planned)
    {
        if (planned.Layout is not ScalarLayout layout)
            return 0;
        int rows = Math.Clamp((1 << 17) / layout.Columns, 1, layout.Rows);
        ScalarLayout few = layout with { Rows = rows, RowsPerGrid = Math.Min(rows, layout.RowsPerGrid), Outliers = 0, OutlierColumns = 0 };
        TensorPlan some = planned with { Layout = few };
        var matrix = new WeightMatrix(plan.Checkpoint, planned.Tensor, workers: plan.Workers);
        _ = matrix.Shift;
        double choosing = Time(() => solver.TablesOf(some, matrix)) / few.Grids * layout.Grids;
        LevelTable[] tables = solver.TablesOf(some, matrix);
        var nearest = new NearestSolver(solver.FitOf(planned));
        return choosing + Time(() => nearest.Solve(matrix, few, tables, default)) * layout.Rows / rows;
    }

    // Once to warm up, then the mean of as many as the patience lasts for.
    private static double Time(Action action)
    {
        action();
        long start = Stopwatch.GetTimestamp();
        int count = 0;
        do
        {
            action();
            count++;
        }
        while (Stopwatch.GetElapsedTime(start).TotalSeconds < Patience);
        return Stopwatch.GetElapsedTime(start).TotalSeconds / count;
    }
}
