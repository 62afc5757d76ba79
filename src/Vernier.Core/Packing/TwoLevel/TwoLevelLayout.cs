using System.Text.Json.Nodes;
using Vernier.Errors;
using Vernier.Files;

namespace Vernier.Packing.TwoLevel;

/// <summary>
/// Codes within integers: the weights of a row are integers of 8 bits times a scale, and these integers are codes of few bits, less a zero
/// point, times an integer for each
/// group: w = unit s (k c), c = q - z, k = 1 .. 127, with c held within -floor(127 / k) .. floor(127 / k). A product is one of integers of
/// 8 bits with one scale a row.
/// </summary>
/// <param name="Rows">Output channels, at least 1.</param>
/// <param name="Columns">Input channels, at least 1.</param>
/// <param name="Bits">Bits of a code, 2 to 8.</param>
/// <param name="Group">The columns that share k and z, at least 1; 0 for a whole row. A row that is no multiple ends in a shorter
/// group.</param>
public sealed record TwoLevelLayout(int Rows, int Columns, int Bits, int Group) : PackedLayout(Rows, Columns)
{
    /// <summary>The name of the layout.</summary>
    internal const string Name = "two-level";

    /// <summary>The largest k, and the largest magnitude of k c.</summary>
    public const int Largest = sbyte.MaxValue;

    /// <inheritdoc/>
    public override string Kind => Name;

    /// <inheritdoc/>
    public override double CodeBits => Bits;

    /// <inheritdoc/>
    public override string Summary => $"{Bits} bits within 8, {new Granularity(Group)}";

    /// <inheritdoc/>
    public override int GroupColumns => Group;

    /// <summary>The groups of a row.</summary>
    public int Groups => new Granularity(Group).ScaleColumns(Columns);

    /// <summary>The columns of a group that is not cut short.</summary>
    public int Width => new Granularity(Group).Width(Columns);

    /// <summary>The bytes of a packed row of codes.</summary>
    public int BytesPerRow => checked((int)CodePacking.BytesPerRow(Columns, Bits));

    /// <summary>The bytes of a packed row of zero points.</summary>
    public int ZeroBytesPerRow => checked((int)CodePacking.BytesPerRow(Groups, Bits));

    /// <summary>
    /// The arrays of the codes of the matrix <paramref name="name"/>, in the order in which they are stored:
    /// <list type="bullet">
    /// <item><c>name.unit</c>, F32 [1]: a power of two.</item>
    /// <item><c>name.scales</c>, F16 [rows]: s.</item>
    /// <item><c>name.factors</c>, I8 [rows, groups]: k, 1 to 127.</item>
    /// <item><c>name.zeros</c>, U8 [rows, packed bytes]: z, packed like codes.</item>
    /// <item><c>name.codes</c>, U8 [rows, packed bytes].</item>
    /// </list>
    /// </summary>
    protected override IEnumerable<TensorInfo> CodeArrays(string name) =>
    [
        new($"{name}.unit", ElementType.F32, [1]),
        new($"{name}.scales", ElementType.F16, [Rows]),
        new($"{name}.factors", ElementType.I8, [Rows, Groups]),
        new($"{name}.zeros", ElementType.U8, [Rows, ZeroBytesPerRow]),
        new($"{name}.codes", ElementType.U8, [Rows, BytesPerRow]),
    ];

    /// <inheritdoc/>
    public override void Describe(JsonObject entry)
    {
        entry["bits"] = Bits;
        entry["group"] = Group;
    }

    /// <summary>Reads the layout from its entry in <c>quantization_config</c>.</summary>
    /// <exception cref="InvalidFileException">The entry is malformed.</exception>
    internal static TwoLevelLayout Parse(LayoutEntry entry) =>
        new(entry.Rows, entry.Columns, entry.Integer("bits", 2, 8), entry.Integer("group", 0, int.MaxValue));

    /// <inheritdoc/>
    public override PackedMatrix Read(PackedArrays arrays)
    {
        float unit = arrays.Unit();
        Half[] scales = arrays.Scales("scales");
        sbyte[] factors = arrays.Read<sbyte>("factors");
        if (factors.AsSpan().ContainsAnyExceptInRange((sbyte)1, (sbyte)Largest))
            throw arrays.Invalid("factors", "packed-factors", "a factor of a group is below 1");
        return new TwoLevelMatrix(this, unit, scales, factors, arrays.Read<byte>("zeros"), arrays.Read<byte>("codes"),
            arrays.Outliers(this, unit));
    }
}
