using Vernier.Inference.Parts;
using Vernier.Inference.Parts.Experts;
using Vernier.Inference.Weights;

namespace Vernier.Inference.Decoders;

/// <summary>Puts the mixtures of experts of a transformer together.</summary>
internal sealed class ExpertAssembly(TransformerConfig config, ExpertStyle style)
{
    /// <summary>Makes the mixture of a block.</summary>
    public ExpertFeedForward Make(IWeightSource weights, int layer)
    {
        string router = config.Names.Of(layer, style.Router);
        return new ExpertFeedForward(
            weights.Linear(router + ".weight", style.HasBias ? router + ".bias" : null, style.Routing.Experts, config.HiddenSize),
            style.Routing,
            [.. Enumerable.Range(0, style.Routing.Experts).Select(expert => Expert(weights,
                $"{config.Names.Of(layer, style.Experts)}{expert}.", style.Inputs, style.Output, style.Size, style.HasBias))],
            style.SharedSize == 0 ? null : Expert(weights, config.Names.Of(layer, style.Shared), style.SharedInputs ?? style.Inputs,
                style.SharedOutput ?? style.Output, style.SharedSize, false))
        {
            Correction = style.Correction is { } name ? weights.Vector(config.Names.Of(layer, name), style.Routing.Experts) : [],
            WeighsInput = style.WeighsInput,
            SharedGate = style.SharedGate is { } gate
                ? weights.Linear(config.Names.Of(layer, gate) + ".weight", null, 1, config.HiddenSize) : null,
        };
    }

    private Expert Expert(IWeightSource weights, string prefix, IReadOnlyList<string> inputs, string output, int size, bool bias)
    {
        int outputs = !style.IsGated || inputs.Count == 2 ? size : 2 * size;
        return new Expert(new LinearGroup([.. inputs.Select(part => Slot(part, outputs, config.HiddenSize))]),
            new LinearGroup(Slot(output, config.HiddenSize, size)), config.Activation)
        {
            Limit = style.Limit, IsInterleaved = style.IsInterleaved,
        };

        LinearSlot Slot(string part, int rows, int columns) => new(prefix + part + ".weight",
            weights.Linear(prefix + part + ".weight", bias ? prefix + part + ".bias" : null, rows, columns));
    }
}
