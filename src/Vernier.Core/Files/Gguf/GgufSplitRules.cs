using Vernier.Errors;

namespace Vernier.Files.Gguf;

/// <summary>
/// The rules of a model that is split into several GGUF files, by their stable names. docs/formats/gguf.md explains them.
/// </summary>
/// <seealso cref="VernierException.Rule"/>
public static class GgufSplitRules
{
    /// <summary>A part is called NAME-00001-of-00003.gguf, with its number and that of all parts in its metadata.</summary>
    public const string Name = "gguf-split-name";

    /// <summary>All parts lie beside each other.</summary>
    public const string Missing = "gguf-split-missing";

    /// <summary>The parts agree in <c>split.count</c> and <c>split.tensors.count</c>, which are whole numbers, and each has its own
    /// <c>split.no</c>.</summary>
    public const string Metadata = "gguf-split-metadata";

    /// <summary>The parts have as many tensors together as <c>split.tensors.count</c> says.</summary>
    public const string Tensors = "gguf-split-tensors";

    /// <summary>No tensor is in two parts.</summary>
    public const string TensorInTwoParts = "gguf-split-tensor-in-two-parts";
}
