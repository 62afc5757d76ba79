using System.Text.Json;

namespace Vernier.Inference.Configuration;

/// <summary>
/// The members of config.json that change what a network computes, and when they do not: those of all families, since a file says by them
/// what it wants, whatever its family is called.
/// </summary>
internal static class NeutralMembers
{
    private delegate bool Neutral(ConfigObject root, JsonElement value);

    private static readonly Dictionary<string, Neutral> s_all = Make(
        // Multipliers of what flows.
        ("""
            embedding_multiplier residual_multiplier logits_scaling logit_scale lm_head_multiplier scale_emb rotary_pct rope_ratio rope_pct
            rotary_emb_fraction partial_rotary_factor attn_factor attention_in_multiplier attention_out_multiplier key_multiplier
            mlp_multiplier attn_output_multiplier output_multiplier_scale embedding_multiplier_scale residual_scale residual_scaling
            rope_scaling_factor rope_factor rope_fraction rope_percentage logit_multiplier mup_scale_factor mup_width_scale
            mup_embeddings_scale mup_attn_multiplier mup_output_alpha width_scale cla_share_factor layer_repeats
            """, (_, value) => IsOne(value)),
        ("mlp_multipliers", (_, value) => value.ValueKind == JsonValueKind.Array && value.EnumerateArray().All(IsOne)),
        // Scales, windows and kinds of layers for which nothing stands that would be neutral.
        ("""
            attention_multiplier query_pre_attn_scalar scale_depth dim_model_base mup_denominator softmax_scale attn_scale
            floor_scale swiglu_limit clip_qkv qkv_clip rope_local_base_freq rope_theta_local local_rope_theta rotary_dim mrope_section
            sliding_window _sliding_window_pattern sliding_window_pattern sliding_window_size attention_chunk_size attention_window_size
            attention_window attn_window local_attention local_window_size window_size interleaved_sliding_window
            global_attn_every_n_layers no_rope_layer_interval nope_layer_interval attn_layer_indices attn_layer_period attn_layer_offset
            block_types layers_block_type hybrid_override_pattern full_attn_idxs attention_types attention_layers num_hidden_groups
            attn_config ffn_config text_config vision_config audio_config lora_config peft_config
            kv_lora_rank q_lora_rank qk_nope_head_dim qk_rope_head_dim quantization compression_config sparsity_config
            """, (_, _) => false),
        // Caps, and counts of what is there beside.
        ("""
            final_logit_softcapping final_logit_softcap attn_logit_softcapping logit_softcap attn_logit_softcap attn_logit_cap
            logits_soft_cap output_logit_softcap alibi_bias_max num_kv_shared_layers num_sink_tokens num_meta_tokens
            num_memory_tokens attn_soft_cap ntk_alpha rope_alpha
            """, (_, value) => IsZero(value)),
        ("num_experts num_local_experts n_routed_experts moe_num_experts", (_, value) => IsZero(value) || IsOne(value)),
        // Features that are not there.
        ("""
            attn_temperature_tuning scale_embedding scale_embeddings normalize_embedding use_sliding_window rope_interleaved rope_interleave
            rotary_emb_interleaved rope_traditional use_mrope alibi use_alibi xpos use_xpos parallel_attn parallel_residual
            use_parallel_residual new_decoder_architecture add_cross_attention is_encoder_decoder use_bidirectional_attention bidirectional
            prefix_lm attn_uses_sequence_id use_logn_attn use_dynamic_ntk use_ntk attention_sink use_attention_sinks attention_sinks
            use_qk_norm qk_norm qk_layernorm use_qk_layernorm use_qk_rmsnorm qk_l2_norm query_key_norm use_mup mup_use_scaling
            apply_residual_connection_post_layernorm use_post_norm post_norm norm_after scale_attn_by_inverse_layer_idx
            apply_layernorm_1p rms_norm_add_unit_offset zero_centered_gamma learned_pos_emb use_absolute_embeddings
            sinusoidal_pos_embds use_position_embeddings use_nope use_cla share_layers use_layer_scale use_moe use_mla
            """, (_, value) => IsOff(value)),
        // Features that are always there.
        ("""
            do_layer_norm_before scale_attn_weights layer_norm_elementwise_affine use_rms_norm rms_norm rotary use_rotary
            use_rotary_embeddings use_rope is_causal causal causal_attention is_gated_act gated_mlp use_glu
            """, (_, value) => value.ValueKind == JsonValueKind.True),
        // Another name of what is read: a contradiction where it differs.
        ("layer_norm_eps layer_norm_epsilon layernorm_epsilon norm_eps norm_epsilon", IsLike("rms_norm_eps")),
        ("activation activation_function activation_fn act_fn hidden_activation mlp_hidden_act", IsLike("hidden_act")),
        ("n_embd d_model dim embedding_size word_embed_proj_dim", IsLike("hidden_size")),
        ("n_layer n_layers num_layers", IsLike("num_hidden_layers")),
        ("n_head n_heads num_heads", IsLike("num_attention_heads")),
        ("n_kv_heads num_kv_heads multi_query_group_num", IsLike("num_key_value_heads")),
        ("n_inner ffn_dim ffn_hidden_size ffn_dim_size d_ff", IsLike("intermediate_size")),
        ("kv_channels v_head_dim attention_head_dim", IsLike("head_dim")),
        ("rotary_emb_base rotary_base rope_base rope_freq_base", IsLike("rope_theta")),
        ("mlp_only_layers pruned_heads", (_, value) => IsEmpty(value)),
        ("no_rope_layers", (_, value) => value.ValueKind == JsonValueKind.Array && value.EnumerateArray().All(IsOne)),
        ("position_embedding_type pos_embd_type position_encoding_type", IsOneOf("rope", "rotary")),
        ("norm_type layernorm_type normalization_type", IsOneOf("rms", "rmsnorm", "rms_norm", "RMSNorm")),
        ("attention_type attn_type", IsOneOf("full", "full_attention", "causal", "softmax", "multihead_attention")),
        ("layer_types", (_, value) => value.ValueKind == JsonValueKind.Array && value.EnumerateArray().All(type =>
            type.ValueKind == JsonValueKind.String && type.GetString() == "full_attention")));

