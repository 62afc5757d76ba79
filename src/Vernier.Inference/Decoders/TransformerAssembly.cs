using Vernier.Inference.Configuration;
using Vernier.Inference.Parts;
using Vernier.Inference.Parts.Attention;
using Vernier.Inference.Weights;

namespace Vernier.Inference.Decoders;

/// <summary>Puts a transformer together: attention and feed-forward with their norms, as its configuration says.</summary>
/// <param name="config">The configuration.</param>
public class TransformerAssembly(TransformerConfig config) : DecoderAssembly(config)
{
    private readonly Dictionary<RopeConfig, RotaryEmbedding> _rotary = new(ReferenceEqualityComparer.Instance);

    /// <inheritdoc/>
    public override string EmbeddingName => config.Names.Embedding + ".weight";

    /// <inheritdoc/>
    public override string HeadName => config.TiedEmbeddings ? EmbeddingName : config.Names.Head + ".weight";

    /// <summary>The configuration.</summary>
    protected TransformerConfig Transformer => config;

    /// <inheritdoc/>
    public override INorm FinalNorm(IWeightSource weights) => Norm(weights, config.Names.FinalNorm, config.HiddenSize);

    /// <inheritdoc/>
    public override IEmbedding Entry(IEmbedding table, IWeightSource weights)
    {
        IEmbedding entry = config.EmbeddingScale == 1 ? table : new ScaledEmbedding(table, config.EmbeddingScale);
        if (config.Names.Positions is ({ } name, int first))
            entry = new PositionedEmbedding(entry, weights.Embedding(name + ".weight", config.MaxPositions + first, config.HiddenSize),
                first);
        return config.Names.EmbeddingNorm is { } norm ? new NormedEmbedding(entry, Norm(weights, norm, config.HiddenSize)) : entry;
    }

    /// <inheritdoc/>
    public override ILinear Exit(ILinear head, IWeightSource weights)
    {
        float[]? bias = config.HeadBias ? weights.Vector(config.Names.Head + ".bias", config.VocabularySize) : null;
        return bias is null && config.LogitScale == 1 && config.LogitCap == 0 ? head
            : new OutputLayer(head, bias, config.LogitScale, config.LogitCap);
    }

    /// <inheritdoc/>
    protected override Block MakeBlock(IWeightSource weights, int layer)
    {
        TransformerNames names = config.Names;
        bool before = config.Order != ResidualOrder.Behind;
        INorm? attentionNorm = before ? NormOf(weights, layer, names.AttentionNorm) : null;
        IBlockPart mixer = Mixer(weights, layer);
        INorm? afterAttention = NormOf(weights, layer, names.AfterAttentionNorm);
        INorm? feedForwardNorm = before ? NormOf(weights, layer, names.FeedForwardNorm) : null;
        IBlockPart feedForward = FeedForward(weights, layer);
        INorm? afterFeedForward = NormOf(weights, layer, names.AfterFeedForwardNorm);
        if (config.Order != ResidualOrder.Parallel)
            return new Block(layer, config.HiddenSize, [new BlockStep(attentionNorm, mixer, afterAttention, config.ResidualScale),
                new BlockStep(feedForwardNorm, feedForward, afterFeedForward, config.ResidualScale)]);
        var both = new ParallelParts(config.HiddenSize, new ParallelBranch(feedForwardNorm is null ? null : attentionNorm, mixer),
            new ParallelBranch(feedForwardNorm, feedForward));
        return new Block(layer, config.HiddenSize, [new BlockStep(feedForwardNorm is null ? attentionNorm : null, both, null,
            config.ResidualScale)]);
    }

    /// <summary>Makes the attention of a block.</summary>
    protected virtual IBlockPart Mixer(IWeightSource weights, int layer)
    {
        ArgumentNullException.ThrowIfNull(weights);
        TransformerNames names = config.Names;
        AttentionShape shape = config.AttentionOf(layer);
        int[] widths = names.AttentionInputs.Count == 1 ? [shape.QueryWidth + 2 * shape.KeyWidth]
            : [config.HasAttentionGate ? 2 * shape.QueryWidth : shape.QueryWidth, shape.KeyWidth, shape.KeyWidth];
        LinearGroup inputs = Group(weights, layer, names.AttentionInputs, widths, config.HiddenSize, config.QueryKeyValueBias);
        LinearGroup output = Group(weights, layer, [names.AttentionOutput], [config.HiddenSize], shape.QueryWidth, config.OutputBias);
        return new SelfAttention(layer, shape, inputs, output)
        {
            Rotary = RotaryOf(layer),
            Scores = ScoresOf(weights, layer, shape),
            QueryNorm = HeadNormOf(weights, layer, names.QueryNorm, shape.Heads, shape.HeadSize),
            KeyNorm = HeadNormOf(weights, layer, names.KeyNorm, shape.KeyValueHeads, shape.HeadSize),
            NormsAfterRotation = config.NormsAfterRotation,
            Temperature = config.TemperatureOf(layer),
            NormsWholeRows = config.HeadNorm != HeadNorm.Head,
            Order = config.QueryKeyValueOrder,
            Clip = config.Clip,
            OutputNorm = names.AttentionSubNorm is null ? null
                : Norm(weights, names.Of(layer, names.AttentionSubNorm), shape.QueryWidth),
        };
    }

