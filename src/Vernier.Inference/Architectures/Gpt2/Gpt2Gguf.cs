using Vernier.Inference.Configuration;
using Vernier.Inference.Decoders;

namespace Vernier.Inference.Architectures.Gpt2;

/// <summary>GPT-2 in GGUF files.</summary>
internal sealed class Gpt2Gguf() : TransformerGguf("gpt2", "gpt2", "GPT2LMHeadModel")
{
    /// <inheritdoc/>
    private protected override GgufLimits Limits { get; } = new()
    {
        Activations = [Activation.GeluTanh, Activation.Gelu],
        OutputBias = true,
        FeedForwardBias = true,
    };

    /// <inheritdoc/>
    protected override bool Rotates => false;

    /// <inheritdoc/>
    protected override bool HasLayerNorm => true;

    /// <inheritdoc/>
    protected override string HiddenActivation => "gelu_new";

    /// <inheritdoc/>
    protected override IReadOnlyList<(string Common, string Own)> Members { get; } =
        [("hidden_size", "n_embd"), ("num_attention_heads", "n_head"), ("num_hidden_layers", "n_layer"),
            ("max_position_embeddings", "n_positions"), ("intermediate_size", "n_inner"), ("hidden_act", "activation_function"),
            ("rms_norm_eps", "layer_norm_epsilon")];
}
