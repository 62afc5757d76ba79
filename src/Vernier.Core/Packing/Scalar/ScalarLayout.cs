using System.Text.Json.Nodes;
using Vernier.Errors;
using Vernier.Files;
using Vernier.Levels;

namespace Vernier.Packing.Scalar;

/// <summary>
/// One code of 2 to 8 bits for each weight, which a table of levels and a scale for each granule turn into a number: every scalar grid.
/// </summary>
/// <param name="Rows">Output channels, at least 1.</param>
/// <param name="Columns">Input channels, at least 1.</param>
/// <param name="Bits">Bits of a code, 2 to 8.</param>
/// <param name="Granularity">Which weights share a scale.</param>
/// <param name="RowsPerGrid">Consecutive rows that share their level tables, at least 1; <paramref name="Rows"/> where all do.</param>
/// <param name="Tables">
/// The level tables that each granule of these rows may choose from: 1, 2, 4 or 8. The choice is held by the last log2(Tables) bits of the
/// granule's scale, which thereby has so many bits less of precision: it costs no storage.
/// </param>
/// <param name="WideLevels">Whether levels are stored in 16 bits; otherwise in 8.</param>
/// <param name="ZeroPoints">Whether each granule has a zero point: the code that stands for zero.</param>
public sealed record ScalarLayout(int Rows, int Columns, int Bits, Granularity Granularity, int RowsPerGrid, int Tables, bool WideLevels,
    bool ZeroPoints)
    : PackedLayout(Rows, Columns)
{
    /// <summary>The name of this layout, which is not written: an entry without a layout is scalar.</summary>
    internal const string Name = "scalar";

    private const string E8M0Name = "e8m0", E4M3Name = "e4m3";

    /// <summary>Whether levels are stored in single precision, because integers of 16 bits can't hold them; not beside
    /// <see cref="WideLevels"/>.</summary>
    public bool FloatLevels { get; init; }

    /// <summary>The numbers that scales can be, and how they are stored. Those of one byte have one table and no negative ones.</summary>
    public ScaleFormat ScaleFormat { get; init; }

    /// <inheritdoc/>
    public override string Kind => Name;

    /// <inheritdoc/>
    public override double CodeBits => Bits;

    /// <inheritdoc/>
    public override string Summary => $"{Bits} bits, {Granularity}";

    /// <inheritdoc/>
    public override int GroupColumns => Granularity.GroupColumns;

    /// <summary>The number of level tables of all rows.</summary>
    public int Grids => checked((int)(((long)Rows + RowsPerGrid - 1) / RowsPerGrid * Tables));

    /// <summary>The bytes of a packed row of codes.</summary>
    public int BytesPerRow => checked((int)CodePacking.BytesPerRow(Columns, Bits));

    /// <summary>The number of scales.</summary>
    public int Scales => checked(Granularity.ScaleRows(Rows) * Granularity.ScaleColumns(Columns));

    /// <summary>The bytes of all packed zero points, 0 where there are none.</summary>
    public int ZeroBytes => ZeroPoints ? checked(
        (int)(Granularity.ScaleRows(Rows) * CodePacking.BytesPerRow(Granularity.ScaleColumns(Columns), Bits))) : 0;

    /// <summary>
    /// The arrays of the codes of the matrix <paramref name="name"/>, in the order in which they are stored:
    /// <list type="bullet">
    /// <item><c>name.grid</c>, F32 [grids, 3]: the exponent of each level table, its offset, and its unit, a power of two.</item>
    /// <item><c>name.levels</c>, I8, I16 or F32 [grids, 2^bits]: the level of each code; ascending.</item>
    /// <item><c>name.scales</c>, F16, F8_E8M0 or F8_E4M3, [scale rows, granules a row].</item>
    /// <item><c>name.zeros</c>, U8 [scale rows, packed bytes]: the zero points, packed like codes; only of an asymmetric grid.</item>
    /// <item><c>name.codes</c>, U8 [rows, packed bytes].</item>
    /// </list>
    /// A weight is scale * unit * (level[code] - level[zero]), the last term only where there are zero points, and its outlier.
    /// </summary>
    protected override IEnumerable<TensorInfo> CodeArrays(string name)
    {
        long scaleRows = Granularity.ScaleRows(Rows), scaleColumns = Granularity.ScaleColumns(Columns);
        yield return new($"{name}.grid", ElementType.F32, [Grids, 3]);
        yield return new($"{name}.levels", FloatLevels ? ElementType.F32 : WideLevels ? ElementType.I16
            : ElementType.I8, [Grids, 1L << Bits]);
        yield return new($"{name}.scales", ScaleFormat switch
        {
            ScaleFormat.E8M0 => ElementType.F8_E8M0,
            ScaleFormat.E4M3 => ElementType.F8_E4M3,
            _ => ElementType.F16,
        }, [scaleRows, scaleColumns]);
        if (ZeroPoints)
            yield return new($"{name}.zeros", ElementType.U8, [scaleRows, ZeroBytes / scaleRows]);
        yield return new($"{name}.codes", ElementType.U8, [Rows, BytesPerRow]);
    }

    /// <summary>The level table of a granule.</summary>
    /// <param name="row">The granule's row.</param>
    /// <param name="scale">The granule's scale.</param>
    public int GridOf(int row, Half scale) => row / RowsPerGrid * Tables + (BitConverter.HalfToUInt16Bits(scale) & (Tables - 1));

    /// <inheritdoc/>
    public override void Describe(JsonObject entry)
    {
        entry["bits"] = Bits;
        entry["group"] = Granularity.GroupColumns;
        if (RowsPerGrid != Rows)
            entry["rows_per_grid"] = RowsPerGrid;
        if (Tables != 1)
            entry["tables"] = Tables;
        if (WideLevels)
            entry["wide_levels"] = true;
        if (FloatLevels)
            entry["float_levels"] = true;
        if (ZeroPoints)
            entry["zero_points"] = true;
        if (ScaleFormat != ScaleFormat.Half)
            entry["scale_format"] = ScaleFormat == ScaleFormat.E8M0 ? E8M0Name : E4M3Name;
    }

    /// <summary>Reads the layout from its entry in <c>quantization_config</c>.</summary>
    /// <exception cref="InvalidFileException">The entry is malformed.</exception>
    internal static ScalarLayout Parse(LayoutEntry entry)
    {
        int tables = entry.Integer("tables", 1, 8, 1);
        if (!int.IsPow2(tables))
            throw entry.Invalid("'tables' is not a power of two");
        ScaleFormat format = entry.Text("scale_format", "") switch
        {
            "" => ScaleFormat.Half,
            E8M0Name => ScaleFormat.E8M0,
            E4M3Name => ScaleFormat.E4M3,
            string other => throw entry.Invalid($"the scale format '{other}' is unknown",
                "Use the version of Vernier that wrote the model, or a later one"),
        };
        bool wide = entry.Flag("wide_levels"), floats = entry.Flag("float_levels"), zeros = entry.Flag("zero_points");
        if (floats && (wide || zeros))
            throw entry.Invalid("'float_levels' go neither with 'wide_levels' nor with 'zero_points'");
        if (format != ScaleFormat.Half && tables > 1)
            throw entry.Invalid("scales of one byte have no room for a choice of 'tables'");
        return new ScalarLayout(entry.Rows, entry.Columns, entry.Integer("bits", 2, 8),
            new Granularity(entry.Integer("group", -1, int.MaxValue)),
            entry.Integer("rows_per_grid", 1, entry.Rows, entry.Rows), tables, wide, zeros) { FloatLevels = floats, ScaleFormat = format };
    }

    /// <inheritdoc/>
    public override PackedMatrix Read(PackedArrays arrays)
    {
        Half[] scales = GC.AllocateUninitializedArray<Half>(Scales);
        ReadScales(arrays, scales);
        LevelTable[] grids = ReadGrids(arrays);
        var codes = GC.AllocateUninitializedArray<byte>(checked(Rows * BytesPerRow));
        arrays.ReadOnce("codes", 0, codes);
        return new ScalarMatrix(this, grids, scales, ZeroPoints ? arrays.Read<byte>("zeros")
            : [], codes, arrays.Outliers(this, grids[0].Unit));
    }

    /// <summary>Reads the scales, all of them finite, into memory of the caller.</summary>
    internal void ReadScales(PackedArrays arrays, Span<Half> scales)
    {
        if (ScaleFormat == ScaleFormat.Half)
        {
            arrays.ReadScales("scales", scales);
            return;
        }
        byte[] bytes = arrays.Read<byte>("scales");
        for (int i = 0; i < scales.Length; i++)
            scales[i] = StoredScale.Decode(bytes[i], ScaleFormat);
        if (!HalfNumbers.AreFinite(scales))
            throw arrays.Invalid("scales", "packed-scale", "a scale is no number, or outside of what half precision holds");
    }

    /// <summary>Reads the level tables.</summary>
    internal LevelTable[] ReadGrids(PackedArrays arrays)
    {
        float[] grid = arrays.Read<float>("grid");
        ReadOnlySpan<byte> bytes = arrays.Read<byte>("levels");
        var tables = new LevelTable[Grids];
        var levels = new short[1 << Bits];
        var floats = new float[1 << Bits];
        for (int g = 0; g < tables.Length; g++)
        {
            for (int code = 0; code < levels.Length; code++)
            {
                int at = g * levels.Length + code;
                if (FloatLevels)
                    floats[code] = BitConverter.ToSingle(bytes[(4 * at)..]);
                else
                    levels[code] = WideLevels ? BitConverter.ToInt16(bytes[(2 * at)..]) : (sbyte)bytes[at];
            }
            int count = levels.Length;
            while (count > 2 && (FloatLevels ? floats[count - 1] == floats[count - 2] : levels[count - 1] == levels[count - 2]))
                count--;
            try
            {
                tables[g] = FloatLevels ? LevelTable.OfFloats(Bits, floats.AsSpan(0, count), grid[3 * g + 2])
                    : new LevelTable(Bits, levels.AsSpan(0, count), grid[3 * g + 2], grid[3 * g], grid[3 * g + 1]);
            }
            catch (ArgumentException e)
            {
                throw arrays.Invalid("levels", "packed-levels", $"level table {g} is malformed: {e.Message}", e);
            }
        }
        return tables;
    }
}
