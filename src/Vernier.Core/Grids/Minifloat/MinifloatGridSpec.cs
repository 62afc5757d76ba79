using Vernier.Grids.Specs;
using Vernier.Levels;

namespace Vernier.Grids.Minifloat;

/// <summary>
/// The numbers of a float of few bits: see <see cref="MinifloatGrid"/>. Either formats by name, which say the bits, or bits of exponent at
/// any number of bits; of several the
/// one of least error is taken. The layout is symmetric.
/// </summary>
public sealed record MinifloatGridSpec : ScalarGridSpec
{
    /// <summary>Creates the grid, without a format.</summary>
    public MinifloatGridSpec()
        : base(LevelLayout.Symmetric)
    {
    }

    /// <summary>The bits of exponent to choose from, at the number of bits that is asked for; each 1 to 7, and 1 among them.</summary>
    public IReadOnlyList<int> ExponentBits { get; init; } = [];

    /// <summary>The formats to choose from, by name, all of as many bits: linear layers then have these bits. See
    /// <see cref="MinifloatFormat.TryParse"/>.</summary>
    public IReadOnlyList<string> Formats { get; init; } = [];

    /// <inheritdoc/>
    public override int? FixedBits => Formats.Count > 0 ? FormatsFor(0)[0].Bits : null;

    /// <inheritdoc/>
    public override string? Problem =>
        OtherThan(LevelLayout.Symmetric, "a minifloat has the symmetric layout")
        ?? ((Formats.Count == 0) == (ExponentBits.Count == 0) ? "a minifloat has either formats or bits of exponent to choose from"
        : ExponentBits.Any(bits => bits is < 1 or > 7) || (ExponentBits.Count > 0 && ExponentBits.Min() > 1)
            ? "bits of exponent are from 1 to 7, and 1 is among them, for few bits of code"
        : Formats.FirstOrDefault(name => !MinifloatFormat.TryParse(name, out _)) is string unknown
            ? $"there is no format '{unknown}': e2m1 and the like, ocp-e4m3, ocp-e5m2"
        : Formats.Count > 0 && FormatsFor(0).Select(format => format.Bits).Distinct().Count() > 1 ? "the formats differ in their bits"
        : base.Problem);

    /// <summary>The formats to choose from, of so many bits.</summary>
    /// <param name="bits">2 to 8; not used where formats are named.</param>
    public IReadOnlyList<MinifloatFormat> FormatsFor(int bits) => Formats.Count == 0 ? MinifloatFormat.Splits(bits, ExponentBits)
        : [.. Formats.Select(name => MinifloatFormat.TryParse(name, out MinifloatFormat format) ? format
            : throw new ArgumentException($"there is no format '{name}'"))];

    /// <inheritdoc/>
    public override IReadOnlyList<LevelTable> Candidates(int bits, RoundingRule rounding) =>
        [.. FormatsFor(bits).Select(format => ForScales(MinifloatGrid.Create(format)))];

    /// <inheritdoc/>
    protected override bool HasFloatLevels(int bits) => FormatsFor(bits).Any(MinifloatGrid.IsFloat);

    /// <inheritdoc/>
    protected override bool HasWideLevels(int bits) => !HasFloatLevels(bits) && !FormatsFor(bits).All(MinifloatGrid.FitsInSByte);
}
