namespace Vernier.Grids;

/// <summary>Which signed indices the 2^b codes of a grid stand for.</summary>
public enum LevelLayout
{
    /// <summary>j = -L .. L with L = 2^(b-1) - 1: the symmetric grid of the papers. One code is never used.</summary>
    Symmetric,

    /// <summary>
    /// j = -2^(b-1) .. 2^(b-1) - 1: every code is used. The sign of the scale, stored anyway, puts the additional level on the
    /// heavier side.
    /// </summary>
    Full,

    /// <summary>j = +-1/2, +-3/2, .. +-(2^(b-1) - 1/2): every code is used, and no level is zero.</summary>
    MidRise,

    /// <summary>
    /// j + d for j = -2^(b-1) .. 2^(b-1) - 1, with an offset d from 0 (the full layout) to 1/2 (mid-rise): every code is used, and
    /// the middle of the grid lies where the weights want it. Power only.
    /// </summary>
    Offset,

    /// <summary>j = 0 .. 2^b - 1, less a zero point stored per granule: the asymmetric (affine) grid. Uniform only.</summary>
    Asymmetric,
}

/// <summary>How a value is given its code.</summary>
public enum RoundingRule
{
    /// <summary>The level with the least distance to the value; a tie goes to the level with the even index.</summary>
    Nearest,

    /// <summary>
    /// The index with the least distance in the power domain, round(L |x|^a): the rule of PowerQuant and NUPES. It is not the nearest
    /// level: the boundaries lie where the indices, not the levels, are half-way.
    /// </summary>
    PowerDomain,
}
