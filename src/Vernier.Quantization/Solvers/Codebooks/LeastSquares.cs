namespace Vernier.Quantization.Solvers.Codebooks;

/// <summary>
/// The codebooks at which the layer objective is least while indices and scales stay: its gradient by the numbers P is 2 S((Q(P) - W) H), S
/// the sum over the weights that
/// a number stands for, times their scales. Conjugate gradients with the diagonal of the quadratic as preconditioner; pieces that do not
/// depend on each other go
/// their own ways.
/// </summary>
internal static class LeastSquares
{
    private const double LeastResidual = 1e-8;

    /// <summary>The parameters of a model at which the objective is least. One that stands for no weight stays as it is.</summary>
    /// <param name="map">How the weights follow from the codebooks.</param>
    /// <param name="model">What is free.</param>
    /// <param name="start">The parameters to start from.</param>
    /// <param name="iterations">The most iterations; a piece ends where its residual has fallen to 1e-8.</param>
    public static double[] Minimise(CodebookMap map, CodebookModel model, double[] start, int iterations)
    {
        double[] found = [.. start], direction = new double[start.Length], products = new double[model.Pieces],
            first = new double[model.Pieces];
        double[] curvature = model.ReduceSquares(map.Curvature()),
            residual = [.. model.Reduce(map.Gather(map.Residual(model.Expand(found))))];
        int length = model.Length / model.Pieces;
        for (int iteration = 0; iteration < iterations; iteration++)
        {
            bool active = false;
            for (int piece = 0; piece < model.Pieces; piece++)
            {
                Span<double> r = residual.AsSpan(piece * length, length), p = direction.AsSpan(piece * length, length);
                ReadOnlySpan<double> h = curvature.AsSpan(piece * length, length);
                double product = 0;
                for (int i = 0; i < r.Length; i++)
                    product += h[i] > 0 ? r[i] * r[i] / h[i] : 0;
                first[piece] = iteration == 0 ? product : first[piece];
                bool open = product > LeastResidual * first[piece];
                double ratio = iteration == 0 || !open ? 0 : product / products[piece];
                for (int i = 0; i < r.Length; i++)
                    p[i] = open && h[i] > 0 ? r[i] / h[i] + ratio * p[i] : 0;
                products[piece] = product;
                active |= open;
            }
            if (!active)
                break;
            double[] image = model.Reduce(map.Gather(map.Image(model.Expand(direction))));
            for (int piece = 0; piece < model.Pieces; piece++)
            {
                ReadOnlySpan<double> p = direction.AsSpan(piece * length, length), a = image.AsSpan(piece * length, length);
                Span<double> r = residual.AsSpan(piece * length, length), x = found.AsSpan(piece * length, length);
                double curve = 0;
                for (int i = 0; i < p.Length; i++)
                    curve += p[i] * a[i];
                double step = curve > 0 ? products[piece] / curve : 0;
                for (int i = 0; i < p.Length; i++)
                {
                    x[i] += step * p[i];
                    r[i] -= step * a[i];
                }
            }
        }
        return found;
    }
}
