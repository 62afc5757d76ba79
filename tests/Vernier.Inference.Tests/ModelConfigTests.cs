using System.Text;
using System.Text.Json;
using Vernier.Errors;
using Vernier.Files;
using Vernier.Inference;
using Vernier.Inference.Architectures;
using Vernier.Inference.Architectures.Llama;
using Vernier.Inference.Configuration;
using Vernier.Inference.Decoders;
using Vernier.Inference.Models;
using Vernier.Inference.Parts.Attention;

namespace Vernier.Tests;

public class ModelConfigTests
{
    [Fact]
    public void TheSampleIsRead()
    {
        using var model = Model.Open(SharedData.Quill);
        LlamaConfig config = Assert.IsType<LlamaConfig>(model.Configuration);
        Assert.Equal("llama", config.ModelType);
        Assert.Equal((4096, 256, 768, 6), (config.VocabularySize, config.HiddenSize, config.IntermediateSize, config.LayerCount));
        Assert.Equal((8, 4, 32, 1024), (config.HeadCount, config.KeyValueHeadCount, config.HeadSize, config.MaxPositions));
        Assert.Equal((1e-5f, 10000, 32), (config.NormEpsilon, config.Rope.Theta, config.Rope.RotarySize));
        Assert.True(config.TiedEmbeddings);
        Assert.Equal(4094, config.BeginToken);
        Assert.Equal([4095], config.EndTokens);
        Assert.Equal(ElementType.BF16, config.DataType);
        Assert.Null(config.Quantization);
        Assert.Null(config.WindowOf(0));
    }

    /// <summary>The configurations of Llama 3.2 1B and of Qwen3 0.6B as their makers published them.</summary>
    [Fact]
    public void PublishedConfigurationsAreRead()
    {
        TransformerConfig llama = Read("""
            {"architectures": ["LlamaForCausalLM"], "attention_bias": false, "attention_dropout": 0.0, "bos_token_id": 128000,
            "eos_token_id": 128001,
            "head_dim": 64, "hidden_act": "silu", "hidden_size": 2048, "initializer_range": 0.02, "intermediate_size": 8192,
            "max_position_embeddings": 131072, "mlp_bias": false, "model_type": "llama", "num_attention_heads": 32, "num_hidden_layers": 16,
            "num_key_value_heads": 8, "pretraining_tp": 1, "rms_norm_eps": 1e-05, "rope_scaling": {"factor": 32.0, "high_freq_factor": 4.0,
            "low_freq_factor": 1.0, "original_max_position_embeddings": 8192, "rope_type": "llama3"}, "rope_theta": 500000.0,
            "tie_word_embeddings": true, "torch_dtype": "bfloat16", "transformers_version": "4.45.0.dev0", "use_cache": true,
            "vocab_size": 128256}
            """);
        Assert.Equal((RopeScaling.Llama3, 32, 8192), (llama.Rope.Scaling, llama.Rope.Factor, llama.Rope.OriginalMaxPositions));
        Assert.Equal((32, 8, 64, true, false), (llama.HeadCount, llama.KeyValueHeadCount, llama.HeadSize, llama.TiedEmbeddings,
            llama.QueryKeyValueBias));

        TransformerConfig qwen = Read("""
            {"architectures": ["Qwen3ForCausalLM"], "attention_bias": false, "attention_dropout": 0.0, "bos_token_id": 151643,
            "eos_token_id": 151645,
            "head_dim": 128, "hidden_act": "silu", "hidden_size": 1024, "initializer_range": 0.02, "intermediate_size": 3072,
            "max_position_embeddings": 40960, "max_window_layers": 28, "model_type": "qwen3", "num_attention_heads": 16,
            "num_hidden_layers": 28,
            "num_key_value_heads": 8, "rms_norm_eps": 1e-06, "rope_scaling": null, "rope_theta": 1000000, "sliding_window": null,
            "tie_word_embeddings": true, "torch_dtype": "bfloat16", "use_cache": true, "use_sliding_window": false, "vocab_size": 151936}
            """);
        Assert.Equal((true, 128, 1e6, null), (qwen.Names.QueryNorm is not null, qwen.HeadSize, qwen.Rope.Theta, qwen.WindowOf(27)));
    }

