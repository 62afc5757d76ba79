using Vernier.Inference.Configuration;
using Vernier.Inference.Decoders;
using Vernier.Inference.Parts.Attention;
using Vernier.Inference.Parts.Experts;

namespace Vernier.Inference.Architectures.DeepSeek;

/// <summary>What config.json says about a DeepSeek V2 or V3.</summary>
internal sealed class DeepSeekConfig : TransformerConfig
{
    private static readonly FamilyKeys s_second = new("""
        {"qk_nope_head_dim": 128, "qk_rope_head_dim": 64, "v_head_dim": 128, "kv_lora_rank": 512, "n_shared_experts": 0,
        "topk_method": "greedy", "norm_topk_prob": false}
        """);

    private static readonly FamilyKeys s_third = new("""
        {"qk_nope_head_dim": 128, "qk_rope_head_dim": 64, "v_head_dim": 128, "kv_lora_rank": 512, "n_shared_experts": 1,
        "first_k_dense_replace": 3, "n_routed_experts": 256, "num_experts_per_tok": 8, "n_group": 8, "topk_group": 4,
        "routed_scaling_factor": 2.5, "rope_interleave": true, "moe_intermediate_size": 2048}
        """);

    private readonly ExpertStyle? _experts;
    private readonly int _dense, _every;
    private readonly AttentionScores _scores;

    /// <summary>Reads the file.</summary>
    /// <param name="root">Its object.</param>
    /// <param name="isThird">Whether it is one of V3.</param>
    public DeepSeekConfig(ConfigObject root, bool isThird)
        : base(root.As(isThird ? s_third : s_second), new TransformerRules { HeadSize = 64, Rope = null })
    {
        root = root.As(isThird ? s_third : s_second);
        Latent = new LatentShape(HeadCount, root.Integer("qk_nope_head_dim", 1, 4096), root.Integer("qk_rope_head_dim", 2, 4096),
            root.Integer("v_head_dim", 1, 4096), root.Integer("kv_lora_rank", 1, 1 << 20));
        root.Has("qk_head_dim");
        QueryLatent = root.Has("q_lora_rank") ? root.Integer("q_lora_rank", 1, 1 << 20) : null;
        OutputBias = root.Flag("attention_bias", false);
        FeedForwardBias = root.Flag("mlp_bias", false);
        bool pairs = !isThird || root.Flag("rope_interleave", true);
        LatentRope = RopeConfigReader.Read(root, RopeRules.Default with { Interleaved = pairs }, Latent.Rotary, MaxPositions);
        _scores = new AttentionScores { Scale = Sharpening(root) / Math.Sqrt(Latent.Query) };
        _dense = root.Integer("first_k_dense_replace", 0, MostLayers, 0);
        _every = root.Integer("moe_layer_freq", 1, MostLayers, 1);
        FurtherLayers = root.Integer("num_nextn_predict_layers", 0, MostLayers, 0);
        // Of training: the loss of experts, and how they are dealt out to machines.
        foreach (string member in (string[])["aux_loss_alpha", "seq_aux", "ep_size"])
            root.Has(member);
        if (!root.Has("n_routed_experts"))
            return;
        int size = root.Integer("moe_intermediate_size", 1, 1 << 22);
        _experts = new ExpertStyle(isThird ? Third(root) : Second(root), size)
        {
            Correction = isThird ? "mlp.gate.e_score_correction_bias" : null,
            SharedSize = size * root.Integer("n_shared_experts", 0, ExpertReader.Most),
        };
    }

    /// <summary>The sizes of the attention.</summary>
    public LatentShape Latent { get; }

    /// <summary>The width of the latent of queries; null where they have none.</summary>
    public int? QueryLatent { get; }

    /// <summary>The rotary embedding of the coordinates that rotate.</summary>
    public RopeConfig LatentRope { get; }

    /// <inheritdoc/>
    public override bool OutputBias { get; }

    /// <inheritdoc/>
    public override bool FeedForwardBias { get; }

    /// <inheritdoc/>
    public override int FurtherLayers { get; }

    /// <inheritdoc/>
    public override RopeConfig? RopeOf(int layer) => LatentRope;

    /// <inheritdoc/>
    public override AttentionScores ScoresOf(int layer) => _scores;

    /// <inheritdoc/>
    public override ExpertStyle? ExpertsOf(int layer) => layer < _dense || layer % _every != 0 ? null : _experts;

    // With YaRN scores are sharpened too, by the square of what the file's mscale_all_dim gives.
    private static double Sharpening(ConfigObject root)
    {
        ConfigObject? scaling = root.Object("rope_parameters") ?? root.Object("rope_scaling");
        if (scaling is not { } given || (given.Text("rope_type") ?? given.Text("type")) is not "yarn" || !given.Has("mscale_all_dim"))
            return 1;
        double all = given.Number("mscale_all_dim", -1, 1e6), scale = all <= 0 ? 1
            : RopeConfigReader.YarnScale(given.Number("factor", 1e-6, 1e6), all);
        return scale * scale;
    }

    private static ExpertRouting Second(ConfigObject root)
    {
        int experts = root.Integer("n_routed_experts", 1, ExpertReader.Most);
        bool grouped = root.Text("topk_method") switch
        {
            "greedy" => false,
            "group_limited_greedy" => true,
            { } other => throw root.Unsupported(ModelRules.ConfigMember, $"'topk_method' is {ConfigObject.Quote(other)}",
                "Give a model with greedy or group_limited_greedy"),
            null => false,
        };
        if (root.Text("scoring_func") is not (null or "softmax"))
            throw root.Unsupported(ModelRules.ConfigMember, "'scoring_func' is another than softmax", "Give a published model");
        int groups = grouped ? root.Integer("n_group", 1, experts) : 1;
        root.Has("n_group");
        root.Has("topk_group");
        // The library reads norm_topk_prob and does not norm.
        root.Has("norm_topk_prob");
        return new ExpertRouting
        {
            Experts = experts,
            PerToken = ExpertReader.PerToken(root, "n_routed_experts"),
            Scale = (float)root.Number("routed_scaling_factor", 0, 1e6, 1),
            Groups = groups,
            TopGroups = grouped ? root.Integer("topk_group", 1, groups) : 1,
        };
    }

    private static ExpertRouting Third(ConfigObject root)
    {
        if (root.Text("topk_method") is not (null or "noaux_tc") || root.Text("scoring_func") is not (null or "sigmoid"))
            throw root.Unsupported(ModelRules.ConfigMember, "'topk_method' or 'scoring_func' is another than the published models have",
                "Give a published model");
        return ExpertReader.Corrected(root);
    }
}
