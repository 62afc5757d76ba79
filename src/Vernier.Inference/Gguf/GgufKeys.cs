using Vernier.Errors;
using Vernier.Files.Gguf;
using Vernier.Inference.Configuration;

namespace Vernier.Inference.Gguf;

/// <summary>
/// What becomes of the metadata of a file that an architecture did not read: keys that would change what the model computes are refused
/// unless they have the value that leaves it as it is, those that say nothing about it are passed over, and all others are listed.
/// </summary>
internal static class GgufKeys
{
    private delegate bool Neutral(GgufMetadata metadata, GgufValue value);

    // Keys of the architecture, without its name.
    private static readonly HashSet<string> s_harmless = Words("""
        context_length decoder_start_token_id expert_feed_forward_length expert_gating_func expert_group_count expert_group_used_count
        expert_shared_count expert_shared_feed_forward_length expert_used_count expert_weights_norm expert_weights_scale
        interleave_moe_layer_step leading_dense_block_count moe_every_n_layers nextn_predict_layers rescale_every_n_layers
        rope.scaling.finetuned rope.scaling.original_context_length rope.scaling.yarn_attn_factor rope.scaling.yarn_beta_fast
        rope.scaling.yarn_beta_slow rope.scaling.yarn_ext_factor tensor_data_layout
        """);

    private static readonly Dictionary<string, Neutral> s_neutral = Make(
        ("logit_scale residual_scale embedding_scale attention.output_scale rope.scaling.factor rope.scale_linear",
            (_, value) => value.AsNumber() is 0 or 1),
        ("""
            final_logit_softcapping attn_logit_softcapping router_logit_softcapping attention.clamp_kqv attention.max_alibi_bias
            attention.temperature_length attention.temperature_scale attention.q_lora_rank attention.kv_lora_rank
            attention.shared_kv_layers pooling_type rope.scaling.yarn_log_multiplier rope.scaling.alpha expert_count
            swiglu_clamp_exp swiglu_clamp_shexp
            """, (_, value) => value.AsNumber() is 0),
        ("rope.scaling.attn_factor", (_, value) => value.AsNumber() is 1),
        ("use_parallel_residual swin_norm", (_, value) => value.Data is false),
        ("attention.causal", (_, value) => value.Data is true),
        ("""
            attention.sliding_window_pattern attention.key_length_mla attention.value_length_mla attention.key_length_swa
            attention.value_length_swa attention.recurrent_layers attention.group_norm_epsilon attention.group_norm_groups
            full_attention_interval
            """, (_, _) => false),
        ("hidden_activation", (_, value) => value.Data is "silu" or "swish"),
        // A window that holds the whole context is none.
        ("attention.sliding_window", (metadata, value) => value.AsInteger() is 0
            || value.AsInteger() >= metadata.Integer($"{metadata.Architecture}.context_length")),
        ("attention.layer_norm_epsilon", (metadata, value) => value.AsNumber() is double number
            && number == metadata.Number($"{metadata.Architecture}.attention.layer_norm_rms_epsilon")),
        ("attention.scale", (metadata, value) => value.AsNumber() is double scale
            && (scale == 0 || Math.Abs(scale * Math.Sqrt(HeadSize(metadata)) - 1) < 1e-6)),
        ("attention.value_length", (metadata, value) => value.AsInteger() == HeadSize(metadata)),
        ("rope.dimension_sections", (_, value) =>
            value.Data is Array sections && sections.Cast<object>().All(item => item is 0 or 0u or 0L)),
        ("rope.freq_base_swa", (metadata, value) =>
            value.AsNumber() == (metadata.Number($"{metadata.Architecture}.rope.freq_base") ?? 10000)),
        ("rope.dimension_count_swa", (metadata, value) =>
            value.AsInteger() == (metadata.Integer($"{metadata.Architecture}.rope.dimension_count") ?? HeadSize(metadata))),
        ("embedding_length_out features_length", (metadata, value) =>
            value.AsInteger() == metadata.Integer($"{metadata.Architecture}.embedding_length")),
        ("vocab_size", (metadata, value) => !metadata.Has(GgufTokenizer.Tokens)
            || value.AsInteger() == metadata.Array<string>(GgufTokenizer.Tokens)?.Length));