    public static TheoryData<string, string> Violations => new()
    {
        { """{"vocab_size": 0}""", ModelRules.ConfigRange },
        { """{"vocab_size": -5}""", ModelRules.ConfigRange },
        { """{"vocab_size": 16777217}""", ModelRules.ConfigRange },
        { """{"vocab_size": 99999999999999999999}""", ModelRules.ConfigRange },
        { """{"vocab_size": 1.5}""", ModelRules.ConfigRange },
        { """{"vocab_size": "37"}""", ModelRules.ConfigType },
        { """{"vocab_size": null}""", ModelRules.ConfigMissing },
        { """{"hidden_size": 0}""", ModelRules.ConfigRange },
        { """{"hidden_size": 1048577}""", ModelRules.ConfigRange },
        { """{"intermediate_size": null}""", ModelRules.ConfigMissing },
        { """{"num_hidden_layers": 0}""", ModelRules.ConfigRange },
        { """{"num_hidden_layers": 2000000000}""", ModelRules.ConfigRange },
        { """{"max_position_embeddings": 0}""", ModelRules.ConfigRange },
        { """{"num_attention_heads": 0}""", ModelRules.ConfigRange },
        { """{"num_attention_heads": 5}""", ModelRules.ConfigHeads },
        { """{"num_attention_heads": 7, "num_key_value_heads": 7, "head_dim": null}""", ModelRules.ConfigHeads },
        { """{"num_attention_heads": 24, "num_key_value_heads": 24, "head_dim": null}""", ModelRules.ConfigHeads },
        { """{"num_key_value_heads": 3}""", ModelRules.ConfigHeads },
        { """{"head_dim": 5000}""", ModelRules.ConfigRange },
        { """{"head_dim": 7}""", ModelRules.ConfigRope },
        { """{"rms_norm_eps": 0}""", ModelRules.ConfigRange },
        { """{"rms_norm_eps": 1e999}""", ModelRules.ConfigRange },
        { """{"rms_norm_eps": "small"}""", ModelRules.ConfigType },
        { """{"rope_theta": 0}""", ModelRules.ConfigRange },
        { """{"rope_theta": -10000.0}""", ModelRules.ConfigRange },
        { """{"rope_scaling": 7}""", ModelRules.ConfigType },
        { """{"rope_scaling": {"factor": 2}}""", ModelRules.ConfigRopeScaling },
        { """{"rope_scaling": {"type": "ntk", "factor": 2}}""", ModelRules.ConfigRopeScaling },
        { """{"rope_scaling": {"rope_type": "mrope", "factor": 2}}""", ModelRules.ConfigRopeScaling },
        { """{"rope_parameters": {"rope_type": "mrope", "rope_theta": 2}}""", ModelRules.ConfigRopeScaling },
        { """{"rope_scaling": {"type": "linear"}}""", ModelRules.ConfigMissing },
        { """{"rope_scaling": {"type": "linear", "factor": 0}}""", ModelRules.ConfigRange },
        { """
            {"rope_scaling": {"rope_type": "llama3", "factor": 8, "low_freq_factor": 4, "high_freq_factor": 4,
            "original_max_position_embeddings": 64}}
            """, ModelRules.ConfigRope },
        { """{"rope_scaling": {"rope_type": "llama3", "factor": 8, "low_freq_factor": 1, "high_freq_factor": 4}}""",
            ModelRules.ConfigMissing },
        { """{"rope_scaling": {"type": "longrope", "factor": 4, "short_factor": [1, 1], "long_factor": [1, 1, 1]}}""",
            ModelRules.ConfigLength },
        { """{"rope_scaling": {"type": "longrope", "factor": 4, "short_factor": [1, 1, 0], "long_factor": [1, 1, 1]}}""",
            ModelRules.ConfigRange },
        { """{"rope_scaling": {"type": "longrope", "factor": 4, "short_factor": [1, 1, 1]}}""", ModelRules.ConfigMissing },
        { """{"model_type": "phi3", "rope_scaling": {"type": "linear", "factor": 4}}""", ModelRules.ConfigRopeScaling },
        { """{"partial_rotary_factor": 0.5}""", ModelRules.ConfigRope },
        { """{"model_type": "phi3", "partial_rotary_factor": 0.5}""", ModelRules.ConfigRope },
        { """{"model_type": "mistral", "sliding_window": 0}""", ModelRules.ConfigRange },
        { """{"model_type": "qwen2", "layer_types": ["full_attention"]}""", ModelRules.ConfigLength },
        { """{"model_type": "qwen2", "layer_types": ["full_attention", "linear_attention"]}""", ModelRules.ConfigLayerTypes },
        { """{"model_type": "qwen2", "layer_types": ["full_attention", "sliding_attention"]}""", ModelRules.ConfigLayerTypes },
        { """{"hidden_act": "tanh"}""", ModelRules.ConfigActivation },
        { """{"torch_dtype": "int3"}""", ModelRules.ConfigDataType },
        { """{"eos_token_id": 37}""", ModelRules.ConfigRange },
        { """{"eos_token_id": [1, -1]}""", ModelRules.ConfigRange },
        { """{"eos_token_id": "</s>"}""", ModelRules.ConfigType },
        { """{"bos_token_id": -1}""", ModelRules.ConfigRange },
        { """{"tie_word_embeddings": 1}""", ModelRules.ConfigType },
        { """{"attention_bias": "no"}""", ModelRules.ConfigType },
        { """{"quantization_config": []}""", ModelRules.ConfigType },
        { """{"model_type": "rwkv"}""", ModelRules.UnknownArchitecture },
        { """{"model_type": null}""", ModelRules.UnknownArchitecture },
        { """{"architectures": ["LlamaForSequenceClassification"]}""", ModelRules.UnknownArchitecture },
    };

