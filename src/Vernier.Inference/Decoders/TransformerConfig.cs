using Vernier.Errors;
using Vernier.Inference.Configuration;
using Vernier.Inference.Parts.Attention;

namespace Vernier.Inference.Decoders;

/// <summary>
/// What config.json says about a transformer: blocks of attention with a rotary embedding and of a gated feed-forward, each behind an RMS
/// norm. The keys are those of the Hugging Face library, with its defaults for what a family may leave out.
/// </summary>
public abstract class TransformerConfig : ModelConfig
{
    /// <summary>Reads what all transformers have.</summary>
    /// <param name="root">The object of the file.</param>
    /// <param name="rules">What holds for the family.</param>
    /// <exception cref="InvalidFileException">A value is missing, has the wrong type or lies outside its range.</exception>
    protected TransformerConfig(ConfigObject root, TransformerRules rules)
        : base(root)
    {
        ArgumentNullException.ThrowIfNull(rules);
        (HeadCount, KeyValueHeadCount, HeadSize) = ReadHeads(root, rules, HiddenSize);
        IntermediateSize = root.Integer("intermediate_size", 1, 1 << 22);
        NormEpsilon = (float)root.Number("rms_norm_eps", 1e-30, 1, rules.NormEpsilon);
        Rope = RopeConfigReader.Read(root, rules.Rope, HeadSize, MaxPositions);
        Activation = ReadActivation(root);
    }

    /// <summary>The names of the tensors.</summary>
    public virtual TransformerNames Names => TransformerNames.Llama;

    /// <summary>The width of the feed-forward part, 1 to 2^22.</summary>
    public int IntermediateSize { get; }

    /// <summary>The number of query heads, 1 to 4096.</summary>
    public int HeadCount { get; }

    /// <summary>The number of key and value heads, which divides the number of query heads.</summary>
    public int KeyValueHeadCount { get; }

    /// <summary>The width of one head, 2 to 4096.</summary>
    public int HeadSize { get; }

    /// <summary>The epsilon of every RMS norm, above 0 and at most 1. Default 1e-6, for Phi-3 1e-5.</summary>
    public float NormEpsilon { get; }

    /// <summary>The rotary position embedding.</summary>
    public RopeConfig Rope { get; }

    /// <summary>The gate's nonlinearity. Default SiLU.</summary>
    public Activation Activation { get; }

    /// <summary>Whether the query, key and value projections have biases. Default false.</summary>
    public virtual bool QueryKeyValueBias => false;

    /// <summary>Whether the attention's output projection has a bias. Default false.</summary>
    public virtual bool OutputBias => false;

    /// <summary>Whether the feed-forward projections have biases. Default false.</summary>
    public virtual bool FeedForwardBias => false;

    /// <summary>The window of a layer in tokens, the query's own included, or null where it sees the whole context: the default.</summary>
    public virtual int? WindowOf(int layer) => null;

    /// <summary>The heads of the attention of a layer.</summary>
    public AttentionShape AttentionOf(int layer) => new(HeadCount, KeyValueHeadCount, HeadSize, WindowOf(layer));

    /// <summary>A sliding window of <c>sliding_window</c> tokens.</summary>
    /// <exception cref="InvalidFileException">It is no whole number from 1.</exception>
    protected static int? ReadWindow(ConfigObject root, int? absent = null) =>
        root.Integer("sliding_window", 1, MostPositions, absent);

    private static (int Heads, int KeyValueHeads, int HeadSize) ReadHeads(ConfigObject root, TransformerRules rules, int hidden)
    {
        int heads = root.Integer("num_attention_heads", 1, 4096);
        // An explicit null means one key/value head for each query head in every family.
        int keyValueHeads = root.Integer("num_key_value_heads", 1, 4096, root.Mentions("num_key_value_heads") ? heads
            : rules.KeyValueHeads ?? heads);
        if (heads % keyValueHeads != 0)
            throw root.Error(ModelRules.ConfigHeads,
                $"'num_attention_heads' is {heads}, not a multiple of 'num_key_value_heads', {keyValueHeads}");
        if (!root.Has("head_dim") && rules.HeadSize is null && hidden % heads != 0)
            throw root.Error(ModelRules.ConfigHeads,
                $"'hidden_size' is {hidden}, not a multiple of 'num_attention_heads', {heads}, and there is no 'head_dim'");
        int headSize = root.Integer("head_dim", 2, 4096, rules.HeadSize ?? hidden / heads);
        if (headSize is < 2 or > 4096)
            throw root.Error(ModelRules.ConfigHeads, $"'hidden_size' / 'num_attention_heads' is {headSize}, not from 2 to 4096");
        return (heads, keyValueHeads, headSize);
    }

    private static Activation ReadActivation(ConfigObject root) => root.Text("hidden_act") switch
    {
        null or "silu" or "swish" => Activation.Silu,
        "gelu_pytorch_tanh" or "gelu_new" => Activation.GeluTanh,
        { } other => throw root.Unsupported(ModelRules.ConfigActivation, $"'hidden_act' is {ConfigObject.Quote(other)}",
            "Give a model with silu, swish, gelu_pytorch_tanh or gelu_new"),
    };
}
