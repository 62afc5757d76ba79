using Vernier.Errors;
using Vernier.Inference;
using Vernier.Inference.Gguf;
using Vernier.Inference.Models;
using Vernier.Inference.Passes;

namespace Vernier.Tests.Gguf;

/// <summary>No key of a file changes what a model computes without being computed: each row changes one alone.</summary>
public sealed class GgufKeyTests : IDisposable
{
    private static readonly TinySpec s_spec = TinySpecs.Llama;

    private static readonly Dictionary<string, TinyTensor> s_tensors = s_spec.Tensors(seed: 7);

    /// <summary>What changes the model, and a value with which it does not; null for none. A key that begins with a dot is the
    /// architecture's.</summary>
    private static readonly (string Keys, object Value, object? Neutral)[] s_keys =
    [
        (".logit_scale .residual_scale .embedding_scale .attention.output_scale .rope.scaling.attn_factor", 0.5f, 1f),
        ("""
            .final_logit_softcapping .attn_logit_softcapping .router_logit_softcapping .attention.clamp_kqv .attention.max_alibi_bias
            .attention.temperature_scale .rope.scaling.yarn_log_multiplier .rope.scaling.alpha .swiglu_clamp_exp .swiglu_clamp_shexp
            """, 30f, 0f),
        (".attention.temperature_length .attention.q_lora_rank .attention.kv_lora_rank .attention.shared_kv_layers .pooling_type", 2u, 0u),
        (".use_parallel_residual .swin_norm", true, false),
        (".attention.causal", false, true),
        ("""
            .attention.sliding_window_pattern .attention.key_length_mla .attention.value_length_mla .attention.key_length_swa
            .attention.value_length_swa .attention.group_norm_epsilon .attention.group_norm_groups .full_attention_interval
            """, 6u, null),
        (".attention.recurrent_layers", new[] { true, false }, null),
        (".hidden_activation", "gelu", "silu"),
        (".attention.layer_norm_epsilon", 1e-3f, 1e-5f),
        (".attention.scale", 0.25f, 0f),
        (".attention.value_length", 12u, 6u),
        (".rope.dimension_sections", new[] { 1, 1, 1, 0 }, new[] { 0, 0, 0, 0 }),
        (".rope.freq_base_swa", 500f, 10000f),
        (".rope.dimension_count_swa", 4u, 6u),
        (".embedding_length_out .features_length", 48u, 24u),
        (".vocab_size", 38u, 37u),
        ("tokenizer.ggml.add_space_prefix", true, false),
        ("""
            tokenizer.ggml.add_sep_token tokenizer.ggml.remove_extra_whitespaces tokenizer.ggml.treat_whitespace_as_suffix
            tokenizer.ggml.normalizer.lowercase
            """, true, false),
        ("tokenizer.ggml.escape_whitespaces", false, true),
        ("tokenizer.ggml.precompiled_charsmap", new byte[] { 1 }, Array.Empty<byte>()),
        ("tokenizer.ggml.added_tokens", new[] { "<x>" }, Array.Empty<string>()),
        ("tokenizer.rwkv.world", true, null),
        ("general.type", "adapter", "model"),
        ("adapter.type clip.vision.block_count controlvector.layer_count", 1u, null),
    ];

    /// <summary>Keys that an architecture computes, or refuses by a rule of its own.</summary>
    private static readonly string[] s_computed =
        [".attention.sliding_window", ".rope.scaling.factor", ".rope.scale_linear", ".expert_count"];

    private readonly TempFolder _work = new();

    public static TheoryData<string, object, object?> Keys
    {
        get
        {
            var rows = new TheoryData<string, object, object?>();
            foreach ((string keys, object value, object? neutral) in s_keys)
            {
                foreach (string key in Words(keys))
                    rows.Add(key, value, neutral);
            }
            return rows;
        }
    }

    [Theory]
    [MemberData(nameof(Keys))]
    public void A_key_that_changes_the_model_is_refused_by_its_name(string key, object value, object? neutral)
    {
        string name = key[0] == '.' ? "llama" + key : key;
        UnsupportedModelException error = Assert.Throws<UnsupportedModelException>(() => Model.Open(With((name, value))).Dispose());
        Assert.Equal((GgufModelRules.Metadata, _work["m.gguf"]), (error.Rule, error.File));
        Assert.StartsWith($"'{name}' is ", error.Problem, StringComparison.Ordinal);
        if (neutral is null)
            return;
        using var model = Model.Open(With((name, neutral)));
        Assert.Empty(model.Configuration.NotUnderstood);
    }

    [Fact]
    public void Every_key_of_the_lists_is_shown() => Assert.Equal(GgufKeys.Refused.Except(s_computed).Order(),
        s_keys.SelectMany(row => Words(row.Keys)).Except(["adapter.type", "clip.vision.block_count", "controlvector.layer_count"]).Order());

