using System.Text.Json;
using System.Text.Json.Nodes;
using Vernier.Errors;
using Vernier.Inference;
using Vernier.Inference.Architectures;
using Vernier.Inference.Configuration;
using Vernier.Inference.Decoders;
using Vernier.Inference.Models;
using Vernier.Inference.Passes;

namespace Vernier.Tests.Configuration;

/// <summary>
/// Every member of config.json that a family reads: each row changes one alone, and asserts what the reference computes, what the
/// configuration says, or the rule by which it is refused.
/// </summary>
public sealed class ReadMemberTests : IDisposable
{
    private static readonly TinySpec s_llama = TinySpecs.Llama,
        s_mistral = new() { Type = "mistral", Window = _ => 9, Extra = new() { ["sliding_window"] = 9 } },
        s_qwen2 = new()
        {
            Type = "qwen2", QueryKeyValueBias = true, Window = layer => layer >= 1 ? 5 : null,
            Extra = new() { ["sliding_window"] = 5, ["use_sliding_window"] = true, ["max_window_layers"] = 1 },
        },
        s_qwen3 = new() { Type = "qwen3", HeadNorm = true, HeadSize = 10, Rotary = 10 },
        s_phi3 = new() { Type = "phi3", Fused = true, HeadSize = 8, Rotary = 8 };

    private static readonly TinySpec[] s_families = [s_llama, s_mistral, s_qwen2, s_qwen3, s_phi3];

    /// <summary>The family, the member, its value, and the rule that it breaks.</summary>
    public static TheoryData<string, string, string, string> Refused { get; } = new()
    {
        { "llama", "model_type", "\"lama\"", ModelRules.UnknownArchitecture },
        { "llama", "architectures", """["LlamaForSequenceClassification"]""", ModelRules.UnknownArchitecture },
        { "llama", "hidden_size", "20", ModelRules.TensorShape },
        { "llama", "hidden_size", "0", ModelRules.ConfigRange },
        { "llama", "num_hidden_layers", "3", ModelRules.TensorMissing },
        { "llama", "num_hidden_layers", "1", ModelRules.TensorUnused },
        { "llama", "vocab_size", "36", ModelRules.TensorShape },
        { "llama", "vocab_size", "\"37\"", ModelRules.ConfigType },
        { "llama", "max_position_embeddings", "0", ModelRules.ConfigRange },
        { "llama", "max_position_embeddings", "-", ModelRules.ConfigMissing },
        { "llama", "tie_word_embeddings", "true", ModelRules.TiedHead },
        { "llama", "bos_token_id", "37", ModelRules.ConfigRange },
        { "llama", "eos_token_id", "[2, 37]", ModelRules.ConfigRange },
        { "llama", "dtype", "\"int4\"", ModelRules.ConfigDataType },
        { "llama", "torch_dtype", "\"int4\"", ModelRules.ConfigDataType },
        { "llama", "num_attention_heads", "2", ModelRules.TensorShape },
        { "llama", "num_attention_heads", "3", ModelRules.ConfigHeads },
        { "llama", "num_key_value_heads", "4", ModelRules.TensorShape },
        { "llama", "head_dim", "12", ModelRules.TensorShape },
        { "llama", "head_dim", "7", ModelRules.ConfigRope },
        { "llama", "intermediate_size", "30", ModelRules.TensorShape },
        { "llama", "rms_norm_eps", "0", ModelRules.ConfigRange },
        { "llama", "rope_theta", "-1", ModelRules.ConfigRange },
        { "llama", "rope_scaling", """{"rope_type": "ntk", "factor": 2.0}""", ModelRules.ConfigRopeScaling },
        { "llama", "rope_parameters", """{"rope_type": "yarn", "factor": 2.0, "odd": 1}""", ModelRules.ConfigRopeScaling },
        { "llama", "partial_rotary_factor", "0.5", ModelRules.ConfigRope },
        { "llama", "hidden_act", "\"elu\"", ModelRules.ConfigActivation },
        { "llama", "attention_bias", "true", ModelRules.TensorMissing },
        { "llama", "mlp_bias", "true", ModelRules.TensorMissing },
        { "llama", "quantization_config", """{"quant_method": "aqlm", "bits": 4}""", "quantization-method" },
        { "mistral", "sliding_window", "0", ModelRules.ConfigRange },
        { "qwen2", "layer_types", """["full_attention", "chunked_attention"]""", ModelRules.ConfigLayerTypes },
        { "qwen2", "max_window_layers", "-1", ModelRules.ConfigRange },
        { "qwen2", "use_sliding_window", "1", ModelRules.ConfigType },
        { "qwen3", "attention_bias", "true", ModelRules.TensorMissing },
        { "phi3", "original_max_position_embeddings", "1", "" },
    };