    /// <summary>The names of all.</summary>
    public static IReadOnlyCollection<string> Names => s_all.Keys;

    /// <summary>Whether a member leaves the network as it is; null for one of which nothing is known.</summary>
    public static bool? IsNeutral(ConfigObject root, JsonProperty member) =>
        s_all.TryGetValue(member.Name, out Neutral? neutral) ? neutral(root, member.Value) : null;

    private static Dictionary<string, Neutral> Make(params (string Names, Neutral Neutral)[] groups)
    {
        var all = new Dictionary<string, Neutral>(StringComparer.Ordinal);
        foreach ((string names, Neutral neutral) in groups)
        {
            foreach (string name in names.Split((char[])[' ', '\n', '\r'], StringSplitOptions.RemoveEmptyEntries))
                all.Add(name, neutral);
        }
        return all;
    }

    private static Neutral IsLike(string name) => (root, value) => root.Element.TryGetProperty(name, out JsonElement other)
        && (JsonElement.DeepEquals(value, other) || value.ValueKind == JsonValueKind.Number && other.ValueKind == JsonValueKind.Number
            && value.GetDouble() == other.GetDouble());

    private static Neutral IsOneOf(params string[] names) => (_, value) =>
        value.ValueKind == JsonValueKind.String && names.Contains(value.GetString(), StringComparer.Ordinal);

    private static bool IsOne(JsonElement value) => value.ValueKind == JsonValueKind.Number && value.GetDouble() == 1;

    private static bool IsZero(JsonElement value) => value.ValueKind == JsonValueKind.Number && value.GetDouble() == 0;

    private static bool IsOff(JsonElement value) => value.ValueKind == JsonValueKind.False || IsZero(value);

    private static bool IsEmpty(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Array => value.GetArrayLength() == 0,
        JsonValueKind.Object => !value.EnumerateObject().Any(),
        _ => false,
    };
}
