namespace Vernier.Quantization.Recipes;

/// <summary>How scales are chosen.</summary>
public enum ScaleRule
{
    /// <summary>By search for the least squared error.</summary>
    Search,

    /// <summary>The largest weight gets the largest level.</summary>
    Largest,

    /// <summary>By search, then raised to a power of two: M1 of ZeroQuant-FP.</summary>
    PowerOfTwo,

    /// <summary>By search, then lowered to the largest of the row divided by a power of two: M2 of ZeroQuant-FP.</summary>
    PowerOfTwoRatios,

    /// <summary>By gradient descent from the largest weight's.</summary>
    Gradient,
}

/// <summary>The gradient descent of a scale.</summary>
public sealed record ScaleDescentPart
{
    /// <summary>The steps, at least 1.</summary>
    public int Iterations { get; init; } = 100;

    /// <summary>The learning rate, relative to the scale of the largest weight; above 0.</summary>
    public double LearningRate { get; init; } = 0.01;

    /// <summary>What is wrong with the options, or null.</summary>
    public string? Problem => Iterations < 1 || !(LearningRate > 0) ? "the descent of scales has no iteration, or no learning rate above 0"
        : null;
}
