using Vernier.Packing.TwoLevel;

namespace Vernier.Quantization.Solvers.TwoLevel;

/// <summary>The two levels of scales of a matrix while it is being solved: s of each row, k and z of each of its groups.</summary>
internal sealed class TwoLevelGrids(TwoLevelLayout spec)
{
    /// <summary>s, as it is stored.</summary>
    public Half[] Scales { get; } = new Half[spec.Rows];

    /// <summary>k, row by row.</summary>
    public sbyte[] Factors { get; } = new sbyte[checked(spec.Rows * spec.Groups)];

    /// <summary>z, row by row.</summary>
    public byte[] Zeros { get; } = new byte[checked(spec.Rows * spec.Groups)];

    /// <summary>The grid of a group.</summary>
    /// <param name="row">The row.</param>
    /// <param name="group">The group.</param>
    /// <param name="unit">The unit of the matrix.</param>
    public TwoLevelGrid Grid(int row, int group, float unit) =>
        new(spec.Bits, unit * (float)Scales[row], Factors[row * spec.Groups + group], Zeros[row * spec.Groups + group]);
}

/// <summary>The levels of a group: s k (q - z), with |q - z| at most floor(127 / k).</summary>
/// <param name="Bits">Bits of a code.</param>
/// <param name="Scale">s, unit included.</param>
/// <param name="Factor">k.</param>
/// <param name="Zero">z.</param>
internal readonly record struct TwoLevelGrid(int Bits, float Scale, int Factor, int Zero)
{
    private int Most => TwoLevelLayout.Largest / Factor;

    /// <summary>The code of the nearest level.</summary>
    public int Encode(float weight)
    {
        float step = Scale * Factor;
        int steps = step == 0 ? 0 : (int)Math.Clamp(MathF.Round(weight / step), -Most, Most);
        return Math.Clamp(steps + Zero, 0, (1 << Bits) - 1);
    }

    /// <summary>The weight that a code stands for.</summary>
    public float Decode(int code) => Scale * TwoLevelMatrix.Level(Factor, code - Zero);
}