    // Keys of other namespaces: what a tokenizer is made of, or what says nothing about a model.
    private static readonly HashSet<string> s_known = Words("""
        tokenizer.ggml.model tokenizer.ggml.pre tokenizer.ggml.tokens tokenizer.ggml.token_type tokenizer.ggml.scores
        tokenizer.ggml.merges tokenizer.ggml.bos_token_id tokenizer.ggml.eos_token_id tokenizer.ggml.eot_token_id
        tokenizer.ggml.eom_token_id tokenizer.ggml.unknown_token_id tokenizer.ggml.padding_token_id tokenizer.ggml.seperator_token_id
        tokenizer.ggml.cls_token_id tokenizer.ggml.mask_token_id tokenizer.ggml.add_bos_token tokenizer.ggml.add_eos_token
        tokenizer.ggml.prefix_token_id tokenizer.ggml.suffix_token_id tokenizer.ggml.middle_token_id tokenizer.ggml.fim_pre_token_id
        tokenizer.ggml.fim_suf_token_id tokenizer.ggml.fim_mid_token_id tokenizer.ggml.fim_pad_token_id tokenizer.ggml.fim_rep_token_id
        tokenizer.ggml.fim_sep_token_id tokenizer.ggml.token_type_count tokenizer.ggml.suppress_tokens tokenizer.huggingface.json
        tokenizer.chat_template tokenizer.chat_templates
        """);

    private static readonly Dictionary<string, Neutral> s_others = Make(
        ("tokenizer.ggml.add_space_prefix", (metadata, value) =>
            value.Data is bool set && (!set || metadata.Text(GgufTokenizer.Prefix + "model") == "llama")),
        ("""
            tokenizer.ggml.add_sep_token tokenizer.ggml.remove_extra_whitespaces tokenizer.ggml.treat_whitespace_as_suffix
            tokenizer.ggml.normalizer.lowercase
            """, (_, value) => value.Data is false),
        ("tokenizer.ggml.escape_whitespaces", (_, value) => value.Data is true),
        ("tokenizer.ggml.precompiled_charsmap tokenizer.ggml.added_tokens", (_, value) => value.Data is Array { Length: 0 }),
        ("tokenizer.rwkv.world", (_, _) => false),
        ("general.type", (_, value) => value.Data is "model"));

    private static readonly string[] s_prefixes =
        ["general.", "split.", "vernier.", "quantize.", "imatrix.", "mradermacher.", GgufTokenizer.ChatTemplate + "."];

    /// <summary>Namespaces of files that change a model, or are part of one, rather than being one.</summary>
    private static readonly string[] s_parts = ["adapter.", "controlvector.", "clip."];

    /// <summary>All keys that are refused unless they have a neutral value; those of an architecture begin with a dot.</summary>
    internal static IEnumerable<string> Refused => [.. s_neutral.Keys.Select(key => "." + key), .. s_others.Keys];

    /// <summary>All keys that may have any value; those of an architecture begin with a dot.</summary>
    internal static IEnumerable<string> Harmless => [.. s_harmless.Select(key => "." + key), .. s_known];

    /// <summary>Holds the keys that were not read against the lists.</summary>
    /// <param name="metadata">The metadata, of which an architecture has read what it computes.</param>
    /// <param name="architecture">The name of the architecture.</param>
    /// <returns>Those of which nothing is known.</returns>
    /// <exception cref="UnsupportedModelException">One changes what the model computes, and is not computed here.</exception>
    public static string[] Check(GgufMetadata metadata, string architecture)
    {
        var read = metadata.Read.ToHashSet(StringComparer.Ordinal);
        var unknown = new List<string>();
        foreach ((string key, GgufValue value) in metadata.Pairs)
        {
            bool own = key.StartsWith(architecture + ".", StringComparison.Ordinal);
            string name = own ? key[(architecture.Length + 1)..] : key;
            if (own && read.Contains(key) || (own ? s_harmless : s_known).Contains(name))
                continue;
            bool part = Array.Exists(s_parts, prefix => key.StartsWith(prefix, StringComparison.Ordinal));
            if (part || (own ? s_neutral : s_others).TryGetValue(name, out Neutral? neutral) && !neutral(metadata, value))
                throw new UnsupportedModelException(metadata.Path, GgufModelRules.Metadata,
                    $"'{key}' is {ConfigObject.Quote($"{value}")}, which changes what the model computes and is not computed here",
                    "Give a model without it");
            if (!(own ? s_neutral : s_others).ContainsKey(name)
                && !Array.Exists(s_prefixes, prefix => key.StartsWith(prefix, StringComparison.Ordinal)))
                unknown.Add(key);
        }
        return [.. unknown];
    }

    private static double HeadSize(GgufMetadata metadata)
    {
        string name = metadata.Architecture;
        return metadata.Integer($"{name}.attention.key_length")
            ?? (double)metadata.NeedInteger($"{name}.embedding_length") / metadata.NeedInteger($"{name}.attention.head_count");
    }

    private static HashSet<string> Words(string names) =>
        new(names.Split((char[])[' ', '\n', '\r'], StringSplitOptions.RemoveEmptyEntries), StringComparer.Ordinal);

    private static Dictionary<string, Neutral> Make(params (string Names, Neutral Neutral)[] groups)
    {
        var all = new Dictionary<string, Neutral>(StringComparer.Ordinal);
        foreach ((string names, Neutral neutral) in groups)
        {
            foreach (string name in Words(names))
                all.Add(name, neutral);
        }
        return all;
    }
}
