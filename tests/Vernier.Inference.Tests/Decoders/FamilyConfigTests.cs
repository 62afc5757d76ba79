using Vernier.Errors;
using Vernier.Files;
using Vernier.Inference.Architectures.Llama;
using Vernier.Inference.Configuration;
using Vernier.Inference.Decoders;
using Vernier.Tests.Configuration;

namespace Vernier.Tests.Decoders;

/// <summary>Every member of config.json that a family reads, and what stands for one that is not there.</summary>
public class FamilyConfigTests
{
    private const int Window = 4096;

    private const string Types = """["full_attention", "sliding_attention", "full_attention"]""";

    public static TheoryData<string> Families => ["llama", "mistral", "qwen2", "qwen3", "phi3"];

    private static readonly Dictionary<string, Func<TransformerConfig, object?>> s_members = new(StringComparer.Ordinal)
    {
        ["hidden_size"] = config => config.HiddenSize,
        ["num_hidden_layers"] = config => config.LayerCount,
        ["vocab_size"] = config => config.VocabularySize,
        ["max_position_embeddings"] = config => config.MaxPositions,
        ["tie_word_embeddings"] = config => config.TiedEmbeddings,
        ["bos_token_id"] = config => config.BeginToken,
        ["eos_token_id"] = config => string.Join('+', config.EndTokens),
        ["intermediate_size"] = config => config.IntermediateSize,
        ["num_attention_heads"] = config => config.HeadCount,
        ["num_key_value_heads"] = config => config.KeyValueHeadCount,
        ["head_dim"] = config => config.HeadSize,
        ["rms_norm_eps"] = config => config.NormEpsilon,
        ["hidden_act"] = config => config.Activation,
        ["dtype"] = config => config.DataType,
        ["torch_dtype"] = config => config.DataType,
        ["quantization_config"] = config => config.Quantization?.GetRawText(),
    };

    [Theory]
    [MemberData(nameof(Families))]
    public void WhatAllFamiliesReadLeadsToItsValue(string type)
    {
        foreach ((string member, string json, object? expected) in Cases())
        {
            object? actual = s_members[member](ConfigText.Read(type, $$"""{"{{member}}": {{json}} }"""));
            Assert.True(Equals(expected, actual), $"{member}: {json} of {type} led to {actual}");
        }
        Assert.Equal(s_members.Keys.Order(), Cases().Select(one => one.Member).Distinct().Order());

        static IEnumerable<(string Member, string Json, object? Expected)> Cases() =>
        [
            ("hidden_size", "1048576", 1 << 20), ("num_hidden_layers", "1024", 1024), ("vocab_size", "16777216", 1 << 24),
            ("max_position_embeddings", "134217728", 1 << 27), ("tie_word_embeddings", "true", true),
            ("tie_word_embeddings", "\"-\"", false),
            ("bos_token_id", "0", 0), ("bos_token_id", "36", 36), ("bos_token_id", "[5, 6]", 5), ("bos_token_id", "null", null),
            ("eos_token_id", "7", "7"), ("eos_token_id", "[9, 8]", "9+8"), ("eos_token_id", "\"-\"", ""), ("intermediate_size", "1", 1),
            ("num_attention_heads", "4096", 4096), ("num_key_value_heads", "1", 1), ("num_key_value_heads", "null", 4),
            ("head_dim", "4096", 4096), ("head_dim", "2", 2), ("rms_norm_eps", "0.25", 0.25f), ("hidden_act", "\"-\"", Activation.Silu),
            ("hidden_act", "\"swish\"", Activation.Silu), ("hidden_act", "\"gelu_new\"", Activation.GeluTanh),
            ("hidden_act", "\"gelu_pytorch_tanh\"", Activation.GeluTanh), ("dtype", "\"float64\"", ElementType.F64),
            ("dtype", "\"float32\"", ElementType.F32), ("dtype", "\"bfloat16\"", ElementType.BF16),
            ("dtype", "\"float8_e4m3fn\"", ElementType.F8_E4M3), ("torch_dtype", "\"float8_e5m2\"", ElementType.F8_E5M2),
            ("torch_dtype", "\"float16\"", ElementType.F16), ("dtype", "\"-\"", null), ("quantization_config", "null", null),
            ("quantization_config", "{\"bits\":3}", "{\"bits\":3}"),
        ];
    }

    [Theory]
    [MemberData(nameof(Families))]
    public void WhatAllFamiliesNeedIsMissed(string type)
    {
        string[] sizes = ["hidden_size", "num_hidden_layers", "vocab_size", "max_position_embeddings"];
        string[] needed = [.. sizes, "num_attention_heads", "intermediate_size"];
        foreach (string member in s_members.Keys)
        {
            string changes = $$"""{"{{member}}": "-"}""";
            if (!needed.Contains(member))
            {
                // With 24 / 4 coordinates a head, the heads of two families are 8 and 32 where nothing is said, and do not divide 4.
                if (member != "num_key_value_heads" || type is "llama" or "phi3")
                    Assert.Equal(24, ConfigText.Read(type, changes).HiddenSize);
                continue;
            }
            InvalidFileException error = Assert.Throws<InvalidFileException>(() => ConfigText.Read(type, changes));
            Assert.Equal((ModelRules.ConfigMissing, $"'{member}' is missing"), (error.Rule, error.Problem));
        }
    }

