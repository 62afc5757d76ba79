using System.Text.Json;
using System.Text.Json.Nodes;
using Vernier.Errors;
using Vernier.Inference.Architectures;
using Vernier.Inference.Configuration;

namespace Vernier.Tests.Configuration;

/// <summary>No member of config.json changes the network without being computed: each row changes one alone.</summary>
public class ConfigMemberTests
{
    /// <summary>What changes the network, and the value with which it does not; null for none.</summary>
    private static readonly (string Names, string Value, string? Neutral)[] s_members =
    [
        ("embedding_multiplier residual_multiplier logits_scaling logit_scale lm_head_multiplier scale_emb rotary_pct rope_ratio rope_pct "
            + "rotary_emb_fraction attn_factor", "0.5", "1.0"),
        ("attention_multiplier query_pre_attn_scalar scale_depth dim_model_base mup_denominator", "16", null),
        ("sliding_window sliding_window_pattern attention_chunk_size attention_window_size no_rope_layer_interval rotary_dim", "4", null),
        ("no_rope_layers mrope_section", "[1, 0]", null),
        ("rope_local_base_freq swiglu_limit clip_qkv floor_scale", "7.5", null),
        ("hidden_activation", "\"gelu\"", null),
        ("final_logit_softcapping attn_logit_softcapping logit_softcap attn_logit_softcap", "30.0", "0"),
        ("attn_temperature_tuning scale_embedding scale_embeddings normalize_embedding use_sliding_window rope_interleaved rope_interleave "
            + "rope_traditional use_mrope alibi use_alibi parallel_attn parallel_residual use_parallel_residual add_cross_attention "
            + "is_encoder_decoder use_bidirectional_attention use_logn_attn use_dynamic_ntk attention_sink use_attention_sinks "
            + "attention_sinks use_qk_norm qk_norm qk_layernorm", "true", "false"),
        ("mlp_only_layers", "[1]", "[]"),
        ("pruned_heads", """{"0": [1]}""", "{}"),
        ("position_embedding_type", "\"alibi\"", "\"rope\""),
        ("layer_types", """["full_attention", "sliding_attention"]""", """["full_attention", "full_attention"]"""),
        ("quantization", """{"group_size": 64, "bits": 4}""", null),
        ("compression_config", """{"quant_method": "compressed-tensors"}""", null),
    ];

    public static TheoryData<string, string, string?> Members
    {
        get
        {
            var rows = new TheoryData<string, string, string?>();
            foreach ((string names, string value, string? neutral) in s_members)
            {
                foreach (string name in names.Split(' '))
                    rows.Add(name, value, neutral);
            }
            return rows;
        }
    }

    [Theory]
    [MemberData(nameof(Members))]
    public void A_member_that_changes_the_network_is_refused_by_its_name(string name, string value, string? neutral)
    {
        UnsupportedModelException error = Assert.Throws<UnsupportedModelException>(() => With(name, value));
        Assert.Equal(ModelRules.ConfigMember, error.Rule);
        Assert.Contains($"'{name}' is ", error.Message, StringComparison.Ordinal);
        Assert.Empty(With(name, "null").NotUnderstood);
        if (neutral is not null)
            Assert.Empty(With(name, neutral).NotUnderstood);
    }

    /// <summary>All but those that every transformer reads are in the table above.</summary>
    [Fact]
    public void Every_member_of_the_list_is_shown() =>
        Assert.Equal(ConfigMembers.Refused.Except(["partial_rotary_factor"]).Order(),
            s_members.SelectMany(row => row.Names.Split(' ')).Order());

    /// <summary>What an architecture reads is computed, not refused; what says nothing about the network passes.</summary>
    [Fact]
    public void What_is_read_or_harmless_passes()
    {
        Assert.Equal(16, With("sliding_window", "16", "mistral") is Inference.Architectures.Mistral.MistralConfig mistral
            ? mistral.SlidingWindow : 0);
        Assert.Empty(With("transformers_version", "\"5.17.0\"").NotUnderstood);
        Assert.Empty(With("initializer_range", "0.02").NotUnderstood);
        Assert.Equal(["flux_capacitor"], With("flux_capacitor", "1.21").NotUnderstood);
    }

    public static TheoryData<string, string> Ropes { get; } = new()
    {
        { """{"rope_parameters": {}}""", "'rope_parameters' is empty, and the file has no 'rope_theta'" },
        { """{"rope_theta": 500, "rope_parameters": {"rope_type": "default", "rope_theta": 501}}""",
            "'rope_theta' of 'rope_parameters' is not that of the file" },
        { """{"rope_parameters": {"rope_theta": 9, "factor": 2}}""", "'factor' in the rope scaling 'default' is not computed here" },
        { """{"rope_parameters": {"full_attention": {"rope_theta": 9}, "sliding_attention": {"rope_theta": 8}}}""",
            "'rope_parameters' differ by type of layer: 'full_attention', 'sliding_attention'" },
        { """{"rope_parameters": {"full_attention": {"rope_theta": 9}, "rope_theta": 9}}""", "'rope_parameters' differ by type of layer" },
        { """{"rope_scaling": {"type": "linear", "factor": 2}, "rope_parameters": {"rope_type": "linear", "factor": 4, "rope_theta": 9}}""",
            "'rope_scaling' and 'rope_parameters' differ" },
        { """{"rope_scaling": {"type": "linear", "factor": 2}, "rope_parameters": {"rope_type": "default", "rope_theta": 9}}""",
            "'rope_scaling' and 'rope_parameters' differ" },
        { """{"rope_scaling": {"type": "linear", "factor": 2, "mscale": 1.1}}""",
            "'mscale' in the rope scaling 'linear' is not computed here" },
        { """{"rope_scaling": {"rope_type": "ntk", "factor": 2}}""", "the rope scaling is 'ntk'" },
        { """{"rope_scaling": {"factor": 2}}""", "the rope scaling is of no type" },
    };

    [Theory]
    [MemberData(nameof(Ropes))]
    public void A_rotary_embedding_that_is_not_clear_is_refused(string members, string message) =>
        Assert.Contains(message, Assert.ThrowsAny<VernierException>(() => Read(members)).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("""{"rope_parameters": {"full_attention": {"rope_theta": 9}, "sliding_attention": {"rope_theta": 9}}}""", 9)]
    [InlineData("""{"rope_parameters": {"rope_theta": 77}}""", 77)]
    [InlineData("""{"rope_theta": 77, "rope_parameters": {"rope_theta": 77, "rope_type": "default"}}""", 77)]
    [InlineData("""{"rope_theta": 500, "rope_parameters": {"rope_type": "default"}}""", 500)]
    [InlineData("""{"rope_parameters": {"rope_type": "default"}}""", 10000)]
    [InlineData("{}", 10000)]
    public void A_rotary_embedding_that_is_clear_is_read(string members, double theta) =>
        Assert.Equal(theta, Assert.IsAssignableFrom<Inference.Decoders.TransformerConfig>(Read(members)).Rope.Theta);

    private static ModelConfig With(string name, string value, string type = "llama") =>
        Read(new JsonObject { [name] = JsonNode.Parse(value) }.ToJsonString(), type);

    private static ModelConfig Read(string members, string type = "llama")
    {
        JsonObject config = JsonNode.Parse((TinySpecs.Llama with { Type = type }).Config())!.AsObject();
        config.Remove("sliding_window");
        foreach ((string name, JsonNode? value) in JsonNode.Parse(members)!.AsObject())
            config[name] = value?.DeepClone();
        return ArchitectureCatalogue.Read(JsonSerializer.SerializeToUtf8Bytes(config), "config.json");
    }
}
