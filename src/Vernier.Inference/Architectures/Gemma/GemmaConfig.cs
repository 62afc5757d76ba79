using Vernier.Inference.Configuration;
using Vernier.Inference.Decoders;

namespace Vernier.Inference.Architectures.Gemma;

/// <summary>What config.json says about a Gemma: norms stored as the difference from 1, an embedding times the root of its width.</summary>
internal class GemmaConfig : TransformerConfig
{
    private static readonly FamilyKeys s_keys =
        new("""{"head_dim": 256, "tie_word_embeddings": true, "hidden_act": "gelu_pytorch_tanh"}""");

    private readonly bool _bias;

    /// <summary>Reads the file.</summary>
    public GemmaConfig(ConfigObject root)
        : this(root.As(s_keys), new TransformerRules())
    {
        // The library has always computed the tanh form for both names.
        Activation = Activation == Activation.Gelu ? Activation.GeluTanh : Activation;
    }

    /// <summary>Reads the file of a later version.</summary>
    protected GemmaConfig(ConfigObject root, TransformerRules rules)
        : base(root, rules) => _bias = root.Flag("attention_bias", false);

    /// <inheritdoc/>
    public override NormStyle Norms => NormStyle.RmsFromOne;

    /// <inheritdoc/>
    public override float EmbeddingScale => MathF.Sqrt(HiddenSize);

    /// <inheritdoc/>
    public override bool QueryKeyValueBias => _bias;

    /// <inheritdoc/>
    public override bool OutputBias => _bias;
}
