namespace Vernier.Quantization.Recipes;

/// <summary>Which weights have outliers.</summary>
public enum OutlierStructure
{
    /// <summary>Single weights, wherever they are.</summary>
    Weights,

    /// <summary>All weights of some columns.</summary>
    Columns,
}

/// <summary>The split of a matrix into codes and a sparse part in half precision, which starts as the largest weights.</summary>
public sealed record OutlierPart
{
    /// <summary>The share of the weights, or of the columns; above 0, at most 1/2. At least one of each matrix. Either this or
    /// <see cref="Sigma"/>.</summary>
    public double? Share { get; init; }

    /// <summary>
    /// In place of a share: outliers are the weights that differ from the mean of their matrix by so many standard deviations, at least 1,
    /// or more. They are kept bit
    /// for bit, and how many there are is counted when a run is planned.
    /// </summary>
    public double? Sigma { get; init; }

    /// <summary>Single weights or whole columns.</summary>
    public OutlierStructure Structure { get; init; }

    /// <summary>What is wrong with the options, or null.</summary>
    public string? Problem =>
        (Share is null) == (Sigma is null) ? "outliers are either a share or beyond so many sigma"
        : Share is double share && !(share is > 0 and <= 0.5) ? "the share of outliers is not above 0 and at most 1/2"
        : Sigma is double sigma && (!(sigma >= 1) || Structure != OutlierStructure.Weights)
            ? "outliers beyond so many sigma, at least 1, are single weights"
        : null;
}
