using Vernier.Files;
using Vernier.Files.Checkpoints;
using Vernier.Inference.Configuration;
using Vernier.Inference.Decoders;

namespace Vernier.Inference.Architectures.Granite;

/// <summary>Granite 3 with experts (Granite Team, 2024). The experts of a layer are stored in one tensor.</summary>
internal sealed class GraniteMoeArchitecture() : TransformerFamily<GraniteMoeConfig>("granitemoe", root => new GraniteMoeConfig(root))
{
    /// <inheritdoc/>
    public override IReadOnlyList<TensorView> Views(ModelConfig config, Checkpoint checkpoint) => ExpertViews(checkpoint);

    /// <summary>The experts, each as a matrix.</summary>
    public static IReadOnlyList<TensorView> ExpertViews(Checkpoint checkpoint)
    {
        var views = new List<TensorView>();
        foreach (TensorInfo tensor in checkpoint.Tensors.Where(tensor => tensor.Shape.Count == 3))
        {
            foreach (string part in (string[])["input_linear", "output_linear"])
            {
                string end = $".block_sparse_moe.{part}.weight";
                if (tensor.Name.EndsWith(end, StringComparison.Ordinal))
                    views.AddRange(NameViews.Experts(tensor,
                        expert => $"{tensor.Name[..^end.Length]}.block_sparse_moe.experts.{expert}.{part}.weight", transposed: false));
            }
        }
        return views;
    }
}
