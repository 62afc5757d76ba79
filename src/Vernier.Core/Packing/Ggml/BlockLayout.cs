using System.Text.Json.Nodes;
using Vernier.Errors;
using Vernier.Files;
using Vernier.Files.Gguf.Blocks;

namespace Vernier.Packing.Ggml;

/// <summary>A matrix in a block format of ggml: the very bytes of a GGUF file.</summary>
/// <param name="Rows">Output channels, at least 1.</param>
/// <param name="Columns">Input channels, a multiple of <see cref="BlockFormat.BlockColumns"/>.</param>
/// <param name="Format">The block format.</param>
public sealed record BlockLayout(int Rows, int Columns, BlockFormat Format) : PackedLayout(Rows, Columns)
{
    /// <summary>The name of the layout.</summary>
    internal const string Name = "ggml";

    /// <inheritdoc/>
    public override string Kind => Name;

    /// <inheritdoc/>
    public override double CodeBits => Math.Log2(Format.Levels.Length);

    /// <inheritdoc/>
    public override string Summary => Format.Name;

    /// <summary>The columns of a sub-block.</summary>
    public override int GroupColumns => Format.SubBlockColumns;

    /// <summary>The bytes of a row.</summary>
    public int BytesPerRow => checked((int)Format.BytesOf(Columns));

    /// <summary>Whether a matrix of so many columns can be stored in a format.</summary>
    public static bool Fits(int columns, BlockFormat format)
    {
        ArgumentNullException.ThrowIfNull(format);
        return columns % format.BlockColumns == 0;
    }

    /// <summary>The one array of the matrix <paramref name="name"/>: <c>name.codes</c>, U8 [rows, bytes of a row].</summary>
    protected override IEnumerable<TensorInfo> CodeArrays(string name) => [new($"{name}.codes", ElementType.U8, [Rows, BytesPerRow])];

    /// <inheritdoc/>
    public override void Describe(JsonObject entry) => entry["type"] = Format.Name;

    /// <summary>Reads the layout from its entry in <c>quantization_config</c>.</summary>
    /// <exception cref="InvalidFileException">The entry is malformed.</exception>
    internal static BlockLayout Parse(LayoutEntry entry)
    {
        string type = entry.Text("type", "");
        if (!BlockFormats.TryGet(type, out BlockFormat? format))
            throw entry.Invalid($"the type '{type}' is unknown");
        return Fits(entry.Columns, format) ? new BlockLayout(entry.Rows, entry.Columns, format)
            : throw entry.Invalid(
                $"its {entry.Columns} columns are no whole number of blocks of {format.Name}, which have {format.BlockColumns}");
    }

    /// <inheritdoc/>
    public override PackedMatrix Read(PackedArrays arrays) => new BlockMatrix(this, arrays.Read<byte>("codes"), arrays.Outliers(this, 1));
}
