using System.Text.Json;
using System.Text.Json.Nodes;
using Vernier.Errors;
using Vernier.Files;
using Vernier.Inference.Architectures;
using Vernier.Inference.Configuration;

namespace Vernier.Tests.Configuration;

/// <summary>No member of config.json changes the network without being computed: each row changes one alone.</summary>
public class ConfigMemberTests
{
    /// <summary>What changes the network, and the value with which it does not; null for none.</summary>
    private static readonly (string Names, string Value, string? Neutral)[] s_members =
    [
        ("""
            embedding_multiplier residual_multiplier logits_scaling logit_scale lm_head_multiplier scale_emb rotary_pct rope_ratio rope_pct
            rotary_emb_fraction attn_factor attention_in_multiplier attention_out_multiplier key_multiplier mlp_multiplier
            attn_output_multiplier output_multiplier_scale embedding_multiplier_scale residual_scale residual_scaling rope_scaling_factor
            rope_factor rope_fraction rope_percentage logit_multiplier mup_scale_factor mup_width_scale mup_embeddings_scale
            mup_attn_multiplier mup_output_alpha width_scale cla_share_factor layer_repeats
            """, "0.5", "1.0"),
        ("mlp_multipliers", "[1, 0.5]", "[1, 1.0]"),
        ("""
            attention_multiplier query_pre_attn_scalar scale_depth dim_model_base mup_denominator softmax_scale attn_scale sliding_window
            _sliding_window_pattern sliding_window_pattern sliding_window_size attention_chunk_size attention_window_size attention_window
            attn_window local_attention local_window_size window_size interleaved_sliding_window global_attn_every_n_layers
            no_rope_layer_interval nope_layer_interval rotary_dim attn_layer_period attn_layer_offset num_hidden_groups kv_lora_rank
            q_lora_rank qk_nope_head_dim qk_rope_head_dim rope_local_base_freq rope_theta_local local_rope_theta swiglu_limit clip_qkv
            qkv_clip floor_scale
            """, "16", null),
        ("mrope_section attn_layer_indices full_attn_idxs", "[1, 0]", null),
        ("block_types layers_block_type attention_types attention_layers", """["attention", "recurrent"]""", null),
        ("hybrid_override_pattern", "\"M*\"", null),
        ("attn_config ffn_config text_config vision_config audio_config lora_config peft_config", """{"x": 1}""", null),
        ("""
            final_logit_softcapping final_logit_softcap attn_logit_softcapping logit_softcap attn_logit_softcap attn_logit_cap
            logits_soft_cap output_logit_softcap alibi_bias_max num_kv_shared_layers num_sink_tokens num_meta_tokens num_memory_tokens
            attn_soft_cap ntk_alpha rope_alpha
            """, "30", "0"),
        ("num_experts num_local_experts n_routed_experts moe_num_experts", "8", "0"),
        ("num_experts num_local_experts n_routed_experts moe_num_experts", "2", "1"),
        ("""
            attn_temperature_tuning scale_embedding scale_embeddings normalize_embedding use_sliding_window rope_interleaved rope_interleave
            rotary_emb_interleaved rope_traditional use_mrope alibi use_alibi xpos use_xpos parallel_attn parallel_residual
            use_parallel_residual new_decoder_architecture add_cross_attention is_encoder_decoder use_bidirectional_attention bidirectional
            prefix_lm attn_uses_sequence_id use_logn_attn use_dynamic_ntk use_ntk attention_sink use_attention_sinks attention_sinks
            use_qk_norm qk_norm qk_layernorm use_qk_layernorm use_qk_rmsnorm qk_l2_norm query_key_norm use_mup mup_use_scaling
            apply_residual_connection_post_layernorm use_post_norm post_norm norm_after scale_attn_by_inverse_layer_idx
            apply_layernorm_1p rms_norm_add_unit_offset zero_centered_gamma learned_pos_emb use_absolute_embeddings sinusoidal_pos_embds
            use_position_embeddings use_nope use_cla share_layers use_layer_scale use_moe use_mla
            """, "true", "false"),
        ("""
            do_layer_norm_before scale_attn_weights layer_norm_elementwise_affine use_rms_norm rms_norm rotary use_rotary
            use_rotary_embeddings use_rope is_causal causal causal_attention is_gated_act gated_mlp use_glu
            """, "false", "true"),
        ("layer_norm_eps layer_norm_epsilon layernorm_epsilon norm_eps norm_epsilon", "1e-6", "0.00001"),
        ("layer_norm_eps norm_eps", "NaN", "1e-5"),
        ("activation activation_function activation_fn act_fn hidden_activation mlp_hidden_act", "\"gelu\"", "\"silu\""),
        ("n_embd d_model dim embedding_size word_embed_proj_dim", "48", "24"),
        ("n_layer n_layers num_layers", "3", "2"),
        ("n_head n_heads num_heads", "8", "4"),
        ("n_kv_heads num_kv_heads multi_query_group_num", "4", "2"),
        ("n_inner ffn_dim ffn_hidden_size ffn_dim_size d_ff", "96", "29"),
        ("kv_channels v_head_dim attention_head_dim", "12", "6"),
        ("rotary_emb_base rotary_base rope_base rope_freq_base", "500000", null),
        ("mlp_only_layers", "[1]", "[]"),
        ("no_rope_layers", "[1, 0]", "[1, 1]"),
        ("pruned_heads", """{"0": [1]}""", "{}"),
        ("position_embedding_type pos_embd_type position_encoding_type", "\"alibi\"", "\"rope\""),
        ("norm_type layernorm_type normalization_type", "\"layernorm\"", "\"rmsnorm\""),
        ("attention_type attn_type", "\"linear\"", "\"full\""),
        ("layer_types", """["full_attention", "sliding_attention"]""", """["full_attention", "full_attention"]"""),
        ("quantization", """{"group_size": 64, "bits": 4}""", null),
        ("compression_config sparsity_config", """{"quant_method": "compressed-tensors"}""", null),
    ];

