using System.Diagnostics.CodeAnalysis;
using Vernier.Files.Gguf.Blocks;

namespace Vernier.Files.Gguf;

/// <summary>How the numbers of a tensor are stored in a GGUF file: as plain elements or in blocks.</summary>
public sealed class GgufTensorType
{
    private static readonly Dictionary<int, string> s_unsupported = new()
    {
        [9] = "Q8_1", [15] = "Q8_K", [16] = "IQ2_XXS", [17] = "IQ2_XS", [18] = "IQ3_XXS", [19] = "IQ1_S", [21] = "IQ3_S", [22] = "IQ2_S",
            [29] = "IQ1_M", [40] = "NVFP4",
    };

    // Of some the size is known, so that a file can be listed; they are not read.
    private static readonly GgufTensorType[] s_listed =
    [
        new("Q8_1", 9, 32, 36), new("Q8_K", 15, 256, 292), new("IQ2_XXS", 16, 256, 66), new("IQ2_XS", 17, 256, 74),
        new("IQ3_XXS", 18, 256, 98), new("IQ1_S", 19, 256, 50), new("IQ3_S", 21, 256, 110), new("IQ2_S", 22, 256, 82),
        new("IQ1_M", 29, 256, 56),
    ];

    private GgufTensorType(string name, int id, int columns, int bytes) =>
        (Name, Id, BlockColumns, BlockBytes) = (name, id, columns, bytes);

    private GgufTensorType(string name, int id, ElementType element) =>
        (Name, Id, Element, BlockColumns, BlockBytes) = (name, id, element, 1, element.Size());

    private GgufTensorType(BlockFormat format) =>
        (Name, Id, Format, BlockColumns, BlockBytes) = (format.Name, format.TypeId, format, format.BlockColumns, format.BlockBytes);

    /// <summary>IEEE single.</summary>
    public static GgufTensorType F32 { get; } = new("F32", 0, ElementType.F32);

    /// <summary>IEEE half.</summary>
    public static GgufTensorType F16 { get; } = new("F16", 1, ElementType.F16);

    /// <summary>The upper half of an IEEE single.</summary>
    public static GgufTensorType BF16 { get; } = new("BF16", 30, ElementType.BF16);

    /// <summary>All types that are read and written.</summary>
    public static IReadOnlyList<GgufTensorType> All { get; } =
    [
        F32, F16, BF16, new("F64", 28, ElementType.F64), new("I8", 24, ElementType.I8), new("I16", 25, ElementType.I16),
            new("I32", 26, ElementType.I32), new("I64", 27, ElementType.I64),
        .. BlockFormats.All.Select(format => new GgufTensorType(format)),
    ];

    /// <summary>The name as in ggml.</summary>
    public string Name { get; }

    /// <summary>The number in a file, ggml_type.</summary>
    public int Id { get; }

    /// <summary>The element type of a tensor without blocks.</summary>
    public ElementType? Element { get; }

    /// <summary>The format of a tensor in blocks.</summary>
    public BlockFormat? Format { get; }

    /// <summary>The numbers of a block; 1 for plain elements.</summary>
    public int BlockColumns { get; }

    /// <summary>The bytes of a block, or of an element.</summary>
    public int BlockBytes { get; }

    /// <summary>Finds a type by its number.</summary>
    public static bool TryGet(int id, [NotNullWhen(true)] out GgufTensorType? type) =>
        (type = All.FirstOrDefault(known => known.Id == id)) is not null;

    /// <summary>Finds a type by its number, among them those that are listed and not read.</summary>
    internal static bool TryGetListed(int id, [NotNullWhen(true)] out GgufTensorType? type) =>
        TryGet(id, out type) || (type = Array.Find(s_listed, known => known.Id == id)) is not null;

    /// <summary>Whether its numbers can be read.</summary>
    internal bool IsRead => Element is not null || Format is not null;

    /// <summary>Finds a type by its name, in capital or small letters.</summary>
    public static bool TryGet(string name, [NotNullWhen(true)] out GgufTensorType? type) =>
        (type = All.FirstOrDefault(known => known.Name.Equals(name, StringComparison.OrdinalIgnoreCase))) is not null;

    /// <summary>The type of blocks of a format.</summary>
    public static GgufTensorType Of(BlockFormat format) => All.First(type => type.Format == format);

    /// <inheritdoc/>
    public override string ToString() => Name;

    /// <summary>The name of a number that is not supported, for messages.</summary>
    internal static string NameOf(uint id) =>
        id < int.MaxValue && s_unsupported.TryGetValue((int)id, out string? name) ? name : $"number {id}";
}
