using Vernier.Inference.Configuration;
using Vernier.Inference.Decoders;

namespace Vernier.Inference.Architectures.StarCoder2;

/// <summary>What config.json says about a StarCoder2: layer norms, feed-forwards without a gate, biases, a sliding window where it has
/// one.</summary>
internal sealed class StarCoder2Config : TransformerConfig
{
    private static readonly FamilyKeys s_keys = new("""
        {"hidden_act": "gelu_pytorch_tanh", "rms_norm_eps": 1e-5, "tie_word_embeddings": true, "num_key_value_heads": 2}
        """, ("rms_norm_eps", "norm_epsilon"));

    private readonly bool _bias;
    private readonly int? _window;

    /// <summary>Reads the file.</summary>
    public StarCoder2Config(ConfigObject root)
        : base(root.As(s_keys), new TransformerRules())
    {
        _bias = root.Flag("use_bias", true);
        _window = root.Has("sliding_window") ? ReadWindow(root) : null;
    }

    /// <inheritdoc/>
    public override TransformerNames Names { get; } = new() { FeedForwardInputs = ["mlp.c_fc"], FeedForwardOutput = "mlp.c_proj" };

    /// <inheritdoc/>
    public override NormStyle Norms => NormStyle.Layer;

    /// <inheritdoc/>
    public override bool IsGated => false;

    /// <inheritdoc/>
    public override bool QueryKeyValueBias => _bias;

    /// <inheritdoc/>
    public override bool OutputBias => _bias;

    /// <inheritdoc/>
    public override bool FeedForwardBias => _bias;

    /// <inheritdoc/>
    public override int? WindowOf(int layer) => _window;
}
