using Vernier.Errors;

namespace Vernier.Files.Safetensors;

/// <summary>
/// The rules of a safetensors file, by their stable names. Each constant names the rule that a valid file keeps;
/// <see cref="VernierException.Rule"/> is the one that was broken. docs/formats/safetensors.md explains them.
/// </summary>
public static class SafetensorsRules
{
    /// <summary>The file has at least the 8 bytes of the header's size.</summary>
    public const string HeaderSizeMissing = "header-size-missing";

    /// <summary>The header is at most <see cref="SafetensorsFile.MaxHeaderBytes"/> long.</summary>
    public const string HeaderTooLarge = "header-too-large";

    /// <summary>The header lies wholly inside the file.</summary>
    public const string HeaderTruncated = "header-truncated";

    /// <summary>The header begins with <c>{</c>.</summary>
    public const string HeaderStart = "header-start";

    /// <summary>The header is well-formed UTF-8.</summary>
    public const string HeaderNotUtf8 = "header-not-utf8";

    /// <summary>The header is one JSON object, followed by nothing but white space.</summary>
    public const string HeaderNotJson = "header-not-json";

    /// <summary>No name stands twice in the same object.</summary>
    public const string DuplicateKey = "duplicate-key";

    /// <summary><c>__metadata__</c> is an object whose values are strings.</summary>
    public const string MetadataNotStrings = "metadata-not-strings";

    /// <summary>Every other member of the header is an object that describes a tensor.</summary>
    public const string TensorNotObject = "tensor-not-object";

    /// <summary>A tensor has the fields <c>dtype</c>, <c>shape</c> and <c>data_offsets</c>.</summary>
    public const string FieldMissing = "field-missing";

    /// <summary>A tensor has no other fields.</summary>
    public const string FieldUnknown = "field-unknown";

    /// <summary><c>dtype</c> is a string, <c>shape</c> an array, <c>data_offsets</c> an array of two.</summary>
    public const string FieldType = "field-type";

    /// <summary><c>dtype</c> is the name of a member of <see cref="ElementType"/>.</summary>
    public const string DtypeUnknown = "dtype-unknown";

    /// <summary>Every dimension is a non-negative integer, written in digits alone.</summary>
    public const string DimensionNotInteger = "dimension-not-integer";

    /// <summary>A shape has at most <see cref="SafetensorsFile.MaxRank"/> dimensions.</summary>
    public const string TooManyDimensions = "too-many-dimensions";

    /// <summary>The dimensions, their product from the left and its number of bytes are below 2^63.</summary>
    public const string ShapeOverflow = "shape-overflow";

    /// <summary>Both offsets are non-negative integers, written in digits alone.</summary>
    public const string OffsetNotInteger = "offset-not-integer";

    /// <summary>The first offset does not exceed the second.</summary>
    public const string OffsetsReversed = "offsets-reversed";

    /// <summary>The data of a tensor lie inside the file.</summary>
    public const string OffsetsOutOfBounds = "offsets-out-of-bounds";

    /// <summary>The elements of a tensor fill whole bytes: their number times their bits is a multiple of 8.</summary>
    public const string MisalignedTensor = "misaligned-tensor";

    /// <summary>The distance of the offsets is the number of elements times their size.</summary>
    public const string SizeMismatch = "size-mismatch";

    /// <summary>No byte belongs to two tensors.</summary>
    public const string TensorOverlap = "tensor-overlap";

    /// <summary>Every byte between the header and the last tensor belongs to a tensor.</summary>
    public const string DataHole = "data-hole";

    /// <summary>Nothing follows the last tensor.</summary>
    public const string TrailingBytes = "trailing-bytes";

    /// <summary>A tensor that is asked for by name exists.</summary>
    public const string TensorMissing = "tensor-missing";

    /// <summary>A tensor that is read as numbers has elements that are real numbers of whole bytes.</summary>
    public const string NotANumber = "not-a-number";
}
