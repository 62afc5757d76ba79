using System.Text.Json.Nodes;
using Vernier.Files.Gguf;
using Vernier.Inference.Configuration;
using Vernier.Inference.Decoders;
using Vernier.Inference.Gguf;

namespace Vernier.Inference.Architectures.GptNeoX;

/// <summary>GPT-NeoX in GGUF files.</summary>
internal sealed class GptNeoXGguf() : TransformerGguf("gptneox", "gpt_neox", "GPTNeoXForCausalLM")
{
    /// <inheritdoc/>
    private protected override GgufLimits Limits { get; } = new()
    {
        Activations = [Activation.GeluTanh, Activation.Gelu],
        OutputBias = true,
        FeedForwardBias = true,
        FillsHidden = true,
        Tied = false,
    };

    /// <inheritdoc/>
    protected override bool HasLayerNorm => true;

    /// <inheritdoc/>
    protected override bool StatesRotaryPart => true;

    /// <inheritdoc/>
    protected override string HiddenActivation => "gelu";

    /// <inheritdoc/>
    protected override IReadOnlyList<(string Common, string Own)> Members { get; } =
        [("rms_norm_eps", "layer_norm_eps"), ("partial_rotary_factor", "rotary_pct"), ("rope_theta", "rotary_emb_base")];

    /// <inheritdoc/>
    private protected override void AddKeys(TransformerConfig config, Action<string, object> add)
    {
        add("use_parallel_residual", config.Order == ResidualOrder.Parallel);
    }

    /// <inheritdoc/>
    protected override void AddFeatures(JsonObject config, GgufMetadata metadata, GgufFile file)
    {
        config["use_parallel_residual"] = metadata.Flag($"{Name}.use_parallel_residual") ?? true;
    }

    /// <inheritdoc/>
    public override string? Problem(ModelConfig config) => base.Problem(config)
        ?? (((TransformerConfig)config).QueryKeyValueBias ? null : "an attention without biases");
}
