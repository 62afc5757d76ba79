using Vernier.Inference.Configuration;
using Vernier.Inference.Decoders;
using Vernier.Inference.Parts.StateSpaces;

namespace Vernier.Inference.Architectures.Mamba;

/// <summary>What config.json says about a Mamba-2.</summary>
internal sealed class Mamba2Config : ModelConfig
{
    private static readonly FamilyKeys s_keys = new("""
        {"max_position_embeddings": 1048576, "tie_word_embeddings": false, "state_size": 128, "conv_kernel": 4, "expand": 2,
        "head_dim": 64, "n_groups": 8, "num_heads": 128}
        """);

    /// <summary>Reads the file.</summary>
    public Mamba2Config(ConfigObject root)
        : base(root.As(s_keys))
    {
        root = root.As(s_keys);
        NormEpsilon = (float)root.Number("layer_norm_epsilon", 0, 1, 1e-5);
        int heads = root.Integer("num_heads", 1, 1 << 16), size = root.Integer("head_dim", 1, 1 << 16),
            groups = root.Integer("n_groups", 1, heads);
        if (heads * size != HiddenSize * root.Integer("expand", 1, 64) || heads % groups != 0)
            throw root.Error(ModelRules.ConfigHeads,
                $"{heads} heads of {size} in {groups} groups are not 'expand' times 'hidden_size', or do not fall into the groups");
        if (Activations.Read(root) != Activation.Silu || !root.Flag("rms_norm", true))
            throw root.Unsupported(ModelRules.ConfigActivation, "'hidden_act' or 'rms_norm' is another than the published models have",
                "Give a model with silu and the norm");
        Style = new Mamba2Style(new Mamba2Shape(heads, size, root.Integer("state_size", 1, 4096), groups),
            root.Integer("conv_kernel", 2, 64), root.Flag("use_bias", false), root.Flag("use_conv_bias", true),
            Mamba2Style.ReadSteps(root)) { Epsilon = NormEpsilon };
        StateSpaceMembers.Note(root);
        root.Has("time_step_rank");
    }

    /// <summary>The epsilon of the norms.</summary>
    public float NormEpsilon { get; }

    /// <summary>The layers.</summary>
    public Mamba2Style Style { get; }
}
