using Vernier.Errors;

namespace Vernier.Files.Gguf;

/// <summary>
/// The rules of a GGUF file, by their stable names. Each constant names the rule that a valid file keeps;
/// <see cref="VernierException.Rule"/> is the one that was broken. docs/formats/gguf.md explains them.
/// </summary>
public static class GgufRules
{
    /// <summary>The file begins with <c>GGUF</c>.</summary>
    public const string Magic = "gguf-magic";

    /// <summary>The version is 2 or 3, little-endian.</summary>
    public const string Version = "gguf-version";

    /// <summary>Counts, metadata and the descriptions of tensors lie wholly inside the file.</summary>
    public const string HeaderTruncated = "gguf-header-truncated";

    /// <summary>A key has 1 to <see cref="GgufFile.MaxKeyBytes"/> bytes.</summary>
    public const string KeyLength = "gguf-key-length";

    /// <summary>No key stands twice.</summary>
    public const string DuplicateKey = "gguf-duplicate-key";

    /// <summary>The type of a value is a member of <see cref="GgufType"/>.</summary>
    public const string ValueType = "gguf-value-type";

    /// <summary>Arrays are nested at most <see cref="GgufFile.MaxArrayDepth"/> deep.</summary>
    public const string ArrayTooDeep = "gguf-array-too-deep";

    /// <summary>Keys, strings and names are well-formed UTF-8.</summary>
    public const string NotUtf8 = "gguf-not-utf8";

    /// <summary>A truth value is 0 or 1.</summary>
    public const string Boolean = "gguf-boolean";

    /// <summary><c>general.alignment</c>, where there is one, is a UINT32, a power of two from 8 to 2^16.</summary>
    public const string Alignment = "gguf-alignment";

    /// <summary>The name of a tensor has 1 to <see cref="GgufFile.MaxNameBytes"/> bytes.</summary>
    public const string NameLength = "gguf-name-length";

    /// <summary>No two tensors have the same name.</summary>
    public const string DuplicateTensor = "gguf-duplicate-tensor";

    /// <summary>A tensor has at most <see cref="GgufFile.MaxRank"/> dimensions.</summary>
    public const string TooManyDimensions = "gguf-too-many-dimensions";

    /// <summary>The dimensions, their product and its number of bytes are below 2^63.</summary>
    public const string ShapeOverflow = "gguf-shape-overflow";

    /// <summary>The type of a tensor is one of <see cref="GgufTensorType"/>.</summary>
    public const string TensorType = "gguf-tensor-type";

    /// <summary>A row is a whole number of blocks of its type.</summary>
    public const string PartialBlock = "gguf-partial-block";

    /// <summary>The data of a tensor begin at a multiple of the alignment.</summary>
    public const string OffsetMisaligned = "gguf-offset-misaligned";

    /// <summary>The data of a tensor lie inside the file.</summary>
    public const string OffsetsOutOfBounds = "gguf-offsets-out-of-bounds";

    /// <summary>No byte belongs to two tensors.</summary>
    public const string TensorOverlap = "gguf-tensor-overlap";

    /// <summary>Nothing but padding lies between tensors.</summary>
    public const string DataHole = "gguf-data-hole";

    /// <summary>A tensor that is asked for by name exists.</summary>
    public const string TensorMissing = "gguf-tensor-missing";
}
