using System.Text.Json.Nodes;
using Vernier.Files.Gguf;
using Vernier.Inference.Configuration;
using Vernier.Inference.Decoders;
using Vernier.Inference.Gguf;

namespace Vernier.Inference.Architectures.Gemma;

/// <summary>Gemma 2 in GGUF files.</summary>
internal sealed class Gemma2Gguf() : TransformerGguf("gemma2", "gemma2", "Gemma2ForCausalLM")
{
    /// <inheritdoc/>
    private protected override GgufLimits Limits { get; } = new()
    {
        Activations = [Activation.GeluTanh],
        Tied = true,
        QueryKeyValueBias = false,
        Window = (config, layer) => layer % 2 == 0 ? config.WindowOf(0) : null,
        Scale = config => 1 / Math.Sqrt(ScalarOf(config.LayerCount, config.HiddenSize, config.HeadCount, config.HeadSize)),
    };

    /// <inheritdoc/>
    protected override string HiddenActivation => "gelu_pytorch_tanh";

    /// <inheritdoc/>
    protected override IReadOnlyList<(string Common, string Own)> Members { get; } =
        [("hidden_act", "hidden_activation")];

    /// <inheritdoc/>
    protected override int? SlidingWindowOf(TransformerConfig config) => config.WindowOf(0) ?? config.MaxPositions;

    /// <inheritdoc/>
    private protected override void AddKeys(TransformerConfig config, Action<string, object> add)
    {
        add("attn_logit_softcapping", config.ScoresOf(0).SoftCap);
        add("final_logit_softcapping", config.LogitCap);
    }

    /// <inheritdoc/>
    protected override void AddFeatures(JsonObject config, GgufMetadata metadata, GgufFile file)
    {
        config["attn_logit_softcapping"] = metadata.Decimal($"{Name}.attn_logit_softcapping") ?? 50;
        config["final_logit_softcapping"] = metadata.Decimal($"{Name}.final_logit_softcapping") ?? 30;
        config["sliding_window"] = metadata.Integer($"{Name}.attention.sliding_window") ?? 4096;
        config["query_pre_attn_scalar"] = ScalarOf((long)config["num_hidden_layers"]!, (long)config["hidden_size"]!,
            (long)config["num_attention_heads"]!, (long)config["head_dim"]!);
    }

    /// <inheritdoc/>
    public override string? Problem(ModelConfig config) => base.Problem(config)
        ?? (((TransformerConfig)config).LogitCap == 0 || ((TransformerConfig)config).ScoresOf(0).SoftCap == 0
            ? "scores or logits that are not bounded" : null);

    // llama.cpp knows the model of 27 billion parameters by its layers.
    private static long ScalarOf(long layers, long hidden, long heads, long headSize) =>
        layers == 46 && heads > 0 ? hidden / heads : headSize;
}
