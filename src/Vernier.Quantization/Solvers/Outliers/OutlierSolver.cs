using System.Numerics.Tensors;
using Vernier.Quantization.Objectives;
using Vernier.Quantization.Solvers.QuantEase;
using Vernier.Quantization.Solvers.Scalar;

namespace Vernier.Quantization.Solvers.Outliers;

/// <summary>
/// The outlier-aware descent of QuantEase: min over Q on the grid and S of given size of ||(W - Q - S) X||^2. In turn S takes a step of
/// iterative hard
/// thresholding, S = P(S + (W - Q - S) H / l) with l the largest eigenvalue of H and P what keeps the largest single weights, or columns;
/// the numbers of S
/// descend one after the other, s_j += ((w - q - s) H)_j / H_jj; and Q descends on W - S. A round that does not lower the objective is
/// undone and the last.
/// <para>K. Behdin, A. Acharya, A. Gupta, S. Keerthi, R. Mazumder: QuantEase, 2023. The descent of the numbers on their places is
/// ours.</para>
/// </summary>
internal static class OutlierSolver
{
    private const int PowerIterations = 30;
    private const int SweepsPerRound = 2;

    /// <summary>Improves outliers and codes. The objective never rises, and there are always as many outliers as at first.</summary>
    /// <param name="whole">The layer, outliers included.</param>
    /// <param name="set">The outliers to start from.</param>
    /// <param name="solution">The codes to start from, improved in place.</param>
    /// <param name="rounds">The most rounds.</param>
    /// <returns>The outliers.</returns>
    public static OutlierSet Improve(MatrixProblem whole, OutlierSet set, ScalarSolution solution, int rounds)
    {
        double eigenvalue = 1.01 * LargestEigenvalue(whole.Objective);
        double least = Value(whole, set, solution);
        for (int round = 0; round < rounds; round++)
        {
            OutlierSet next = Step(whole, set, solution, eigenvalue);
            ScalarSolution codes = solution.Copy();
            QuantEaseSolver.Improve(next.Remaining(whole), codes, SweepsPerRound);
            double value = Value(whole, next, codes);
            if (!(value < least))
                break;
            (least, set) = (value, next);
            codes.Codes.CopyTo(solution.Codes, 0);
        }
        return set;
    }

    private static double Value(MatrixProblem whole, OutlierSet set, ScalarSolution solution) =>
        whole.Objective.Value(set.Remaining(whole).Weights, solution.Decode());

    private static OutlierSet Step(MatrixProblem whole, OutlierSet set, ScalarSolution solution, double eigenvalue)
    {
        int columns = whole.Columns;
        float[] quantized = solution.Decode();
        var residual = new double[quantized.Length];
        whole.Objective.Residual(set.Remaining(whole).Weights, quantized, residual);
        var moved = new float[quantized.Length];
        for (int row = 0; row < whole.Rows; row++)
            set.AddTo(row, moved.AsSpan(row * columns, columns));
        for (int i = 0; i < moved.Length; i++)
            moved[i] += (float)(residual[i] / eigenvalue);
        OutlierSet next = OutlierSet.Largest(whole, moved);
        next.Take(moved);
        whole.Objective.Residual(next.Remaining(whole).Weights, quantized, residual);
        whole.Workers.For(whole.Rows, row => Descend(whole.Objective, next, row, residual.AsSpan(row * columns, columns)));
        return next;
    }

    private static void Descend(LayerObjective objective, OutlierSet set, int row, Span<double> residual)
    {
        for (int i = set.Starts[row]; i < set.Starts[row + 1]; i++)
        {
            int column = set.Places[i] % objective.Columns;
            if (objective.Diagonal[column] == 0)
                continue;
            float before = set[i];
            set[i] = (float)(before + residual[column] / objective.Diagonal[column]);
            TensorPrimitives.MultiplyAdd(objective.Row(column), (double)before - set[i], residual, residual);
        }
    }

    private static double LargestEigenvalue(LayerObjective objective)
    {
        int n = objective.Columns;
        var vector = new double[n];
        vector.AsSpan().Fill(1 / Math.Sqrt(n));
        double norm = 0;
        for (int iteration = 0; iteration < PowerIterations; iteration++)
        {
            double[] next = [.. Enumerable.Range(0, n).Select(i => TensorPrimitives.Dot(objective.Row(i), vector))];
            norm = TensorPrimitives.Norm<double>(next);
            if (!(norm > 0))
                return objective.MeanDiagonal * n;
            TensorPrimitives.Divide(next, norm, vector);
        }
        return norm;
    }
}
