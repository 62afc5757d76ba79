using Vernier.Levels;

namespace Vernier.Grids;

/// <summary>The parameters of one granule as they are stored, and the error that they leave.</summary>
/// <param name="Scale">
/// The scale; negative where the mirrored table fits better; zero for weights that are all zero. Where there is a choice of tables, its
/// last
/// bits say which was taken.
/// </param>
/// <param name="ZeroPoint">The code that stands for zero, on an asymmetric grid; otherwise 0 and not stored.</param>
/// <param name="Error">Sum of m (w - q)^2; NaN where codes were asked for and the rule had no choice that would have needed it.</param>
public readonly record struct FittedGranule(Half Scale, byte ZeroPoint, double Error);

/// <summary>How the scale of a granule is chosen, and its level table where there is a choice.</summary>
public interface IScaleFit
{
    /// <summary>Chooses the scale and the table, and rounds the weights.</summary>
    /// <param name="weights">The weights of the granule, all finite.</param>
    /// <param name="importance">Their importance m, none negative, or empty where all count alike.</param>
    /// <param name="tables">1, 2, 4 or 8 level tables to choose from.</param>
    /// <param name="codes">Receives the codes; empty where only the error is wanted.</param>
    FittedGranule Fit(ReadOnlySpan<float> weights, ReadOnlySpan<float> importance, ReadOnlySpan<LevelTable> tables, Span<byte> codes);

    /// <summary>Brings the scales of a row, once all are fitted, into the proportions that the rule asks for.</summary>
    /// <param name="scales">The scales of the granules of a row.</param>
    /// <returns>Whether one changed: the row is then rounded again, at the scales as they are now.</returns>
    bool Constrain(Span<Half> scales) => false;
}
