using System.Text.Json;
using Vernier.Inference.Configuration;
using Vernier.Inference.Decoders;
using Vernier.Inference.Parts.StateSpaces;

namespace Vernier.Inference.Architectures.NemotronH;

/// <summary>What config.json says about a Nemotron-H. What each block is, is told by a list or by a text of the letters M, *, -,
/// E.</summary>
internal sealed class NemotronHConfig : TransformerConfig
{
    private static readonly FamilyKeys s_keys = new("""
        {"hidden_act": "relu2", "rms_norm_eps": 1e-5, "num_key_value_heads": 8, "max_position_embeddings": 4096}
        """, ("hidden_act", "mlp_hidden_act"), ("rms_norm_eps", "layer_norm_epsilon"));

    private readonly bool _bias;
    private readonly ExpertStyle? _experts;

    /// <summary>Reads the file.</summary>
    public NemotronHConfig(ConfigObject root)
        : base(root.As(Keys(root)), new TransformerRules { Rope = null, FeedForwardWidths = 4 })
    {
        root = root.As(s_keys);
        Kinds = ReadKinds(root, LayerCount);
        _bias = root.Flag("attention_bias", false);
        FeedForwardBias = root.Flag("mlp_bias", false);
        int heads = root.Integer("mamba_num_heads", 1, 1 << 16, 128), groups = root.Integer("n_groups", 1, heads, 8);
        Mamba = new Mamba2Style(new Mamba2Shape(heads, root.Integer("mamba_head_dim", 1, 1 << 16, 64),
            root.Integer("ssm_state_size", 1, 4096, 128), groups), root.Integer("conv_kernel", 2, 64, 4),
            root.Flag("mamba_proj_bias", root.Flag("use_bias", false)), root.Flag("use_conv_bias", true), Mamba2Style.ReadSteps(root))
        {
            Epsilon = NormEpsilon,
            NormGroups = groups,
        };
        if (heads % groups != 0 || root.Text("mamba_hidden_act") is not (null or "silu") || root.Has("moe_latent_size")
            || root.Has("sliding_window"))
            throw root.Unsupported(ModelRules.ConfigMember, "'mamba_hidden_act', 'moe_latent_size' or 'sliding_window' asks for what the "
                + "published models have not, or heads do not fall into groups", "Give a published model");
        StateSpaceMembers.Note(root);
        root.Has("moe_shared_expert_overlap");
        root.Has("mtp_layers_block_type");
        root.Has("expand");
        FurtherLayers = root.Integer("num_nextn_predict_layers", 0, MostLayers, 0);
        if (!Kinds.Contains(NemotronHKind.Experts))
            return;
        _experts = new ExpertStyle(ExpertReader.Corrected(root), root.Integer("moe_intermediate_size", 1, 1 << 22))
        {
            Router = "mixer.gate",
            Experts = "mixer.experts.",
            Inputs = ["up_proj"],
            IsGated = false,
            Correction = "mixer.gate.e_score_correction_bias",
            Shared = "mixer.shared_experts.",
            SharedSize = root.Integer("n_shared_experts", 0, 1, 1) * root.Integer("moe_shared_expert_intermediate_size", 1, 1 << 22),
        };
    }

    /// <summary>What each block is.</summary>
    public IReadOnlyList<NemotronHKind> Kinds { get; }

    /// <summary>The blocks of Mamba-2.</summary>
    public Mamba2Style Mamba { get; }

    /// <inheritdoc/>
    public override TransformerNames Names { get; } = new()
    {
        Embedding = "backbone.embeddings",
        FinalNorm = "backbone.norm_f",
        Layer = "backbone.layers.",
        AttentionNorm = "norm",
        AttentionInputs = ["mixer.q_proj", "mixer.k_proj", "mixer.v_proj"],
        AttentionOutput = "mixer.o_proj",
        FeedForwardInputs = ["mixer.up_proj"],
        FeedForwardOutput = "mixer.down_proj",
    };

    /// <inheritdoc/>
    public override bool IsGated => false;

    /// <inheritdoc/>
    public override bool QueryKeyValueBias => _bias;

    /// <inheritdoc/>
    public override bool OutputBias => _bias;

    /// <inheritdoc/>
    public override bool FeedForwardBias { get; }

    /// <inheritdoc/>
    public override int FurtherLayers { get; }

    /// <inheritdoc/>
    public override ExpertStyle? ExpertsOf(int layer) => Kinds[layer] == NemotronHKind.Experts ? _experts : null;

    // The number of blocks is that of the list or of the letters.
    private static FamilyKeys Keys(ConfigObject root)
    {
        int? layers = root.Element.TryGetProperty("layers_block_type", out JsonElement list) && list.ValueKind == JsonValueKind.Array
            ? list.GetArrayLength() : root.Text("hybrid_override_pattern")?.Length;
        string count = layers is int known ? $$""" "num_hidden_layers": {{known}}, """ : "";
        return new FamilyKeys($$"""
            { {{count}} "hidden_act": "relu2", "rms_norm_eps": 1e-5, "num_key_value_heads": 8, "max_position_embeddings": 4096}
            """, ("hidden_act", "mlp_hidden_act"), ("rms_norm_eps", "layer_norm_epsilon"));
    }

    private static NemotronHKind[] ReadKinds(ConfigObject root, int layers)
    {
        string? letters = root.Text("hybrid_override_pattern");
        IEnumerable<string> names = root.Array("layers_block_type", layers) is { } list
            ? list.EnumerateArray().Select(entry => entry.ToString()) : (letters ?? "").Select(letter => letter.ToString());
        NemotronHKind[] kinds = [.. names.Select(name => name switch
        {
            "M" or "mamba" or LayerTypes.Linear => NemotronHKind.Mamba,
            "*" or "attention" or LayerTypes.Full => NemotronHKind.Attention,
            "-" or "mlp" => NemotronHKind.FeedForward,
            "E" or "moe" => NemotronHKind.Experts,
            _ => throw root.Error(ModelRules.ConfigLayerTypes, $"a block is {ConfigObject.Quote(name)}"),
        })];
        return kinds.Length == layers ? kinds
            : throw root.Error(ModelRules.ConfigLength, $"{kinds.Length} blocks are told where there are {layers}");
    }
}

/// <summary>What a block of a Nemotron-H is.</summary>
internal enum NemotronHKind
{
    /// <summary>A Mamba-2.</summary>
    Mamba,

    /// <summary>An attention.</summary>
    Attention,

    /// <summary>A feed-forward.</summary>
    FeedForward,

    /// <summary>Experts.</summary>
    Experts,
}
