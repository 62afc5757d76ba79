using Vernier.Inference.Parts;
using Vernier.Inference.Parts.Attention;
using Vernier.Inference.Weights;

namespace Vernier.Inference.Decoders;

/// <summary>Puts a transformer together: in each block h += attention(norm(h)), then h += feed-forward(norm(h)).</summary>
/// <param name="config">The configuration.</param>
public class TransformerAssembly(TransformerConfig config) : DecoderAssembly(config)
{
    private readonly RotaryEmbedding _rotary = new(config.Rope);

    /// <inheritdoc/>
    public override string EmbeddingName => config.Names.Embedding + ".weight";

    /// <inheritdoc/>
    public override string HeadName => config.TiedEmbeddings ? EmbeddingName : config.Names.Head + ".weight";

    /// <inheritdoc/>
    public override INorm FinalNorm(IWeightSource weights) => Norm(weights, config.Names.FinalNorm, config.HiddenSize);

    /// <inheritdoc/>
    protected override Block MakeBlock(IWeightSource weights, int layer)
    {
        INorm attentionNorm = Norm(weights, config.Names.Of(layer, config.Names.AttentionNorm), config.HiddenSize);
        IBlockPart mixer = Mixer(weights, layer);
        INorm feedForwardNorm = Norm(weights, config.Names.Of(layer, config.Names.FeedForwardNorm), config.HiddenSize);
        return new Block(layer, config.HiddenSize,
            [new BlockStep(attentionNorm, mixer), new BlockStep(feedForwardNorm, FeedForward(weights, layer))]);
    }

    /// <summary>Makes the attention of a block.</summary>
    protected virtual IBlockPart Mixer(IWeightSource weights, int layer)
    {
        TransformerNames names = config.Names;
        AttentionShape shape = config.AttentionOf(layer);
        int[] widths = names.AttentionInputs.Count == 1 ? [shape.QueryWidth + 2 * shape.KeyWidth]
            : [shape.QueryWidth, shape.KeyWidth, shape.KeyWidth];
        LinearGroup inputs = Group(weights, layer, names.AttentionInputs, widths, config.HiddenSize, config.QueryKeyValueBias);
        LinearGroup output = Group(weights, layer, [names.AttentionOutput], [config.HiddenSize], shape.QueryWidth, config.OutputBias);
        return new SelfAttention(layer, shape, inputs, output)
        {
            Rotary = _rotary,
            QueryNorm = names.QueryNorm is null ? null : Norm(weights, names.Of(layer, names.QueryNorm), shape.HeadSize),
            KeyNorm = names.KeyNorm is null ? null : Norm(weights, names.Of(layer, names.KeyNorm), shape.HeadSize),
        };
    }

    /// <summary>Makes the feed-forward of a block.</summary>
    protected virtual IBlockPart FeedForward(IWeightSource weights, int layer)
    {
        TransformerNames names = config.Names;
        int inner = config.IntermediateSize;
        int[] widths = names.FeedForwardInputs.Count == 1 ? [2 * inner] : [inner, inner];
        LinearGroup inputs = Group(weights, layer, names.FeedForwardInputs, widths, config.HiddenSize, config.FeedForwardBias);
        LinearGroup output = Group(weights, layer, [names.FeedForwardOutput], [config.HiddenSize], inner, config.FeedForwardBias);
        return new GatedFeedForward(inputs, output, config.Activation);
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

    private RmsNorm Norm(IWeightSource weights, string name, int width) => new(weights.Vector(name + ".weight", width), config.NormEpsilon);
}
