namespace Vernier.Inference.Configuration;

/// <summary>The members of config.json that say nothing about what a network of a family that runs here computes.</summary>
internal static class HarmlessMembers
{
    // What the library keeps of a checkpoint's history, of the program that runs it, of training and of generation.
    private const string About = """
        _attn_implementation _attn_implementation_autoset _attn_implementation_internal _commit_hash _experts_implementation
        _flash_attn_2_enabled _from_auto _moe_implementation _name_or_path architectures attn_impl attn_implementation
        attribute_map auto_map base_model_tp_plan bf16 cache_implementation chunk_size_feed_forward cross_attention_hidden_size
        deterministic_flash_attn finetuning_task fp16 fp32 generation_config gradient_checkpointing id2label init_device
        is_decoder keys_to_ignore_at_inference label2id license model_max_length model_name num_labels num_logits_to_keep
        onnx_export output_attentions output_hidden_states output_router_logits output_scores prefix pretraining_tp problem_type
        remove_invalid_values return_dict return_dict_in_generate task_specific_params tf_legacy_loss tie_encoder_decoder
        tokenizer_class tokenizer_model_max_length tokenizer_padding_side torch_dtype torchscript transformers_version
        transformers_weights unsloth_fixed unsloth_version use_bfloat16 use_cache use_cache_kernel use_cache_quantization
        use_flash_attention use_flash_attention_2 use_flash_attn use_fused_mlp use_fused_rmsnorm
        """;

    private const string Training = """
        activation_dropout attention_dropout attention_probs_dropout_prob attn_dropout attn_dropout_prob attn_pdrop
        classifier_dropout dropout drop_path_rate emb_dropout_prob emb_pdrop embd_pdrop embedding_dropout embedding_fraction
        ffn_dropout hidden_dropout hidden_dropout_prob init_method init_std initializer_cutoff_factor initializer_factor
        initializer_range layerdrop mlp_dropout resid_dropout resid_pdrop residual_dropout router_aux_loss_coef
        router_jitter_noise router_z_loss_coef rescale_prenorm_residual residual_in_fp32 aux_loss_alpha seq_aux z_loss_coefficient
        """;

    private const string Generation = """
        bad_words_ids begin_suppress_tokens cls_token_id decoder_start_token_id diversity_penalty do_sample early_stopping
        encoder_no_repeat_ngram_size exponential_decay_length_penalty forced_bos_token_id forced_eos_token_id image_token_id
        image_token_index length_penalty mask_token_id max_length min_length no_repeat_ngram_size num_beam_groups num_beams
        num_return_sequences pad_token_id repetition_penalty sep_token_id suppress_tokens temperature top_k top_p typical_p
        unk_token_id vision_end_token_id vision_start_token_id vision_token_id
        """;

    // The longest context, once more: it limits nothing here but where 'max_position_embeddings' is.
    private const string Context = """
        max_seq_len max_seq_length max_sequence_length max_window_layers n_ctx n_positions original_max_position_embeddings
        seq_length
        """;

    // What asks for tensors of its own, or describes such: none may be without a use, so that the flag alone changes nothing.
    private const string OfTensors = """
        attention_bias attention_out_bias attention_qkv_bias attn_bias bias decoder_sparse_step embedding_bias expert_layer_offset
        expert_layer_period first_k_dense_replace head_bias lm_head_bias mlp_bias moe_intermediate_size moe_layer_freq moe_layers
        moe_num_shared_experts n_group n_shared_experts no_bias norm_bias norm_topk_prob num_experts_per_tok num_experts_per_token
        num_nextn_predict_layers o_bias out_bias qkv_bias routed_scaling_factor scoring_func shared_expert_intermediate_size
        shared_intermediate_size topk_group topk_method use_attention_bias use_bias use_mlp_bias use_qkv_bias
        """;

    private static readonly HashSet<string> s_names = new(
        string.Join(' ', About, Training, Generation, Context, OfTensors)
            .Split((char[])[' ', '\n', '\r'], StringSplitOptions.RemoveEmptyEntries),
        StringComparer.Ordinal);

    /// <summary>All of them.</summary>
    public static IReadOnlyCollection<string> Names => s_names;

    /// <summary>Whether a member is one of them.</summary>
    public static bool Contains(string name) => s_names.Contains(name);
}