    /// <summary>Makes the feed-forward of a block.</summary>
    protected virtual IBlockPart FeedForward(IWeightSource weights, int layer)
    {
        if (config.ExpertsOf(layer) is ExpertStyle experts)
            return new ExpertAssembly(config, experts).Make(weights, layer);
        TransformerNames names = config.Names;
        int inner = config.IntermediateSizeOf(layer);
        int[] widths = !config.IsGated ? [inner] : names.FeedForwardInputs.Count == 1 ? [2 * inner] : [inner, inner];
        LinearGroup inputs = Group(weights, layer, names.FeedForwardInputs, widths, config.HiddenSize, config.FeedForwardBias);
        LinearGroup output = Group(weights, layer, [names.FeedForwardOutput], [config.HiddenSize], inner, config.FeedForwardBias);
        return config.IsGated ? new GatedFeedForward(inputs, output, config.Activation)
            {
                InnerNorm = names.FeedForwardSubNorm is null ? null : Norm(weights, names.Of(layer, names.FeedForwardSubNorm), inner),
            }
            : new FeedForward(inputs, output, config.Activation);
    }

    /// <summary>The rotary embedding of a layer; layers with the same configuration share it.</summary>
    protected RotaryEmbedding? RotaryOf(int layer)
    {
        if (config.RopeOf(layer) is not RopeConfig rope)
            return null;
        lock (_rotary)
        {
            return _rotary.TryGetValue(rope, out RotaryEmbedding? known) ? known : _rotary[rope] = new RotaryEmbedding(rope);
        }
    }

    /// <summary>Makes linear layers that share their input.</summary>
    /// <param name="weights">Where their weights come from.</param>
    /// <param name="layer">The block.</param>
    /// <param name="parts">Their names in the block.</param>
    /// <param name="outputs">The outputs of each.</param>
    /// <param name="inputs">Their inputs.</param>
    /// <param name="bias">Whether they have biases.</param>
    protected LinearGroup Group(IWeightSource weights, int layer, IReadOnlyList<string> parts, IReadOnlyList<int> outputs, int inputs,
        bool bias)
    {
        ArgumentNullException.ThrowIfNull(weights);
        return new LinearGroup([.. parts.Zip(outputs, (part, count) =>
        {
            string name = config.Names.Of(layer, part);
            return new LinearSlot(name + ".weight", weights.Linear(name + ".weight", bias ? name + ".bias" : null, count, inputs));
        })]);
    }

    /// <summary>Makes a norm as the configuration says.</summary>
    /// <param name="weights">Where its weights come from.</param>
    /// <param name="name">Its name, without <c>.weight</c>.</param>
    /// <param name="width">The numbers of a row.</param>
    protected INorm Norm(IWeightSource weights, string name, int width)
    {
        ArgumentNullException.ThrowIfNull(weights);
        NormStyle style = config.Norms;
        float[]? weight = style.HasWeight ? weights.Vector(name + ".weight", width) : null;
        if (weight is not null && style.Offset != 0)
            weight = Array.ConvertAll(weight, value => value + style.Offset);
        return !style.IsLayerNorm ? new RmsNorm(weight!, config.NormEpsilon)
            : new LayerNorm(weight, style.HasBias ? weights.Vector(name + ".bias", width) : null, config.NormEpsilon);
    }

    private INorm? NormOf(IWeightSource weights, int layer, string? part) =>
        part is null ? null : Norm(weights, config.Names.Of(layer, part), config.HiddenSize);

    /// <summary>Makes the norm of query heads, or of key heads.</summary>
    /// <param name="weights">Where its weights come from.</param>
    /// <param name="layer">The block.</param>
    /// <param name="part">Its name in the block, or null.</param>
    /// <param name="heads">The heads.</param>
    /// <param name="headSize">The coordinates of a head.</param>
    protected virtual INorm? HeadNormOf(IWeightSource weights, int layer, string? part, int heads, int headSize)
    {
        if (part is null)
            return null;
        string name = config.Names.Of(layer, part);
        return config.HeadNorm switch
        {
            HeadNorm.Head => Norm(weights, name, headSize),
            HeadNorm.Row => Norm(weights, name, heads * headSize),
            _ => EachHead(weights, name, heads, headSize),
        };
    }

    /// <summary>Makes the norms of heads that have weights of their own.</summary>
    protected virtual INorm EachHead(IWeightSource weights, string name, int heads, int headSize) =>
        new HeadNorms([.. Enumerable.Range(0, heads).Select(head => Norm(weights, $"{name}.norms.{head}", headSize))], headSize);

    private AttentionScores ScoresOf(IWeightSource weights, int layer, AttentionShape shape)
    {
        AttentionScores scores = config.ScoresOf(layer);
        return config.Names.Sinks is { } sinks ? new AttentionScores { Scale = scores.Scale, SoftCap = scores.SoftCap,
            Slopes = scores.Slopes, Sinks = weights.Vector(config.Names.Of(layer, sinks), shape.Heads) } : scores;
    }
}
