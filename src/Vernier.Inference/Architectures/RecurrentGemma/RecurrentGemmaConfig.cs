using System.Text.Json;
using Vernier.Inference.Configuration;
using Vernier.Inference.Decoders;

namespace Vernier.Inference.Architectures.RecurrentGemma;

/// <summary>What config.json says about a RecurrentGemma.</summary>
internal sealed class RecurrentGemmaConfig : TransformerConfig
{
    private static readonly FamilyKeys s_keys = new("""
        {"hidden_act": "gelu_pytorch_tanh", "tie_word_embeddings": true, "max_position_embeddings": 1048576, "num_key_value_heads": 1,
        "attention_window_size": 2048, "conv1d_width": 4, "logits_soft_cap": 30}
        """, ("hidden_act", "hidden_activation"));

    private readonly int _window;
    private readonly bool[] _attends;

    /// <summary>Reads the file.</summary>
    public RecurrentGemmaConfig(ConfigObject root)
        : base(root.As(s_keys), new TransformerRules { Rope = RopeRules.PartOfHead with { PartialDefault = 0.5 } })
    {
        root = root.As(s_keys);
        QueryKeyValueBias = root.Flag("attention_bias", false);
        _window = root.Integer("attention_window_size", 1, MostPositions);
        RecurrentWidth = root.Integer("lru_width", 1, 1 << 20, HiddenSize);
        Kernel = root.Integer("conv1d_width", 2, 64);
        LogitCap = root.Has("logits_soft_cap") ? (float)root.Number("logits_soft_cap", 0, 1e9) : 0;
        string[] kinds = root.Element.TryGetProperty("block_types", out JsonElement list) && list.ValueKind == JsonValueKind.Array
            ? [.. list.EnumerateArray().Select(kind => kind.ToString())] : ["recurrent", "recurrent", "attention"];
        root.Has("block_types");
        if (kinds.Length == 0 || Array.Exists(kinds, kind => kind is not ("recurrent" or "attention")))
            throw root.Error(ModelRules.ConfigLayerTypes, "'block_types' has others than recurrent and attention");
        _attends = [.. Enumerable.Range(0, LayerCount).Select(layer => kinds[layer % kinds.Length] == "attention")];
        // How weights are drawn before training.
        root.Has("final_w_init_variance_scale");
        root.Has("w_init_variance_scale");
        root.Has("embeddings_scale_by_sqrt_dim");
    }

    /// <summary>The channels of the recurrent unit.</summary>
    public int RecurrentWidth { get; }

    /// <summary>The length of its convolution.</summary>
    public int Kernel { get; }

    /// <inheritdoc/>
    public override TransformerNames Names { get; } = new()
    {
        FinalNorm = "model.final_norm",
        AttentionNorm = "temporal_pre_norm",
        AttentionInputs = ["temporal_block.q_proj", "temporal_block.k_proj", "temporal_block.v_proj"],
        AttentionOutput = "temporal_block.o_proj",
        FeedForwardNorm = "channel_pre_norm",
        FeedForwardInputs = ["mlp_block.gate_proj", "mlp_block.up_proj"],
        FeedForwardOutput = "mlp_block.down_proj",
    };

    /// <inheritdoc/>
    public override NormStyle Norms => NormStyle.RmsFromOne;

    // The library's scale, in bfloat16.
    /// <inheritdoc/>
    public override float EmbeddingScale => BitConverter.UInt32BitsToSingle(
        (BitConverter.SingleToUInt32Bits(MathF.Sqrt(HiddenSize)) + 0x8000) & 0xFFFF0000);

    /// <inheritdoc/>
    public override float LogitCap { get; }

    /// <inheritdoc/>
    public override bool QueryKeyValueBias { get; }

    /// <inheritdoc/>
    public override bool OutputBias => true;

    /// <inheritdoc/>
    public override bool FeedForwardBias => true;

    /// <inheritdoc/>
    public override int? WindowOf(int layer) => _window;

    /// <inheritdoc/>
    public override int IntermediateSizeOf(int layer) => IntermediateSize / 2;

    /// <summary>Whether a layer attends.</summary>
    public bool Attends(int layer) => _attends[layer];
}
