namespace Vernier.Tests.Edits;

/// <summary>Members of config.json that edits add, with values that they may have: those of all families, and those of others that would
/// change the network.</summary>
internal static class EditWords
{
    private const string Llama3 = "\"factor\": 8.0, \"low_freq_factor\": 1.0, \"high_freq_factor\": 4.0";

    private static readonly string[] s_places =
    [
        "null", "{}", "{\"type\": \"linear\", \"factor\": 2.0}", "{\"rope_type\": \"linear\", \"factor\": 3}", "{\"factor\": 2.0}",
        "{\"rope_type\": \"default\"}", "{\"rope_type\": \"default\", \"rope_theta\": 77.0}", "{\"rope_theta\": 5000}",
        "{\"rope_type\": \"llama3\", " + Llama3 + ", \"original_max_position_embeddings\": 16}",
        "{\"rope_type\": \"llama3\", " + Llama3 + "}", "{\"type\": \"linear\", \"rope_type\": \"llama3\", " + Llama3 + "}",
        "{\"rope_type\": \"linear\", \"factor\": 4.0, \"rope_theta\": 300.0}", "{\"type\": \"dynamic\", \"factor\": 2.0}",
        "{\"rope_type\": \"yarn\", \"factor\": 2.0, \"original_max_position_embeddings\": 64}",
        "{\"type\": \"longrope\", \"short_factor\": [1, 1.5, 2], \"long_factor\": [2, 3, 4]}",
        "{\"type\": \"su\", \"short_factor\": [1, 1.5, 2], \"long_factor\": [2, 3, 4], \"factor\": 4.0}",
        "{\"rope_type\": \"longrope\", \"short_factor\": [1, 2, 3], \"long_factor\": [2, 3, 4], \"original_max_position_embeddings\": 16}",
        "{\"rope_type\": \"longrope\", \"short_factor\": [1, 2, 3], \"long_factor\": [2, 3, 4], \"attention_factor\": 1.25, "
            + "\"original_max_position_embeddings\": 20, \"factor\": 3}",
        "{\"full_attention\": {\"rope_type\": \"default\", \"rope_theta\": 77.0}}",
        "{\"full_attention\": {\"rope_theta\": 77.0}, \"sliding_attention\": {\"rope_theta\": 10000}}",
        "{\"mrope_section\": [1, 1, 1], \"type\": \"default\"}", "{\"partial_rotary_factor\": 0.5, \"rope_type\": \"default\"}",
        "{\"rope_type\": \"proportional\"}", "\"linear\"", "[]",
    ];

    /// <summary>Members of tokenizer.json.</summary>
    public static IReadOnlyList<(string Name, string[] Values)> Tokenizer { get; } =
    [
        ("added_tokens", ["[]", "null",
            "[{\"id\": 37, \"content\": \"<more>\", \"single_word\": false, \"lstrip\": false, \"rstrip\": false, "
            + "\"normalized\": false, \"special\": true}]"]),
        ("normalizer", ["null", "{\"type\": \"NFC\"}", "{\"type\": \"Odd\"}"]), ("post_processor", ["null", "{}"]),
        ("pre_tokenizer", ["null", "{\"type\": \"ByteLevel\", \"add_prefix_space\": false, \"trim_offsets\": true, \"use_regex\": true}"]),
        ("decoder", ["null", "[]"]), ("type", ["\"BPE\"", "\"WordPiece\"", "\"Unigram\""]), ("merges", ["[]", "[\"a b\"]", "[\"a z\"]"]),
        ("truncation", ["{\"max_length\": 4, \"strategy\": \"LongestFirst\", \"stride\": 0, \"direction\": \"Right\"}"]),
            ("zzz", ["37", "400", "5"]),
    ];