    public static TheoryData<string, string, string?> Members
    {
        get
        {
            var rows = new TheoryData<string, string, string?>();
            foreach ((string names, string value, string? neutral) in s_members)
            {
                foreach (string name in Words(names))
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
        Assert.Equal((ModelRules.ConfigMember, "config.json"), (error.Rule, error.File));
        Assert.Contains($"'{name}' is ", error.Message, StringComparison.Ordinal);
        Assert.Empty(With(name, "null").NotUnderstood);
        if (neutral is not null)
            Assert.Empty(With(name, neutral).NotUnderstood);
    }

    /// <summary>All but those that every transformer reads are in the table above.</summary>
    [Fact]
    public void Every_member_of_the_list_is_shown() =>
        Assert.Equal(NeutralMembers.Names.Except(["partial_rotary_factor"]).Order(),
            s_members.SelectMany(row => Words(row.Names)).Distinct().Order());

    /// <summary>A member can't be harmless and change the network, and what is harmless changes nothing that is read.</summary>
    [Fact]
    public void What_is_harmless_passes_with_any_value()
    {
        Assert.Empty(HarmlessMembers.Names.Intersect(NeutralMembers.Names));
        string[] read = ["torch_dtype", "attention_bias", "mlp_bias", "max_window_layers", "original_max_position_embeddings"];
        var all = new JsonObject();
        foreach (string name in HarmlessMembers.Names.Except([.. read, "architectures"]))
            all[name] = new JsonObject { ["any"] = 17 };
        ModelConfig with = Read(all.ToJsonString()), without = Read("{}");
        Assert.Empty(with.NotUnderstood);
        Assert.Equivalent(Describe(without), Describe(with), strict: true);
        foreach (string name in HarmlessMembers.Names.Except([.. read, "architectures"]))
            Assert.Empty(With(name, "-Infinity").NotUnderstood);
    }

    /// <summary>What an architecture reads is computed, not refused; what nothing is known of is listed, whatever it is.</summary>
    [Fact]
    public void What_is_read_is_no_concern_of_the_lists()
    {
        Assert.Equal(16, With("sliding_window", "16", "mistral") is Inference.Architectures.Mistral.MistralConfig mistral
            ? mistral.SlidingWindow : 0);
        Assert.Equal(["flux_capacitor"], With("flux_capacitor", "1.21").NotUnderstood);
        Assert.Equal(["time_step_limit"], With("time_step_limit", "[0.0, Infinity]").NotUnderstood);
    }

    /// <summary>Python writes numbers that JSON lacks: where one is read it is named.</summary>
    [Theory]
    [InlineData("rms_norm_eps", "NaN")]
    [InlineData("rope_theta", "Infinity")]
    [InlineData("hidden_size", "-Infinity")]
    [InlineData("hidden_act", "NaN")]
    [InlineData("eos_token_id", "NaN")]
    [InlineData("attention_bias", "NaN")]
    public void A_number_that_JSON_lacks_is_named_where_it_is_read(string name, string value)
    {
        InvalidFileException error = Assert.Throws<InvalidFileException>(() => With(name, value));
        Assert.Equal((FileRules.JsonNotFinite, $"'{name}' is {value}, which is no number of JSON"), (error.Rule, error.Problem));
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

    private static string[] Words(string names) => names.Split((char[])[' ', '\n', '\r'], StringSplitOptions.RemoveEmptyEntries);

    private static object Describe(ModelConfig config)
    {
        var transformer = (Inference.Decoders.TransformerConfig)config;
        return new
        {
            transformer.HiddenSize, transformer.LayerCount, transformer.VocabularySize, transformer.MaxPositions,
            transformer.TiedEmbeddings, transformer.BeginToken, transformer.EndTokens, transformer.HeadCount,
            transformer.KeyValueHeadCount, transformer.HeadSize, transformer.IntermediateSize, transformer.NormEpsilon, transformer.Rope,
            transformer.Activation, Window = transformer.WindowOf(1),
        };
    }

    // The value is put into the text as it is: JSON has no NaN.
    private static ModelConfig With(string name, string value, string type = "llama") =>
        Read($$"""{"{{name}}": {{value}}}""", type);

    private static ModelConfig Read(string members, string type = "llama")
    {
        JsonObject config = JsonNode.Parse((TinySpecs.Llama with { Type = type }).Config())!.AsObject();
        config.Remove("sliding_window");
        ReadOnlyMemory<byte> hidden = BareNumbers.Hide(System.Text.Encoding.UTF8.GetBytes(members));
        foreach ((string name, JsonNode? value) in JsonNode.Parse(hidden.Span)!.AsObject())
            config[name] = value?.DeepClone();
        return ArchitectureCatalogue.Read(BareNumbers.Restore(JsonSerializer.SerializeToUtf8Bytes(config)), "config.json");
    }
}