    [Theory]
    [MemberData(nameof(Violations))]
    public void ABrokenRuleIsNamed(string changes, string rule)
    {
        VernierException error = Assert.ThrowsAny<VernierException>(() => Read(Change(TinySpecs.Llama.Config(), changes)));
        Assert.Equal(rule, error.Rule);
        Assert.Equal("config.json", error.File);
        Assert.Equal(rule is ModelRules.UnknownArchitecture or ModelRules.ConfigRopeScaling or ModelRules.ConfigActivation,
            error is UnsupportedModelException);
    }

    [Fact]
    public void DefaultsAreThoseOfTheFamily()
    {
        const string Sizes = """
            {"hidden_size": 4096, "num_attention_heads": 32, "num_key_value_heads": -1, "head_dim": -1, "rms_norm_eps": -1,
            "sliding_window": -1, "bos_token_id": -1, "eos_token_id": [5, 6]}
            """;
        TransformerConfig Family(string type) => Read(
            Change(Change(TinySpecs.Llama.Config(), Sizes), $$"""{"model_type": "{{type}}"}""", remove: "-1"));
        Assert.Equal((32, 128, 1e-6f, null), Facts(Family("llama")));
        Assert.Equal((8, 128, 1e-6f, 4096), Facts(Family("mistral")));
        Assert.Equal((32, 128, 1e-6f, null), Facts(Family("qwen2")));
        Assert.Equal((32, 128, 1e-6f, null), Facts(Family("qwen3")));
        Assert.Equal((32, 128, 1e-5f, null), Facts(Family("phi3")));
        Assert.Null(Family("llama").BeginToken);
        Assert.Equal([5, 6], Family("llama").EndTokens);

        static (int, int, float, int?) Facts(TransformerConfig config) =>
            (config.KeyValueHeadCount, config.HeadSize, config.NormEpsilon, config.WindowOf(1));
    }

    [Fact]
    public void AQuantizationConfigIsKept()
    {
        ModelConfig config = Read(Change(TinySpecs.Llama.Config(), """{"quantization_config": {"bits": 4}, "dtype": "float16"}"""));
        Assert.Equal(4, config.Quantization!.Value.GetProperty("bits").GetInt32());
        Assert.Equal(ElementType.F16, config.DataType);
    }

