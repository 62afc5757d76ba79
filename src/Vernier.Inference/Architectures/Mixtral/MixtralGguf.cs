using Vernier.Inference.Decoders;

namespace Vernier.Inference.Architectures.Mixtral;

/// <summary>Mixtral in GGUF files: for llama.cpp a Llama with experts.</summary>
internal sealed class MixtralGguf() : TransformerGguf("llama", "llama", "LlamaForCausalLM")
{
    /// <inheritdoc/>
    protected override bool AlternatesRows => true;

    /// <inheritdoc/>
    protected override bool HasExperts => true;

    /// <inheritdoc/>
    private protected override GgufLimits Limits { get; } = new()
    {
        Normalizes = true,
        HasRopeFactors = true,
        Window = (config, layer) => config.WindowOf(layer),
    };

    /// <inheritdoc/>
    protected override int? SlidingWindowOf(TransformerConfig config) => config.WindowOf(0);

    /// <inheritdoc/>
    private protected override void AddKeys(TransformerConfig config, Action<string, object> add)
    {
        AddExpertKeys(config, add, size: false);
    }
}
