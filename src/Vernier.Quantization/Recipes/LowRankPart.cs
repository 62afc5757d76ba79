namespace Vernier.Quantization.Recipes;

/// <summary>The matrix of low rank that makes up for what the codes have lost: the largest singular vectors of W - Q, in 8 bits.</summary>
public sealed record LowRankPart
{
    /// <summary>The rank, at least 1; of a matrix with fewer rows or columns these.</summary>
    public required int Rank { get; init; }

    /// <summary>Whether columns count by the energy of their input channel, H_jj; otherwise all alike. It needs calibration text.</summary>
    public bool Weighted { get; init; }

    /// <summary>What is wrong with the options, or null.</summary>
    public string? Problem => Rank < 1 ? "a matrix of low rank has a rank of 1 or more" : null;
}
