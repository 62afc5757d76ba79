using Vernier.Files;
using Vernier.Files.Checkpoints;
using Vernier.Inference.Configuration;
using Vernier.Inference.Decoders;

namespace Vernier.Inference.Architectures.Llama4;

/// <summary>The language model of Llama 4 (Meta, 2025). The experts of a layer are stored in one tensor, inputs x outputs.</summary>
internal sealed class Llama4Architecture() : TransformerFamily<Llama4Config>("llama4_text", root => new Llama4Config(root),
    config => new Llama4Assembly(config))
{
    private const string Prefix = "language_model.", Experts = ".feed_forward.experts.";

    /// <inheritdoc/>
    public override IReadOnlyList<TensorView> Views(ModelConfig config, Checkpoint checkpoint) =>
        [.. checkpoint.Tensors.SelectMany(View)];

    private static IEnumerable<TensorView> View(TensorInfo tensor)
    {
        string name = tensor.Name.StartsWith(Prefix, StringComparison.Ordinal) ? tensor.Name[Prefix.Length..] : tensor.Name;
        int at = name.IndexOf(Experts, StringComparison.Ordinal);
        if (at >= 0 && tensor.Shape.Count == 3)
            return NameViews.Experts(tensor, expert => $"{name[..(at + Experts.Length)]}{expert}.{name[(at + Experts.Length)..]}.weight",
                transposed: true);
        return name == tensor.Name ? [] : [TensorView.Slice(name, tensor.Name, tensor.Shape)];
    }
}
