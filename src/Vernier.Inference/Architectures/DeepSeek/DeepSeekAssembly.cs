using Vernier.Inference.Decoders;
using Vernier.Inference.Parts;
using Vernier.Inference.Parts.Attention;
using Vernier.Inference.Weights;

namespace Vernier.Inference.Architectures.DeepSeek;

/// <summary>Puts a DeepSeek V2 or V3 together.</summary>
internal sealed class DeepSeekAssembly(DeepSeekConfig config) : NextTokenAssembly(config)
{
    /// <inheritdoc/>
    protected override IBlockPart Mixer(IWeightSource weights, int layer)
    {
        LatentShape sizes = config.Latent;
        int hidden = config.HiddenSize, queries = sizes.Heads * sizes.Query;
        bool bias = config.OutputBias;
        LinearSlot query = config.QueryLatent is int low ? Slot("q_a_proj", low, hidden, bias) : Slot("q_proj", queries, hidden, false);
        INorm? queryNorm = config.QueryLatent is int width ? Norm("q_a_layernorm", width) : null;
        LinearSlot? queryOut = config.QueryLatent is int from ? Slot("q_b_proj", queries, from, false) : null;
        return new LatentAttention(layer, sizes, new LatentLayers(query, queryNorm, queryOut,
            Slot("kv_a_proj_with_mqa", sizes.Latent + sizes.Rotary, hidden, bias), Norm("kv_a_layernorm", sizes.Latent),
            Slot("kv_b_proj", sizes.Heads * (sizes.Plain + sizes.Value), sizes.Latent, false),
            Slot("o_proj", hidden, sizes.Heads * sizes.Value, bias)))
        {
            Rotary = RotaryOf(layer)!,
            Scores = config.ScoresOf(layer),
        };

        RmsNorm Norm(string part, int size) =>
            new(weights.Vector(config.Names.Of(layer, $"self_attn.{part}.weight"), size), 1e-6f);

        LinearSlot Slot(string part, int outputs, int inputs, bool biased)
        {
            string name = config.Names.Of(layer, "self_attn." + part);
            return new(name + ".weight", weights.Linear(name + ".weight", biased ? name + ".bias" : null, outputs, inputs));
        }
    }
}
