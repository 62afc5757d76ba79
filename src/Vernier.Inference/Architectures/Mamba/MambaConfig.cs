using System.Text.Json;
using Vernier.Inference.Configuration;
using Vernier.Inference.Decoders;

namespace Vernier.Inference.Architectures.Mamba;

/// <summary>What config.json says about a Mamba.</summary>
internal sealed class MambaConfig : ModelConfig
{
    private static readonly FamilyKeys s_keys = new("""
        {"max_position_embeddings": 1048576, "tie_word_embeddings": true, "state_size": 16, "conv_kernel": 4, "expand": 2}
        """, ("hidden_size", "d_model"), ("num_hidden_layers", "n_layer"));

    private static readonly FamilyKeys s_falcon = new("""
        {"max_position_embeddings": 1048576, "tie_word_embeddings": true, "state_size": 16, "conv_kernel": 4, "expand": 2,
        "mixer_rms_eps": 1e-6}
        """);

    /// <summary>Reads the file.</summary>
    /// <param name="root">Its object.</param>
    /// <param name="normed">Whether steps, B and C are normed.</param>
    public MambaConfig(ConfigObject root, bool normed)
        : base(root.As(normed ? s_falcon : s_keys))
    {
        root = root.As(normed ? s_falcon : s_keys);
        NormEpsilon = (float)root.Number("layer_norm_epsilon", 0, 1, 1e-5);
        int inner = root.Integer("intermediate_size", 1, 1 << 22, HiddenSize * root.Integer("expand", 1, 64));
        root.Integer("expand", 1, 64);
        int rank = root.Element.TryGetProperty("time_step_rank", out JsonElement value) && value.ValueKind == JsonValueKind.Number
            ? root.Integer("time_step_rank", 1, 1 << 20) : (HiddenSize + 15) / 16;
        root.Has("time_step_rank");
        if (Activations.Read(root) != Activation.Silu)
            throw root.Unsupported(ModelRules.ConfigActivation, "'hidden_act' is another than silu", "Give a model with silu");
        Style = new MambaStyle(inner, root.Integer("state_size", 1, 4096), rank, root.Integer("conv_kernel", 2, 64),
            root.Flag("use_bias", false), root.Flag("use_conv_bias", true));
        MixerEpsilon = normed ? (float)root.Number("mixer_rms_eps", 0, 1) : null;
        StateSpaceMembers.Note(root);
    }

    /// <summary>The epsilon of the norms.</summary>
    public float NormEpsilon { get; }

    /// <summary>The layers.</summary>
    public MambaStyle Style { get; }

    /// <summary>The epsilon of the norms of steps, B and C; null where there are none.</summary>
    public float? MixerEpsilon { get; }
}
