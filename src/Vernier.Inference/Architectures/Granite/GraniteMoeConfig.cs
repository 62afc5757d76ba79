using Vernier.Inference.Configuration;
using Vernier.Inference.Decoders;
using Vernier.Inference.Parts.Experts;

namespace Vernier.Inference.Architectures.Granite;

/// <summary>What config.json says about a Granite with experts.</summary>
internal sealed class GraniteMoeConfig : GraniteConfig
{
    private readonly ExpertStyle _experts;

    /// <summary>Reads the file.</summary>
    public GraniteMoeConfig(ConfigObject root)
        : base(root) => _experts = Experts(root, IntermediateSize);

    /// <inheritdoc/>
    public override ExpertStyle? ExpertsOf(int layer) => _experts;

    /// <summary>The experts.</summary>
    internal static ExpertStyle Experts(ConfigObject root, int size) => new(new ExpertRouting
    {
        Experts = root.Integer("num_local_experts", 1, ExpertReader.Most),
        PerToken = ExpertReader.PerToken(root, "num_local_experts"),
        Scores = ExpertScores.SoftmaxOfChosen,
    }, size)
    {
        Router = "block_sparse_moe.router.layer",
        Experts = "block_sparse_moe.experts.",
        Inputs = ["input_linear"],
        Output = "output_linear",
    };
}
