
namespace Vernier.Levels;

/// <summary>The moments of weights against the levels they are rounded to, all that a least-squares scale needs.</summary>
/// <param name="WeightLevel">Sum of m w v.</param>
/// <param name="LevelLevel">Sum of m v^2.</param>
internal readonly record struct Moments(double WeightLevel, double LevelLevel);