    /// <summary>Members of config.json.</summary>
    public static IReadOnlyList<(string Name, string[] Values)> Config { get; } =
    [
        ("model_type", ["\"llama\"", "\"mistral\"", "\"qwen2\"", "\"qwen3\"", "\"phi3\"", "\"bert\"", "\"odd\"", "\"Llama\""]),
        ("architectures", ["[]", "[\"LlamaForCausalLM\"]", "[\"LlamaForSequenceClassification\"]", "[\"Qwen2ForCausalLM\"]", "null"]),
        ("vocab_size", ["36", "38", "37", "64"]), ("hidden_size", ["24", "25", "48", "12"]), ("intermediate_size", ["28", "29", "58"]),
        ("num_hidden_layers", ["1", "2", "3"]), ("num_attention_heads", ["1", "2", "3", "4", "8"]),
        ("num_key_value_heads", ["1", "2", "4", "8", "3"]), ("head_dim", ["6", "3", "12", "5", "null"]),
        ("hidden_act", ["\"silu\"", "\"swish\"", "\"gelu\"", "\"gelu_new\"", "\"gelu_pytorch_tanh\"", "\"relu\"", "\"SiLU\""]),
        ("hidden_activation", ["\"silu\"", "\"gelu\""]), ("rms_norm_eps", ["1e-6", "1e-5", "0.01", "1", "1e-12"]),
        ("layer_norm_eps", ["1e-5"]), ("norm_eps", ["1e-3"]), ("tie_word_embeddings", ["true", "false", "null"]),
        ("rope_theta", ["10000", "10000.0", "500000.0", "77.0", "1e6", "100"]), ("rope_scaling", s_places), ("rope_parameters", s_places),
        ("rotary_emb_base", ["500000"]), ("partial_rotary_factor", ["1", "1.0", "0.5", "0.75", "0.34"]), ("rotary_pct", ["1", "0.5"]),
        ("rotary_dim", ["4"]), ("rope_interleaved", ["true", "false"]), ("original_max_position_embeddings", ["16", "32", "64", "20"]),
        ("max_position_embeddings", ["16", "128", "64", "40"]), ("sliding_window", ["5", "9", "20", "4096", "null"]),
        ("use_sliding_window", ["true", "false"]), ("max_window_layers", ["0", "1", "2", "28"]),
        ("layer_types", ["[\"full_attention\", \"full_attention\"]", "[\"full_attention\", \"sliding_attention\"]",
            "[\"sliding_attention\", \"sliding_attention\"]", "[\"full_attention\"]", "[\"chunked_attention\", \"full_attention\"]"]),
        ("sliding_window_pattern", ["2"]), ("attention_chunk_size", ["8"]), ("no_rope_layers", ["[0, 1]", "[1, 1]"]),
        ("attention_bias", ["true", "false"]), ("mlp_bias", ["true", "false"]), ("qkv_bias", ["true", "false"]), ("use_bias", ["true"]),
        ("add_bias_linear", ["true"]), ("attention_out_bias", ["true"]), ("use_qk_norm", ["true", "false"]), ("qk_layernorm", ["true"]),
        ("qk_norm", ["true", "false"]), ("embedding_multiplier", ["12.0", "1.0"]), ("residual_multiplier", ["0.22", "1"]),
        ("logits_scaling", ["8.0", "1.0"]), ("attention_multiplier", ["0.0078125"]), ("logit_scale", ["0.0625", "1"]),
        ("scale_emb", ["12", "1"]), ("scale_depth", ["1.4"]), ("dim_model_base", ["256"]), ("mup_denominator", ["32"]),
        ("query_pre_attn_scalar", ["24", "6"]), ("final_logit_softcapping", ["30.0", "0", "null"]), ("attn_logit_softcapping", ["50.0"]),
        ("clip_qkv", ["8.0", "null"]), ("swiglu_limit", ["7.0"]), ("use_parallel_residual", ["true", "false"]), ("alibi", ["true"]),
        ("num_local_experts", ["8"]), ("num_experts", ["8"]), ("num_experts_per_tok", ["2"]), ("moe_intermediate_size", ["16"]),
        ("first_k_dense_replace", ["1"]), ("num_nextn_predict_layers", ["1"]), ("cross_attention_layers", ["[1]"]),
        ("vision_config", ["{}"]), ("text_config", ["{}", "{\"rope_theta\": 5}"]), ("kv_lora_rank", ["4"]), ("dual_chunk_attention_config",
            ["{\"chunk_size\": 8}"]), ("use_cache", ["true"]), ("torch_dtype", ["\"float16\"", "\"bfloat16\"", "\"auto\"", "\"int8\""]),
        ("dtype", ["\"float32\"", "\"float8\""]), ("initializer_range", ["0.02"]), ("pretraining_tp", ["1", "2"]),
        ("attention_dropout", ["0.0", "0.5"]), ("bos_token_id", ["0", "37", "-1", "[1, 2]"]), ("eos_token_id", ["[2, 3]", "36", "100"]),
        ("pad_token_id", ["0", "99999"]), ("quantization_config",
            ["{\"quant_method\": \"gptq\", \"bits\": 4}", "{\"quant_method\": \"fp8\"}",
            "{\"quant_method\": \"fp8\", \"weight_block_size\": [128, 128]}",
                "{\"quant_method\": \"fp8\", \"weight_block_size\": [64, 64]}",
            "{\"quant_method\": \"bitsandbytes\", \"load_in_8bit\": true}", "{}", "{\"quant_method\": \"vernier\"}"]),
        ("compression_config", ["{\"format\": \"pack-quantized\"}"]), ("quantization", ["{\"group_size\": 64, \"bits\": 4}"]),
        ("gguf", ["{}", "{\"general.a\": {\"type\": \"UInt32\", \"value\": \"5\"}}", "[]"]), ("transformers_version", ["\"5.0.0\""]),
        (JsonEdits.Unknown + "scale", ["2.0", "null", "true"]), ("unheard_of", ["1"]),
    ];
}
