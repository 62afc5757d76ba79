using System.Text.Json.Nodes;
using Vernier.Errors;
using Vernier.Files;

namespace Vernier.Packing.Trits;

/// <summary>
/// Two planes of trits with a scale each for every group of columns of a row: w = unit (a_1 t_1 + a_2 t_2), t = -1, 0 or 1.
/// </summary>
/// <param name="Rows">Output channels, at least 1.</param>
/// <param name="Columns">Input channels, at least 1.</param>
/// <param name="Group">The columns that share their two scales, at least 1; 0 for a whole row. A row that is no multiple ends in a shorter
/// group.</param>
/// <param name="Storage">How trits are stored.</param>
public sealed record TritLayout(int Rows, int Columns, int Group, TritStorage Storage) : PackedLayout(Rows, Columns)
{
    /// <summary>The name of the layout.</summary>
    internal const string Name = "trits";

    /// <summary>The planes.</summary>
    public const int Planes = 2;

    private const string Base3Name = "base3", TwoBitsName = "two-bits";

    /// <inheritdoc/>
    public override string Kind => Name;

    /// <inheritdoc/>
    public override double CodeBits => Planes * 8.0 / TritPacking.PerByte(Storage);

    /// <inheritdoc/>
    public override string Summary =>
        $"two planes of trits in {(Storage == TritStorage.Base3 ? "base 3" : "2 bits")}, {new Granularity(Group)}";

    /// <inheritdoc/>
    public override int GroupColumns => Group;

    /// <summary>The bytes of a row of a plane.</summary>
    public int BytesPerRow => TritPacking.BytesPerRow(Columns, Storage);

    /// <summary>The groups of a row.</summary>
    public int Groups => new Granularity(Group).ScaleColumns(Columns);

    /// <summary>The columns of a group that is not cut short.</summary>
    public int Width => new Granularity(Group).Width(Columns);

    /// <summary>
    /// The arrays of the codes of the matrix <paramref name="name"/>, in the order in which they are stored:
    /// <list type="bullet">
    /// <item><c>name.unit</c>, F32 [1]: a power of two.</item>
    /// <item><c>name.scales</c>, F16 [rows, groups, 2]: a_1 and a_2 of each group.</item>
    /// <item><c>name.trits</c>, U8 [2, rows, packed bytes]: the planes, packed as <see cref="TritPacking"/> says.</item>
    /// </list>
    /// </summary>
    protected override IEnumerable<TensorInfo> CodeArrays(string name) =>
    [
        new($"{name}.unit", ElementType.F32, [1]),
        new($"{name}.scales", ElementType.F16, [Rows, Groups, Planes]),
        new($"{name}.trits", ElementType.U8, [Planes, Rows, BytesPerRow]),
    ];

    /// <inheritdoc/>
    public override void Describe(JsonObject entry)
    {
        entry["group"] = Group;
        entry["storage"] = Storage == TritStorage.Base3 ? Base3Name : TwoBitsName;
    }

    /// <summary>Reads the layout from its entry in <c>quantization_config</c>.</summary>
    /// <exception cref="InvalidFileException">The entry is malformed.</exception>
    internal static TritLayout Parse(LayoutEntry entry) =>
        new(entry.Rows, entry.Columns, entry.Integer("group", 0, int.MaxValue), entry.Text("storage", "") switch
    {
        Base3Name => TritStorage.Base3,
        TwoBitsName => TritStorage.TwoBits,
        string other => throw entry.Invalid($"the storage of trits '{other}' is unknown",
            "Use the version of Vernier that wrote the model, or a later one"),
    });

    /// <inheritdoc/>
    public override PackedMatrix Read(PackedArrays arrays)
    {
        float unit = arrays.Unit();
        Half[] scales = arrays.Scales("scales");
        byte[] trits = arrays.Read<byte>("trits");
        if (!TritPacking.AreValid(trits, Storage))
            throw arrays.Invalid("trits", "packed-trits", "a byte stands for no trits");
        return new TritMatrix(this, unit, scales, trits, arrays.Outliers(this, unit));
    }
}
