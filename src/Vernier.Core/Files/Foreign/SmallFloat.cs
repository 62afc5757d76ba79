namespace Vernier.Files.Foreign;

/// <summary>Numbers of 4 bits.</summary>
internal static class SmallFloat
{
    /// <summary>The numbers of sign, two bits of exponent and one of mantissa, by their codes.</summary>
    public static readonly float[] E2M1 = [0, 0.5f, 1, 1.5f, 2, 3, 4, 6, -0f, -0.5f, -1, -1.5f, -2, -3, -4, -6];
}
