using Vernier.Numerics;

namespace Vernier.Quantization.Objectives;

/// <summary>
/// The target in the network: the weights that make up for the difference between the input y that a layer has in the float network and
/// the input x that it has behind
/// quantized layers, from D = sum over tokens of (y - x) x^T.
/// </summary>
internal static class TargetRegression
{
    /// <summary>
    /// The weights whose output on the inputs x is nearest to that of W on the inputs y:
    /// argmin over V of ||W Y - V X||^2 + d m ||V - W||^2 = W + W D (H + d m I)^-1, with m the mean diagonal of H = X X^T.
    /// </summary>
    /// <param name="weights">W, R x C.</param>
    /// <param name="gram">H, C x C.</param>
    /// <param name="cross">D, C x C.</param>
    /// <param name="columns">C.</param>
    /// <param name="ridge">d, above 0: how firmly the weights are held.</param>
    /// <param name="workers">Who computes.</param>
    /// <returns>The weights, R x C; null where H can't be factored.</returns>
    public static float[]? Correct(float[] weights, double[] gram, double[] cross, int columns, double ridge, Workers workers)
    {
        int rows = weights.Length / columns;
        double[] matrix = [.. gram];
        double mean = Enumerable.Range(0, columns).Average(i => gram[i * columns + i]);
        for (int i = 0; i < columns; i++)
            matrix[i * columns + i] += ridge * mean;
        if (!(mean > 0) || !Cholesky.TryFactor(new MatrixSpan<double>(matrix, columns, columns), out _, workers))
            return null;
        double[] wide = Array.ConvertAll(weights, weight => (double)weight);
        var moved = new double[weights.Length];
        MatrixProduct.Multiply(new ReadOnlyMatrixSpan<double>(wide, rows, columns), new ReadOnlyMatrixSpan<double>(cross, columns, columns),
            new MatrixSpan<double>(moved, rows, columns),
            ProductUpdate.Set, workers);
        // Z (L L^T) = B: first Y L^T = B, then Z L = Y.
        var factor = new ReadOnlyMatrixSpan<double>(matrix, columns, columns);
        TriangularSolve.Right(factor.Transpose(), new MatrixSpan<double>(moved, rows, columns), workers);
        TriangularSolve.Right(factor, new MatrixSpan<double>(moved, rows, columns), workers);
        var corrected = new float[weights.Length];
        for (int i = 0; i < corrected.Length; i++)
            corrected[i] = (float)(wide[i] + moved[i]);
        return corrected;
    }
}
