using Vernier.Errors;
using Vernier.Inference.Configuration;
using Vernier.Inference.Parts.Attention;

namespace Vernier.Inference.Decoders;

/// <summary>
/// What config.json says about a transformer: blocks of attention and of a feed-forward. What is not said otherwise is as in a Llama: a
/// rotary embedding, gated feed-forwards, an RMS norm before each part. The keys are those of the Hugging Face library, with its defaults
/// for what a family may leave out.
/// </summary>
public abstract class TransformerConfig : ModelConfig
{
    private static readonly AttentionScores s_plain = new();

    private readonly bool _rotates;

    /// <summary>Reads what all transformers have.</summary>
    /// <param name="root">The object of the file.</param>
    /// <param name="rules">What holds for the family.</param>
    /// <exception cref="InvalidFileException">A value is missing, has the wrong type or lies outside its range.</exception>
    protected TransformerConfig(ConfigObject root, TransformerRules rules)
        : base(root)
    {
        ArgumentNullException.ThrowIfNull(rules);
        (HeadCount, KeyValueHeadCount, HeadSize) = ReadHeads(root, rules, HiddenSize);
        IntermediateSize = root.Integer("intermediate_size", 1, 1 << 22, rules.FeedForwardWidths * HiddenSize);
        NormEpsilon = (float)root.Number("rms_norm_eps", 1e-30, 1, rules.NormEpsilon);
        Rope = rules.Rope is { } rope ? RopeConfigReader.Read(root, rope, HeadSize, MaxPositions, rope.LayerType)
            : new RopeConfig { RotarySize = 2 };
        Activation = Activations.Read(root);
        _rotates = rules.Rope is not null;
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
    public Activation Activation { get; protected init; }

    /// <summary>Whether the query, key and value projections have biases. Default false.</summary>
    public virtual bool QueryKeyValueBias => false;

    /// <summary>Whether the attention's output projection has a bias. Default false.</summary>
    public virtual bool OutputBias => false;

    /// <summary>Whether the feed-forward projections have biases. Default false.</summary>
    public virtual bool FeedForwardBias => false;

    /// <summary>The window of a layer in tokens, the query's own included, or null where it sees the whole context: the default.</summary>
    public virtual int? WindowOf(int layer) => null;

    /// <summary>The heads of the attention of a layer.</summary>
    public virtual AttentionShape AttentionOf(int layer) => new(HeadCount, KeyValueHeadCount, HeadSize, WindowOf(layer));

    /// <summary>The norms.</summary>
    public virtual NormStyle Norms => NormStyle.Rms;

    /// <summary>Where they stand. Default before each part.</summary>
    public virtual ResidualOrder Order => ResidualOrder.Before;

    /// <summary>What the norms of queries and keys, where there are names for them, are taken over. Default each head.</summary>
    public virtual HeadNorm HeadNorm => HeadNorm.Head;

    /// <summary>Whether a gate multiplies in the feed-forward. Default true.</summary>
    public virtual bool IsGated => true;

    /// <summary>How the outputs of one projection to query, key and value follow each other. Default in blocks.</summary>
    public virtual QueryKeyValueOrder QueryKeyValueOrder => QueryKeyValueOrder.Blocks;

    /// <summary>The bound of queries, keys and values; null, the default, for none.</summary>
    public virtual float? Clip => null;

    /// <summary>The rotary embedding of a layer; null for none. Default that of all.</summary>
    public virtual RopeConfig? RopeOf(int layer) => _rotates ? Rope : null;

    /// <summary>How scores become weights in a layer, but for the sinks, which are tensors.</summary>
    public virtual AttentionScores ScoresOf(int layer) => s_plain;

    /// <summary>What queries of a position are multiplied by in a layer; null, the default, for 1.</summary>
    public virtual Func<int, float>? TemperatureOf(int layer) => null;

    /// <summary>Whether the norms of heads come after the rotation. Default false.</summary>
    public virtual bool NormsAfterRotation => false;

    /// <summary>Whether the channels of feed-forwards and the coordinates of value heads may be put in another order: attention and a gated
    /// feed-forward in every block, with nothing between their layers that tells channels apart. Default false.</summary>
    public virtual bool CanReorder => false;

    /// <summary>Whether the query projection is twice as wide: a gate behind each head multiplies what is attended to. Default
    /// false.</summary>
    public virtual bool HasAttentionGate => false;

    /// <summary>The mixture of experts of a layer; null, the default, for one feed-forward.</summary>
    public virtual ExpertStyle? ExpertsOf(int layer) => null;

    /// <summary>The width of the feed-forward of a layer.</summary>
    public virtual int IntermediateSizeOf(int layer) => IntermediateSize;

    /// <summary>Layers behind the last that the checkpoint may hold and that do not count: they predict further tokens in training. Default
    /// 0.</summary>
    public virtual int FurtherLayers => 0;

    /// <summary>What rows of the embedding are multiplied by. Default 1.</summary>
    public virtual float EmbeddingScale => 1;

    /// <summary>What is added in a block is multiplied by it. Default 1.</summary>
    public virtual float ResidualScale => 1;

    /// <summary>What logits are multiplied by. Default 1.</summary>
    public virtual float LogitScale => 1;

    /// <summary>The bound that logits approach; 0, the default, for none.</summary>
    public virtual float LogitCap => 0;

    /// <summary>Whether the output layer has a bias. Default false.</summary>
    public virtual bool HeadBias => false;

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
}