    [Fact]
    public void AnArchitectureThatCannotRunIsTold()
    {
        using var folder = new TinyFolder("""{"model_type": "rwkv", "architectures": ["RwkvForCausalLM"]}""", TinySpecs.Llama.Tensors(1));
        using (var strange = Model.Open(folder.Path))
        {
            Assert.False(strange.TryGetConfiguration(out _));
            Assert.Equal("RwkvForCausalLM", strange.Architecture);
        }
        UnsupportedModelException error = Assert.Throws<UnsupportedModelException>(() => LanguageModel.Load(folder.Path));
        Assert.Equal(ModelRules.UnknownArchitecture, error.Rule);
        Assert.Contains("RwkvForCausalLM", error.Message, StringComparison.Ordinal);
        using var quill = Model.Open(SharedData.Quill);
        Assert.True(quill.TryGetConfiguration(out ModelConfig? config));
        Assert.Equal(("llama", "LlamaForCausalLM", ModelKind.Folder), (config.ModelType, quill.Architecture, quill.Kind));
        Assert.Equal("model-folder",
            Assert.Throws<InvalidFileException>(() => Model.Open(Path.Combine(folder.Path, "no"))).Rule);
    }

    /// <summary>Damaged files are read as a sound configuration or refused with a rule, in memory in proportion to the file.</summary>
    [Fact]
    public void DamagedFilesAreReadOrRefused()
    {
        int inputs = 0, accepted = 0;
        var rules = new HashSet<string>();
        foreach (TinySpec spec in TinySpecs.All)
        {
            foreach (byte[] input in Mutation.Of(Encoding.UTF8.GetBytes(spec.Config()), 1800, randomSeed: inputs))
            {
                inputs++;
                long before = GC.GetAllocatedBytesForCurrentThread();
                try
                {
                    AssertSound((TransformerConfig)ArchitectureCatalogue.Read(input, "config.json"));
                    accepted++;
                }
                catch (VernierException error)
                {
                    rules.Add(error.Rule);
                    Assert.True(error.Message.Length < 600, error.Message);
                }
                Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, (1 << 18) + 64L * input.Length);
            }
        }
        Assert.True(inputs >= 30_000);
        Assert.InRange(accepted, inputs / 50, inputs);
        Assert.Superset(new HashSet<string> { ModelRules.ConfigRange, ModelRules.ConfigType, ModelRules.ConfigHeads,
            ModelRules.UnknownArchitecture, FileRules.JsonInvalid }, rules);
    }

    private static void AssertSound(TransformerConfig config)
    {
        Assert.True(config.HiddenSize > 0 && config.IntermediateSize > 0 && config.VocabularySize > 0 && config.MaxPositions > 0);
        Assert.Equal(0, config.HeadCount % config.KeyValueHeadCount);
        Assert.InRange(config.Rope.RotarySize, 2, config.HeadSize);
        Assert.True(config.NormEpsilon > 0);
        Assert.All(Enumerable.Range(0, config.LayerCount), layer => Assert.True(config.WindowOf(layer) is null or > 0));
        foreach (bool longContext in new[] { false, true })
            Assert.All(RotaryAngles.Frequencies(config.Rope, longContext), frequency =>
                Assert.True(double.IsFinite(frequency) && frequency > 0));
        Assert.True(config.Rope.AttentionFactor > 0 && double.IsFinite(config.Rope.AttentionFactor));
    }

    private static TransformerConfig Read(string config) =>
        (TransformerConfig)ArchitectureCatalogue.Read(Encoding.UTF8.GetBytes(config), "config.json");

    /// <summary>Replaces entries; those whose value then reads like <paramref name="remove"/> are left out.</summary>
    private static string Change(string config, string changes, string? remove = null)
    {
        Dictionary<string, JsonElement> entries = JsonSerializer.Deserialize<Dictionary<string, JsonElement>>(config)!;
        foreach ((string key, JsonElement value) in JsonSerializer.Deserialize<Dictionary<string, JsonElement>>(changes)!)
            entries[key] = value;
        return JsonSerializer.Serialize(entries.Where(entry => entry.Value.GetRawText() != remove).ToDictionary());
    }
}