    [Theory]
    [InlineData("llama", "attention_bias", true, true, false)]
    [InlineData("llama", "mlp_bias", false, false, true)]
    [InlineData("qwen3", "attention_bias", true, true, false)]
    [InlineData("qwen3", "mlp_bias", false, false, false)]
    [InlineData("qwen2", "attention_bias", true, false, false)]
    [InlineData("mistral", "attention_bias", false, false, false)]
    [InlineData("phi3", "attention_bias", false, false, false)]
    public void BiasesAreWhereTheFamilyHasThem(string type, string member, bool queryKeyValue, bool output, bool feedForward)
    {
        TransformerConfig config = ConfigText.Read(type, $$"""{"{{member}}": true}"""), without = ConfigText.Read(type, "{}");
        Assert.Equal((queryKeyValue, output, feedForward), (config.QueryKeyValueBias, config.OutputBias, config.FeedForwardBias));
        Assert.Equal((type == "qwen2", false, false), (without.QueryKeyValueBias, without.OutputBias, without.FeedForwardBias));
    }

    [Theory]
    [InlineData("llama", """{"sliding_window": null}""", null, null, null)]
    [InlineData("mistral", """{"sliding_window": "-"}""", Window, Window, Window)]
    [InlineData("mistral", """{"sliding_window": null}""", null, null, null)]
    [InlineData("mistral", """{"sliding_window": 5}""", 5, 5, 5)]
    [InlineData("phi3", """{"sliding_window": "-"}""", null, null, null)]
    [InlineData("phi3", """{"sliding_window": 5}""", 5, 5, 5)]
    [InlineData("qwen2", """{"sliding_window": 5, "max_window_layers": 0}""", null, null, null)]
    [InlineData("qwen2", """{"sliding_window": 5, "use_sliding_window": true}""", null, null, null)]
    [InlineData("qwen2", """{"sliding_window": 5, "use_sliding_window": true, "max_window_layers": 2}""", null, null, 5)]
    [InlineData("qwen2", """{"sliding_window": "-", "use_sliding_window": true, "max_window_layers": 1}""", null, Window, Window)]
    [InlineData("qwen3", """{"sliding_window": null, "use_sliding_window": true, "max_window_layers": 0}""", null, null, null)]
    [InlineData("qwen3", """{"sliding_window": 5, "use_sliding_window": true, "layer_types": TYPES}""", null, 5, null)]
    public void WindowsAreThoseOfTheLayers(string type, string changes, int? first, int? second, int? third)
    {
        string three = changes.Insert(1, "\"num_hidden_layers\": 3, ").Replace("TYPES", Types, StringComparison.Ordinal);
        TransformerConfig config = ConfigText.Read(type, three);
        Assert.Equal([first, second, third], Enumerable.Range(0, 3).Select(config.WindowOf));
        Assert.Equal(second, config.AttentionOf(1).Window);
        Assert.Equal((24, 12), (config.AttentionOf(1).QueryWidth, config.AttentionOf(1).KeyWidth));
    }

    [Theory]
    [InlineData("mistral", """{"sliding_window": "5"}""", ModelRules.ConfigType)]
    [InlineData("phi3", """{"sliding_window": -1}""", ModelRules.ConfigRange)]
    [InlineData("qwen2", """{"use_sliding_window": 1}""", ModelRules.ConfigType)]
    [InlineData("qwen2", """{"use_sliding_window": true, "sliding_window": 0}""", ModelRules.ConfigRange)]
    [InlineData("qwen3", """{"max_window_layers": -1}""", ModelRules.ConfigRange)]
    [InlineData("qwen3", """{"layer_types": "full_attention"}""", ModelRules.ConfigType)]
    [InlineData("qwen3", """{"layer_types": ["full_attention", 7]}""", ModelRules.ConfigLayerTypes)]
    [InlineData("qwen3", """{"attention_bias": 0}""", ModelRules.ConfigType)]
    [InlineData("llama", """{"mlp_bias": "yes"}""", ModelRules.ConfigType)]
    public void AMemberOfAFamilyIsChecked(string type, string changes, string rule) =>
        Assert.Equal(rule, Assert.Throws<InvalidFileException>(() => ConfigText.Read(type, changes)).Rule);

    [Fact]
    public void NamesAreThoseOfTheFamily()
    {
        TransformerConfig phi = ConfigText.Read("phi3", "{}"), qwen = ConfigText.Read("qwen3", "{}");
        TransformerConfig llama = ConfigText.Read("llama", "{}");
        Assert.Equal(["self_attn.qkv_proj"], phi.Names.AttentionInputs);
        Assert.Equal(["mlp.gate_up_proj"], phi.Names.FeedForwardInputs);
        Assert.Equal(("self_attn.q_norm", "self_attn.k_norm"), (qwen.Names.QueryNorm, qwen.Names.KeyNorm));
        Assert.Equal(((string?)null, (string?)null), (llama.Names.QueryNorm, llama.Names.KeyNorm));
        Assert.Equal("model.layers.12.mlp.down_proj", llama.Names.Of(12, llama.Names.FeedForwardOutput));
    }

    [Fact]
    public void TheIdentityIsThatOfTheContent()
    {
        LlamaConfig config = Assert.IsType<LlamaConfig>(ConfigText.Read("llama", "{}"));
        Assert.Equal(config.Identity, ConfigText.Read("llama", "{}", "elsewhere/config.json").Identity);
        Assert.Equal("elsewhere/config.json", ConfigText.Read("llama", "{}", "elsewhere/config.json").Path);
        string[] others = ["{\"rms_norm_eps\": 0.5}", "{\"something_else\": 1}", "{\"bos_token_id\": 3}"];
        Assert.Equal(4, others.Select(other => ConfigText.Read("llama", other).Identity).Append(config.Identity).Distinct().Count());
        Assert.Equal(64, config.Identity.Length);
    }
}