    /// <summary>Every harmless key at once, and the logits are those of the model without them.</summary>
    [Fact]
    public void What_is_harmless_changes_nothing()
    {
        string[] read = ["llama.context_length", "tokenizer.huggingface.json"];
        (string, object?)[] harmless = [.. GgufKeys.Harmless.Select(key => key[0] == '.' ? "llama" + key : key)
            .Where(key => !read.Contains(key) && (key.StartsWith("llama.", StringComparison.Ordinal) || IsUnread(key)))
            .Select(key => (key, (object?)3u))];
        Assert.True(harmless.Length > 30);
        string path = With([.. harmless, ("general.anything", "x"), ("quantize.imatrix.file", "y"), ("tokenizer.huggingface.json", "{}")]);
        AssertLogits(s_spec, s_tensors, path);
        using var model = Model.Open(path);
        Assert.Empty(model.Configuration.NotUnderstood);
        using var strange = Model.Open(With(("llama.flux", 1u), ("strange.key", "x"), ("tokenizer.ggml.flux", 1u)));
        Assert.Equal(["llama.flux", "strange.key", "tokenizer.ggml.flux"], strange.Configuration.NotUnderstood);
    }

    public static TheoryData<string, object, string> Computed { get; } = new()
    {
        { "llama.attention.layer_norm_rms_epsilon", 0.5f, "epsilon" },
        { "llama.rope.freq_base", 50f, "theta" },
        { "llama.rope.scaling.factor", 4f, "linear" },
        { "llama.rope.scale_linear", 4f, "linear" },
        { "llama.rope.scaling.factor", 1f, "" },
        { "llama.rope.scale_linear", 0f, "" },
        { "llama.attention.sliding_window", 3u, "window" },
        { "llama.attention.sliding_window", 0u, "" },
        { "llama.context_length", 64u, "" },
        { "llama.block_count", 1u, "shallow" },
        { "rope_freqs.weight", new[] { 1f, 2f, 8f }, "factors" },
        { "", 0, "" },
    };

    /// <summary>What a key says is computed as the reference computes it.</summary>
    [Theory]
    [MemberData(nameof(Computed))]
    public void A_key_that_is_read_is_computed(string key, object value, string what)
    {
        TinySpec spec = what switch
        {
            "epsilon" => s_spec with { Epsilon = 0.5 },
            "theta" => s_spec with { Frequency = (i, _) => TinySpec.PlainFrequency(i, 50, 6) },
            "linear" => s_spec with { Frequency = (i, _) => TinySpec.PlainFrequency(i, 10000, 6) / 4 },
            "factors" => s_spec with { Frequency = (i, _) => TinySpec.PlainFrequency(i, 10000, 6) / (i == 0 ? 1 : i == 1 ? 2 : 8) },
            "window" => s_spec with { Window = _ => 3 },
            "shallow" => s_spec with { Layers = 1 },
            _ => s_spec,
        };
        Dictionary<string, TinyTensor> tensors = what != "shallow" ? s_tensors : s_tensors
            .Where(pair => !pair.Key.Contains("layers.1.", StringComparison.Ordinal)).ToDictionary();
        string path = key.EndsWith(".weight", StringComparison.Ordinal)
            ? TinyGguf.Write(_work["m.gguf"], s_spec, tensors, [], (key, (float[])value))
            : TinyGguf.Write(_work["m.gguf"], s_spec, tensors, key.Length == 0 ? [] : [(key, value)]);
        AssertLogits(spec, tensors, path);
    }

    public static TheoryData<string, object?, string, string> Contradictions { get; } = new()
    {
        { "general.architecture", "rwkv6", GgufModelRules.Architecture, "'rwkv6'" },
        { "llama.expert_count", 8u, GgufModelRules.MetadataMissing, "'llama.expert_used_count'" },
        { "llama.block_count", 3u, "tensor-missing", "" },
        { "llama.block_count", 1u, "tensor-unused", "model.layers.1." },
        { "llama.embedding_length", 48u, "tensor-shape", "" },
        { "llama.feed_forward_length", 30u, "tensor-shape", "" },
        { "llama.feed_forward_length", new[] { 29, 29 }, GgufModelRules.MetadataType, "not a whole number" },
        { "llama.attention.head_count", 8u, GgufModelRules.TensorShape, "" },
        { "llama.attention.head_count_kv", 4u, GgufModelRules.TensorShape, "" },
        { "llama.attention.head_count_kv", 3u, "config-heads", "" },
        { "llama.attention.key_length", 8u, GgufModelRules.Metadata, "'llama.attention.value_length' is '6'" },
        { "llama.attention.sliding_window", -1, GgufModelRules.MetadataType, "a whole number from 0" },
        { "llama.attention.layer_norm_rms_epsilon", float.NaN, GgufModelRules.MetadataType, "NaN, not a finite number" },
        { "llama.rope.dimension_count", 4u, "config-rope", "" },
        { "llama.rope.freq_base", 0f, "config-range", "" },
        { "llama.rope.scaling.type", "yarn", GgufModelRules.MetadataMissing, "'llama.rope.scaling.factor'" },
        { "llama.rope.scaling.type", "longrope", GgufModelRules.MetadataMissing, "no tensors of factors" },
        { "llama.rope.scaling.type", "linear", GgufModelRules.MetadataMissing, "'llama.rope.scaling.factor'" },
        { "tokenizer.ggml.eos_token_id", 37u, GgufModelRules.MetadataType, "a token from 0 to 36" },
        { "tokenizer.ggml.bos_token_id", -1, GgufModelRules.MetadataType, "a token from 0 to 36" },
        { "tokenizer.ggml.tokens", Enumerable.Range(0, 36).Select(id => $"t{id}").ToArray(), GgufModelRules.Metadata,
            "'llama.vocab_size' is '37'" },
    };

