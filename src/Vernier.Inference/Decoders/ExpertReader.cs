using Vernier.Errors;
using Vernier.Inference.Configuration;
using Vernier.Inference.Parts.Experts;

namespace Vernier.Inference.Decoders;

/// <summary>Reads what families with experts have in common.</summary>
internal static class ExpertReader
{
    /// <summary>The most experts of a layer that are taken for sound.</summary>
    public const int Most = 4096;

    /// <summary>How many experts a token gets: <c>num_experts_per_tok</c>.</summary>
    /// <param name="root">The object of config.json.</param>
    /// <param name="experts">The member with the number of experts.</param>
    /// <exception cref="InvalidFileException">It is none, or more than there are.</exception>
    public static int PerToken(ConfigObject root, string experts) =>
        root.Integer("num_experts_per_tok", 1, root.Integer(experts, 1, Most));

    /// <summary>Experts as Mixtral names them.</summary>
    public static ExpertStyle Mixtral(int size, ExpertRouting routing) => new(routing, size)
    {
        Router = "block_sparse_moe.gate",
        Experts = "block_sparse_moe.experts.",
        Inputs = ["w1", "w3"],
        Output = "w2",
    };

    /// <summary>The routing of DeepSeek V3 and what follows it: sigmoids, with a correction of the choice, in groups.</summary>
    public static ExpertRouting Corrected(ConfigObject root)
    {
        int experts = root.Integer("n_routed_experts", 1, Most), groups = root.Integer("n_group", 1, experts);
        if (experts % groups != 0)
            throw root.Error(ModelRules.ConfigRange, $"'n_routed_experts' is {experts}, not a multiple of 'n_group', {groups}");
        return new ExpertRouting
        {
            Experts = experts,
            PerToken = PerToken(root, "n_routed_experts"),
            Scores = ExpertScores.Sigmoid,
            Normalize = root.Flag("norm_topk_prob", true),
            Scale = (float)root.Number("routed_scaling_factor", 0, 1e6, 1),
            Groups = groups,
            TopGroups = root.Integer("topk_group", 1, groups),
            GroupBest = 2,
        };
    }
}
