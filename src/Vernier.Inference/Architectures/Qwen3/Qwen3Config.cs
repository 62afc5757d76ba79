using Vernier.Errors;
using Vernier.Inference.Configuration;
using Vernier.Inference.Decoders;

namespace Vernier.Inference.Architectures.Qwen3;

/// <summary>What config.json says about a Qwen 3: a norm on each query and key head, and a head size of its own.</summary>
public sealed class Qwen3Config : TransformerConfig
{
    internal static readonly TransformerNames TensorNames = new() { QueryNorm = "self_attn.q_norm", KeyNorm = "self_attn.k_norm" };

    private readonly LayerWindows _windows;
    private readonly bool _attentionBias;

    /// <summary>Reads the file.</summary>
    /// <exception cref="InvalidFileException">A value is missing, has the wrong type or lies outside its range.</exception>
    public Qwen3Config(ConfigObject root)
        : base(root, new TransformerRules { KeyValueHeads = 32, HeadSize = 128 })
    {
        _windows = new LayerWindows(root, LayerCount);
        _attentionBias = root.Flag("attention_bias", false);
    }

    /// <inheritdoc/>
    public override TransformerNames Names => TensorNames;

    /// <inheritdoc/>
    public override bool QueryKeyValueBias => _attentionBias;

    /// <inheritdoc/>
    public override bool OutputBias => _attentionBias;

    /// <inheritdoc/>
    public override int? WindowOf(int layer) => _windows[layer];

    /// <inheritdoc/>
    public override bool CanReorder => true;
}