    /// <summary>The family, the member, its value, and the network that it makes of the first.</summary>
    public static TheoryData<string, string, string, Func<TinySpec, TinySpec>> Computed { get; } = new()
    {
        { "llama", "architectures", """["LlamaForCausalLM"]""", spec => spec },
        { "llama", "max_position_embeddings", "64", spec => spec },
        { "llama", "dtype", "\"float16\"", spec => spec },
        { "llama", "torch_dtype", "\"bfloat16\"", spec => spec },
        { "llama", "head_dim", "-", spec => spec },
        { "llama", "rms_norm_eps", "0.5", spec => spec with { Epsilon = 0.5 } },
        { "llama", "rms_norm_eps", "-", spec => spec with { Epsilon = 1e-6 } },
        { "llama", "rope_theta", "50", spec => spec with { Frequency = (i, _) => TinySpec.PlainFrequency(i, 50, 6) } },
        { "llama", "rope_scaling", """{"type": "linear", "factor": 4.0}""",
            spec => spec with { Frequency = (i, _) => TinySpec.PlainFrequency(i, 10000, 6) / 4 } },
        { "llama", "rope_parameters", """{"rope_type": "linear", "factor": 4.0, "rope_theta": 50}""",
            spec => spec with { Frequency = (i, _) => TinySpec.PlainFrequency(i, 50, 6) / 4 } },
        { "llama", "hidden_act", "\"gelu_pytorch_tanh\"", spec => spec with { Gelu = true } },
        { "llama", "quantization_config", "null", spec => spec },
        { "mistral", "sliding_window", "3", spec => spec with { Window = _ => 3 } },
        { "mistral", "sliding_window", "null", spec => spec with { Window = _ => null } },
        { "qwen2", "sliding_window", "3", spec => spec with { Window = layer => layer >= 1 ? 3 : null } },
        { "qwen2", "use_sliding_window", "false", spec => spec with { Window = _ => null } },
        { "qwen2", "max_window_layers", "0", spec => spec with { Window = _ => 5 } },
        { "qwen2", "max_window_layers", "28", spec => spec with { Window = _ => null } },
        { "qwen2", "layer_types", """["sliding_attention", "full_attention"]""", spec =>
            spec with { Window = layer => layer == 0 ? 5 : null } },
        { "phi3", "partial_rotary_factor", "0.5",
            spec => spec with { Rotary = 4, Frequency = (i, _) => TinySpec.PlainFrequency(i, 10000, 4) } },
        { "phi3", "sliding_window", "3", spec => spec with { Window = _ => 3 } },
        { "phi3", "rope_scaling", """{"type": "longrope", "short_factor": [1, 2, 3, 4], "long_factor": [5, 6, 7, 8]}""",
            spec => spec with { Frequency = (i, _) => TinySpec.PlainFrequency(i, 10000, 8) / (i + 1) } },
    };

    private readonly TempFolder _work = new();

    [Theory]
    [MemberData(nameof(Refused))]
    public void What_fits_nothing_is_refused(string family, string member, string value, string rule)
    {
        TinySpec spec = Family(family);
        if (rule.Length == 0)
        {
            // It is the border of LongRoPE, and without that nothing.
            AssertLogits(Write(spec, member, value), spec, spec);
            return;
        }
        VernierException error = Assert.ThrowsAny<VernierException>(() =>
        {
            using var model = Model.Open(Write(spec, member, value));
            _ = model.Configuration;
            model.Check();
        });
        Assert.Equal(rule, error.Rule);
    }

    [Theory]
    [MemberData(nameof(Computed), DisableDiscoveryEnumeration = true)]
    public void What_is_read_is_computed(string family, string member, string value, Func<TinySpec, TinySpec> change)
    {
        TinySpec spec = Family(family);
        AssertLogits(Write(spec, member, value), spec, change(spec));
    }

    [Fact]
    public void What_is_said_of_tokens_is_read()
    {
        using var model = Model.Open(Write(s_llama, "bos_token_id", "5"));
        using var other = Model.Open(Write(s_llama, "eos_token_id", "[3, 4]"));
        Assert.Equal(5, model.Configuration.BeginToken);
        Assert.Equal([3, 4], other.Configuration.EndTokens);
    }

    /// <summary>No family reads a member that no row changes.</summary>
    [Fact]
    public void Every_member_that_is_read_is_shown()
    {
        HashSet<string> shown = [.. Refused.Select(row => row.Data.Item2), .. Computed.Select(row => row.Data.Item2)];
        foreach (TinySpec spec in s_families)
        {
            using var json = JsonDocument.Parse(spec.Config());
            var read = new HashSet<string>(StringComparer.Ordinal) { "model_type", "architectures", "quantization_config" };
            Assert.True(ArchitectureCatalogue.TryGet(spec.Type, out IArchitecture? architecture));
            architecture.ReadConfiguration(ConfigObject.Of(json.RootElement, "config.json").Noting(read));
            Assert.Empty(read.Except(shown));
        }
    }

    public void Dispose() => _work.Dispose();

    private static TinySpec Family(string type) => s_families.Single(spec => spec.Type == type);

    private string Write(TinySpec spec, string member, string value)
    {
        JsonObject config = JsonNode.Parse(spec.Config())!.AsObject();
        if (value == "-")
            config.Remove(member);
        else
            config[member] = JsonNode.Parse(value);
        return TinyModel.Write(_work[$"m{_work.Names.Count()}"], config.ToJsonString(), spec.Tensors(seed: 5));
    }

    private static void AssertLogits(string folder, TinySpec stored, TinySpec computed)
    {
        int[] tokens = [3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 9];
        double[] expected = [.. new ReferenceDecoder(computed, stored.Tensors(seed: 5)).Logits(tokens).SelectMany(row => row)];
        ReadOnlySpan<float> logits = LanguageModel.Load(folder).CreateSession().Forward([new Segment(tokens)], LogitRows.All);
        for (int i = 0; i < expected.Length; i++)
            Assert.Equal(expected[i], logits[i], 1e-4);
    }
}
