using Vernier.Quantization.Objectives;

namespace Vernier.Quantization.Solvers.Vectors;

/// <summary>
/// What an error e of a vector counts: e M e^T, with a symmetric matrix M of d x d for each vector of a row, the same in all rows. Where
/// columns count alike it is
/// the identity; otherwise diagonal, or in the order in which GPTQ takes columns what remains of an error once later columns have made up
/// for it:
/// M = L^T diag(1 / U_jj^2) L, where L e = e' holds what is outstanding of each column of the vector, e'_i = e_i - sum over m before i of
/// e'_m U_mi / U_mm.
/// </summary>
internal sealed class VectorMetric
{
    private readonly float[] _values;
    private readonly int _dimension;

    private VectorMetric(float[] values, int dimension) => (_values, _dimension) = (values, dimension);

    /// <summary>M of a vector, d x d.</summary>
    public ReadOnlySpan<float> Of(int vector) => _values.AsSpan(vector * _dimension * _dimension, _dimension * _dimension);

    /// <summary>What a number of H is multiplied by to be one of the metric.</summary>
    public double Unit { get; private init; } = 1;

    /// <summary>The blocks of H on its diagonal, divided by its mean diagonal: what an error counts while nothing else moves.</summary>
    public static VectorMetric Blocks(LayerObjective objective, int dimension)
    {
        int columns = objective.Columns, vectors = (columns + dimension - 1) / dimension;
        var values = new float[vectors * dimension * dimension];
        for (int column = 0; column < columns; column++)
        {
            int vector = column / dimension;
            for (int other = vector * dimension; other < Math.Min(columns, (vector + 1) * dimension); other++)
                values[column * dimension + other % dimension] = (float)(objective.Row(column)[other] / objective.MeanDiagonal);
        }
        return new VectorMetric(values, dimension) { Unit = 1 / objective.MeanDiagonal };
    }

    /// <summary>The metric in which all columns count alike.</summary>
    public static VectorMetric Identity(int columns, int dimension) => Diagonal([.. Enumerable.Repeat(1.0, columns)], dimension);

    /// <summary>The metric of a step.</summary>
    /// <param name="objective">H.</param>
    /// <param name="importance">How columns count.</param>
    /// <param name="factor">The factor of H in the natural order; needed where the importance follows from it.</param>
    /// <param name="dimension">d.</param>
    public static VectorMetric Of(LayerObjective objective, ColumnImportance importance, GramFactor? factor, int dimension) =>
        importance switch
    {
        ColumnImportance.None => Identity(objective.Columns, dimension),
        ColumnImportance.Diagonal => Diagonal(objective.Diagonal, dimension),
        ColumnImportance.Inverse => Diagonal(factor!.InverseDiagonals(), dimension),
        _ => Sequential(factor!, dimension),
    };

    private static VectorMetric Diagonal(double[] importance, int d)
    {
        int vectors = (importance.Length + d - 1) / d;
        var values = new float[vectors * d * d];
        float[] normalised = ColumnWeights.Normalised(importance);
        for (int column = 0; column < importance.Length && normalised.Length > 0; column++)
            values[column / d * d * d + column % d * (d + 1)] = normalised[column];
        // Columns that are not there count nothing, and then any value is as good as any other.
        for (int column = normalised.Length; column < vectors * d; column++)
            values[column / d * d * d + column % d * (d + 1)] = normalised.Length == 0 ? 1 : 0;
        return new VectorMetric(values, d);
    }

    private static VectorMetric Sequential(GramFactor factor, int d)
    {
        int columns = factor.Order.Length, vectors = (columns + d - 1) / d;
        var values = new float[vectors * d * d];
        double mean = factor.Cost.Average();
        Span<double> outstanding = stackalloc double[d * d];
        for (int vector = 0; vector < vectors; vector++)
        {
            int first = vector * d, count = Math.Min(d, columns - first);
            outstanding.Clear();
            for (int i = 0; i < count; i++)
            {
                outstanding[i * d + i] = 1;
                for (int m = 0; m < i; m++)
                {
                    double carry = factor.Carry[(first + m) * columns + first + i];
                    for (int k = 0; k <= m; k++)
                        outstanding[i * d + k] -= carry * outstanding[m * d + k];
                }
            }
            for (int i = 0; i < count; i++)
            {
                double cost = factor.Cost[first + i] / mean;
                for (int k = 0; k <= i; k++)
                {
                    for (int l = 0; l <= i; l++)
                        values[vector * d * d + k * d + l] += (float)(cost * outstanding[i * d + k] * outstanding[i * d + l]);
                }
            }
        }
        return new VectorMetric(values, d);
    }
}
