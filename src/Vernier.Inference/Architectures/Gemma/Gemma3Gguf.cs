using System.Text.Json.Nodes;
using Vernier.Files.Gguf;
using Vernier.Inference.Configuration;
using Vernier.Inference.Decoders;
using Vernier.Inference.Gguf;

namespace Vernier.Inference.Architectures.Gemma;

/// <summary>Gemma 3 in GGUF files.</summary>
internal sealed class Gemma3Gguf() : TransformerGguf("gemma3", "gemma3_text", "Gemma3ForCausalLM")
{
    // Every sixth layer sees the whole context.
    private const int Period = 6;

    /// <inheritdoc/>
    private protected override GgufLimits Limits { get; } = new()
    {
        Activations = [Activation.GeluTanh],
        QueryKeyValueBias = false,
        Window = (config, layer) => (layer + 1) % Period == 0 ? null : config.WindowOf(0),
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
        add("rope.freq_base_swa", (float)config.RopeOf(0)!.Theta);
    }

    /// <inheritdoc/>
    protected override void AddFeatures(JsonObject config, GgufMetadata metadata, GgufFile file)
    {
        config["sliding_window"] = metadata.Integer($"{Name}.attention.sliding_window") ?? 1024;
        config["sliding_window_pattern"] = Period;
        config["rope_local_base_freq"] = metadata.Decimal($"{Name}.rope.freq_base_swa") ?? 10000;
        config["query_pre_attn_scalar"] = ScalarOf((long)config["num_hidden_layers"]!, (long)config["hidden_size"]!,
            (long)config["num_attention_heads"]!, (long)config["head_dim"]!);
    }

    /// <inheritdoc/>
    public override string? Problem(ModelConfig config) => base.Problem(config)
        ?? (((TransformerConfig)config).LogitCap != 0 || ((TransformerConfig)config).ScoresOf(0).SoftCap != 0
            ? "scores or logits that are bounded" : null);

    // llama.cpp knows the model of 27 billion parameters by its layers.
    private static long ScalarOf(long layers, long hidden, long heads, long headSize) =>
        layers == 62 && heads > 0 ? hidden / heads : headSize;
}