    [Theory]
    [MemberData(nameof(Contradictions))]
    public void A_key_that_fits_nothing_is_refused(string key, object? value, string rule, string message)
    {
        VernierException error = Assert.ThrowsAny<VernierException>(() =>
        {
            using var model = Model.Open(With((key, value)));
            model.Check();
        });
        Assert.Equal(rule, error.Rule);
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
    }

    /// <summary>Factors of frequencies are one scaling: a second one beside them is not passed over, nor is half of a pair.</summary>
    [Theory]
    [InlineData("llama.rope.scaling.factor", 4f, "rope_freqs.weight", GgufModelRules.Metadata)]
    [InlineData("llama.rope.scaling.type", "yarn", "rope_freqs.weight", GgufModelRules.Metadata)]
    [InlineData("llama.rope.scaling.attn_factor", 2f, "rope_freqs.weight", GgufModelRules.Metadata)]
    [InlineData("general.name", "x", "rope_factors_long.weight", "tensor-missing")]
    [InlineData("general.name", "x", "rope_factors_short.weight", "tensor-missing")]
    public void Factors_beside_another_scaling_are_refused(string key, object value, string tensor, string rule)
    {
        string path = TinyGguf.Write(_work["m.gguf"], s_spec, s_tensors, [(key, value)], (tensor, [1, 2, 8]));
        Assert.Equal(rule, Assert.ThrowsAny<VernierException>(() => Model.Open(path).Dispose()).Rule);
    }

    [Fact]
    public void A_factor_that_is_not_finite_is_refused()
    {
        string path = TinyGguf.Write(_work["m.gguf"], s_spec, s_tensors, [], ("rope_freqs.weight", [1, float.NaN, 8]));
        InvalidFileException error = Assert.Throws<InvalidFileException>(() => Model.Open(path).Dispose());
        Assert.Equal((GgufModelRules.NotFinite, "rope_freqs.weight"), (error.Rule, error.Tensor));
    }

    /// <summary>Tokens: what a key says of ids is what the tokenizer does, and where a text ends.</summary>
    [Fact]
    public void What_keys_say_of_tokens_is_done()
    {
        Assert.Equal([1, 30], Encode());
        Assert.Equal([30], Encode(("tokenizer.ggml.add_bos_token", false)));
        Assert.Equal([30], Encode(("tokenizer.ggml.add_bos_token", null)));
        Assert.Equal([1, 30, 2], Encode(("tokenizer.ggml.add_eos_token", true)));
        Assert.Equal([5, 30], Encode(("tokenizer.ggml.bos_token_id", 5u)));
        Assert.Equal([1, 3, 4], Encode(("tokenizer.ggml.merges", Array.Empty<string>())));
        Assert.Equal([2], Ends());
        Assert.Equal([7], Ends(("tokenizer.ggml.eos_token_id", 7u)));
        Assert.Equal([2, 7], Ends(("tokenizer.ggml.eot_token_id", 7u)));
        Assert.Equal([2, 8], Ends(("tokenizer.ggml.eom_token_id", 8u)));
    }

    public void Dispose() => _work.Dispose();

    private static bool IsUnread(string key) =>
        key.EndsWith("_token_id", StringComparison.Ordinal) && key.Contains("fi", StringComparison.Ordinal)
        || key is "tokenizer.ggml.token_type_count" or "tokenizer.ggml.suppress_tokens" or "tokenizer.ggml.middle_token_id";

    private static string[] Words(string keys) => keys.Split((char[])[' ', '\n', '\r'], StringSplitOptions.RemoveEmptyEntries);

    private static void AssertLogits(TinySpec spec, Dictionary<string, TinyTensor> tensors, string path)
    {
        int[] tokens = [3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 9];
        double[] expected = [.. new ReferenceDecoder(spec, tensors).Logits(tokens).SelectMany(row => row)];
        ReadOnlySpan<float> logits = LanguageModel.Load(path).CreateSession().Forward([new Segment(tokens)], LogitRows.All);
        for (int i = 0; i < expected.Length; i++)
            Assert.Equal(expected[i], logits[i], 1e-4);
    }

    private string With(params (string Key, object? Value)[] edits) => TinyGguf.Write(_work["m.gguf"], s_spec, s_tensors, edits);

    private int[] Encode(params (string Key, object? Value)[] edits)
    {
        using var model = Model.Open(With(edits));
        return model.Tokenizer.Encode("ab", addSpecialTokens: true);
    }

    private IReadOnlyList<int> Ends(params (string Key, object? Value)[] edits)
    {
        using var model = Model.Open(With(edits));
        return model.Configuration.EndTokens;
    }
}
