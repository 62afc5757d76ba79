using System.Text.Json.Nodes;
using Vernier.Files.Gguf;
using Vernier.Inference.Configuration;
using Vernier.Inference.Decoders;
using Vernier.Inference.Gguf;

namespace Vernier.Inference.Architectures.Olmo;

/// <summary>OLMoE in GGUF files.</summary>
internal sealed class OlmoeGguf() : TransformerGguf("olmoe", "olmoe", "OlmoeForCausalLM")
{
    /// <inheritdoc/>
    protected override bool HasExperts => true;

    /// <inheritdoc/>
    private protected override GgufLimits Limits { get; } = new()
    {
        QueryKeyValueBias = false,
        FillsHidden = true,
        Normalizes = false,
        Tied = false,
    };

    /// <inheritdoc/>
    private protected override void AddKeys(TransformerConfig config, Action<string, object> add)
    {
        AddExpertKeys(config, add, size: false);
    }

    /// <inheritdoc/>
    protected override void AddFeatures(JsonObject config, GgufMetadata metadata, GgufFile file)
    {
        AddExperts(config, metadata, "num_experts", null);
        config["norm_topk_prob"] = false;
    }

    /// <inheritdoc/>
    public override string? Problem(ModelConfig config) => base.Problem(config)
        ?? (((TransformerConfig)config).KeyValueHeadCount == ((TransformerConfig)config).HeadCount ? null : "shared key heads");
}
