using Vernier.Errors;
using Vernier.Inference.Configuration;
using Vernier.Inference.Decoders;

namespace Vernier.Inference.Architectures.Llama;

/// <summary>What config.json says about a Llama: biases are there where it asks for them.</summary>
public sealed class LlamaConfig : TransformerConfig
{
    private readonly bool _attentionBias;

    /// <summary>Reads the file.</summary>
    /// <exception cref="InvalidFileException">A value is missing, has the wrong type or lies outside its range.</exception>
    public LlamaConfig(ConfigObject root)
        : base(root, new TransformerRules())
    {
        _attentionBias = root.Flag("attention_bias", false);
        FeedForwardBias = root.Flag("mlp_bias", false);
    }

    /// <inheritdoc/>
    public override bool QueryKeyValueBias => _attentionBias;

    /// <inheritdoc/>
    public override bool OutputBias => _attentionBias;

    /// <inheritdoc/>
    public override bool FeedForwardBias { get; }

    /// <inheritdoc/>
    public override bool CanReorder => true;
}
