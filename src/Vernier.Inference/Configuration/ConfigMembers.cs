using System.Text.Json;
using Vernier.Errors;

namespace Vernier.Inference.Configuration;

/// <summary>
/// What becomes of the members of config.json that an architecture did not read: those that would change the network are refused unless
/// they have the value that leaves it as it is, those that say nothing about it are passed over, and all others are listed.
/// </summary>
/// <remarks>What asks for tensors of its own (biases, norms of heads, experts) is found by the tensors: none may be without a
/// use.</remarks>
internal static class ConfigMembers
{
    // What the library keeps of a checkpoint's history, of training and of generation.
    private static readonly HashSet<string> s_harmless = new(StringComparer.Ordinal)
    {
        "_attn_implementation", "_attn_implementation_autoset", "_commit_hash", "_flash_attn_2_enabled", "_name_or_path", "architectures",
        "attention_dropout", "attn_implementation", "attn_pdrop", "attribute_map", "auto_map", "bad_words_ids", "begin_suppress_tokens",
        "chunk_size_feed_forward", "cross_attention_hidden_size", "decoder_start_token_id", "diversity_penalty", "do_sample",
        "early_stopping", "embd_pdrop", "encoder_no_repeat_ngram_size", "exponential_decay_length_penalty", "finetuning_task",
        "forced_bos_token_id", "forced_eos_token_id", "gradient_checkpointing", "hidden_dropout", "hidden_dropout_prob", "id2label",
        "initializer_range", "is_decoder", "keys_to_ignore_at_inference", "label2id", "length_penalty", "license", "max_length",
        "max_window_layers", "min_length", "no_repeat_ngram_size", "num_beam_groups", "num_beams", "num_return_sequences",
        "original_max_position_embeddings", "output_attentions", "output_hidden_states", "output_router_logits", "output_scores",
        "pad_token_id", "prefix", "pretraining_tp", "problem_type", "remove_invalid_values", "repetition_penalty", "resid_pdrop",
        "return_dict", "return_dict_in_generate", "router_aux_loss_coef", "sep_token_id", "suppress_tokens", "task_specific_params",
        "temperature", "tf_legacy_loss", "tie_encoder_decoder", "tokenizer_class", "top_k", "top_p", "torchscript",
        "transformers_version", "typical_p", "unk_token_id", "unsloth_fixed", "unsloth_version", "use_bfloat16", "use_cache",
    };

    private static readonly Dictionary<string, Func<JsonElement, bool>> s_neutral = new(StringComparer.Ordinal)
    {
        ["embedding_multiplier"] = IsOne, ["residual_multiplier"] = IsOne, ["logits_scaling"] = IsOne, ["logit_scale"] = IsOne,
        ["lm_head_multiplier"] = IsOne, ["scale_emb"] = IsOne, ["rotary_pct"] = IsOne, ["rope_ratio"] = IsOne, ["rope_pct"] = IsOne,
        ["rotary_emb_fraction"] = IsOne, ["partial_rotary_factor"] = IsOne,
        ["attention_multiplier"] = Never, ["query_pre_attn_scalar"] = Never, ["scale_depth"] = Never, ["dim_model_base"] = Never,
        ["mup_denominator"] = Never, ["sliding_window"] = Never, ["sliding_window_pattern"] = Never, ["attention_chunk_size"] = Never,
        ["attention_window_size"] = Never, ["no_rope_layers"] = Never, ["no_rope_layer_interval"] = Never, ["rope_local_base_freq"] = Never,
        ["rotary_dim"] = Never, ["mrope_section"] = Never, ["hidden_activation"] = Never, ["swiglu_limit"] = Never, ["clip_qkv"] = Never,
        ["attn_factor"] = IsOne, ["final_logit_softcapping"] = IsZero, ["attn_logit_softcapping"] = IsZero, ["logit_softcap"] = IsZero,
        ["attn_logit_softcap"] = IsZero, ["floor_scale"] = Never, ["attn_temperature_tuning"] = IsOff, ["scale_embedding"] = IsOff,
        ["scale_embeddings"] = IsOff, ["normalize_embedding"] = IsOff, ["use_sliding_window"] = IsOff, ["rope_interleaved"] = IsOff,
        ["rope_interleave"] = IsOff, ["rope_traditional"] = IsOff, ["use_mrope"] = IsOff, ["alibi"] = IsOff, ["use_alibi"] = IsOff,
        ["parallel_attn"] = IsOff, ["parallel_residual"] = IsOff, ["use_parallel_residual"] = IsOff, ["add_cross_attention"] = IsOff,
        ["is_encoder_decoder"] = IsOff, ["use_bidirectional_attention"] = IsOff, ["use_logn_attn"] = IsOff, ["use_dynamic_ntk"] = IsOff,
        ["attention_sink"] = IsOff, ["use_attention_sinks"] = IsOff, ["attention_sinks"] = IsOff, ["use_qk_norm"] = IsOff,
        ["qk_norm"] = IsOff, ["qk_layernorm"] = IsOff, ["mlp_only_layers"] = IsEmpty, ["pruned_heads"] = IsEmpty,
        ["position_embedding_type"] = value => value.ValueKind == JsonValueKind.String && value.GetString() is "rope" or "rotary",
        ["layer_types"] = value => value.ValueKind == JsonValueKind.Array && value.EnumerateArray().All(type =>
            type.ValueKind == JsonValueKind.String && type.GetString() == "full_attention"),
        ["quantization"] = Never, ["compression_config"] = Never,
    };

    /// <summary>The names of all members that are refused unless they leave the network as it is.</summary>
    internal static IReadOnlyCollection<string> Refused => s_neutral.Keys;

    /// <summary>Holds members that were not read against the lists.</summary>
    /// <param name="root">The object of config.json.</param>
    /// <param name="read">The names of those that were read.</param>
    /// <returns>The names of those that nothing is known of.</returns>
    /// <exception cref="UnsupportedModelException">One changes the network, and is not computed here.</exception>
    public static string[] Check(ConfigObject root, IReadOnlySet<string> read)
    {
        var unknown = new List<string>();
        foreach (JsonProperty member in root.Element.EnumerateObject())
        {
            if (read.Contains(member.Name) || s_harmless.Contains(member.Name) || member.Value.ValueKind == JsonValueKind.Null)
                continue;
            if (!s_neutral.TryGetValue(member.Name, out Func<JsonElement, bool>? neutral))
                unknown.Add(member.Name);
            else if (!neutral(member.Value))
                throw root.Unsupported(ModelRules.ConfigMember,
                    $"{ConfigObject.Quote(member.Name)} is {ConfigObject.Quote(member.Value.GetRawText())}, which {root.ModelType} does "
                        + $"not have here and which "
                    + "changes what the network computes", "Give a model without it, or one of a family that has it");
        }
        return [.. unknown];
    }

    private static bool Never(JsonElement value) => false;

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
