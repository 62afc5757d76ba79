using Vernier.Errors;

namespace Vernier.Inference.Gguf;

/// <summary>The rules that a model in a GGUF file has to keep beyond those of the format, and a model that becomes one, by their stable
/// names.</summary>
/// <seealso cref="VernierException.Rule"/>
public static class GgufModelRules
{
    /// <summary>The architecture is that of a family that runs here.</summary>
    public const string Architecture = "gguf-model-architecture";

    /// <summary>A value that the model needs is there.</summary>
    public const string MetadataMissing = "gguf-model-metadata-missing";

    /// <summary>A value has the type and range that it must have.</summary>
    public const string MetadataType = "gguf-model-metadata-type";

    /// <summary>No key changes what the model computes without being computed.</summary>
    public const string Metadata = "gguf-model-metadata";

    /// <summary>The tokenizer is of a kind that both sides have.</summary>
    public const string Tokenizer = "gguf-model-tokenizer";

    /// <summary>The way a text is cut before it is encoded has a name that both sides know.</summary>
    public const string PreTokenizer = "gguf-model-pre-tokenizer";

    /// <summary>Every tensor has a place in the model.</summary>
    public const string TensorName = "gguf-model-tensor-name";

    /// <summary>A query or key projection has the rows that its heads need.</summary>
    public const string TensorShape = "gguf-model-tensor-shape";

    /// <summary>A tensor that becomes part of a GGUF file consists of real numbers, and is not packed already.</summary>
    public const string TensorType = "gguf-model-tensor-type";

    /// <summary>What becomes part of a file, or of a folder made of one, is finite.</summary>
    public const string NotFinite = "gguf-model-not-finite";

    /// <summary>The numbers of a tensor have a place in the type that it is to have.</summary>
    public const string NumberRange = "gguf-model-number-range";
}
