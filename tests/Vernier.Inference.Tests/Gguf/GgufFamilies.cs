using System.Text;
using System.Text.Json.Nodes;
using Vernier.Inference.Architectures;
using Vernier.Inference.Configuration;
using Vernier.Inference.Decoders;

namespace Vernier.Tests.Gguf;

/// <summary>A small random model of each family that llama.cpp has, with the beginning of the sample's tokenizer.</summary>
internal static class GgufFamilies
{
    public const int Vocabulary = 300;

    private const string Common = """
        {"vocab_size": 300, "hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2,
        "intermediate_size": 96, "max_position_embeddings": 128, "bos_token_id": 298, "eos_token_id": 299, "tie_word_embeddings": false}
        """;

    /// <summary>What the config.json of each has beside the common members.</summary>
    private static readonly (string Name, string Members)[] s_all =
    [
        ("mixtral", """{"num_local_experts": 4, "num_experts_per_tok": 2}"""),
        ("mixtral with YaRN", """
            {"num_local_experts": 4, "num_experts_per_tok": 2, "rope_theta": 100, "rope_scaling": {"rope_type": "yarn", "factor": 4.0,
            "original_max_position_embeddings": 32, "beta_fast": 8.0, "attention_factor": 1.5}}
            """),
        ("qwen2_moe", """
            {"num_experts": 5, "num_experts_per_tok": 2, "moe_intermediate_size": 32, "shared_expert_intermediate_size": 64}
            """),
        ("qwen3_moe", """
            {"num_experts": 6, "num_experts_per_tok": 2, "moe_intermediate_size": 32, "norm_topk_prob": true, "head_dim": 24}
            """),
        ("gemma", """{"tie_word_embeddings": true, "head_dim": 24, "num_key_value_heads": 1}"""),
        ("gemma2", """{"tie_word_embeddings": true, "head_dim": 24, "query_pre_attn_scalar": 24, "sliding_window": 8}"""),
        ("gemma3_text", """
            {"tie_word_embeddings": true, "head_dim": 24, "query_pre_attn_scalar": 24, "sliding_window": 8, "num_hidden_layers": 7,
            "rope_scaling": {"rope_type": "linear", "factor": 8.0}}
            """),
        ("gpt2", """{"tie_word_embeddings": true, "num_key_value_heads": null}"""),
        ("gpt_neox", """{"num_key_value_heads": null}"""),
        ("gpt_neox in turn", """{"num_key_value_heads": null, "use_parallel_residual": false, "rotary_pct": 1.0}"""),
        ("starcoder2", "{}"),
        ("stablelm", """{"use_qkv_bias": true}"""),
        ("stablelm with norms", """{"qk_layernorm": true, "use_parallel_residual": true, "partial_rotary_factor": 0.5}"""),
        ("phi", "{}"),
        ("olmo", """{"clip_qkv": 1.5}"""),
        ("olmo2", "{}"),
        ("olmoe", """{"num_experts": 4, "num_experts_per_tok": 2, "num_key_value_heads": null}"""),
        ("cohere", """{"tie_word_embeddings": true}"""),
        ("cohere2", """{"tie_word_embeddings": true, "num_hidden_layers": 4, "sliding_window": 8}"""),
        ("granite", """
            {"attention_multiplier": 0.3, "embedding_multiplier": 6.0, "residual_multiplier": 0.4, "logits_scaling": 8.0}
            """),
        ("glm", """{"attention_bias": true, "head_dim": 16}"""),
        ("glm4", """{"attention_bias": true, "head_dim": 16}"""),
        ("smollm3", """{"num_hidden_layers": 4, "tie_word_embeddings": true}"""),
        ("bloom", """{"tie_word_embeddings": true, "num_key_value_heads": null}"""),
        ("falcon", """{"tie_word_embeddings": true, "num_key_value_heads": null}"""),
        ("falcon of 40B", """
            {"tie_word_embeddings": true, "num_key_value_heads": null, "new_decoder_architecture": true, "num_kv_heads": 2}
            """),
        ("mpt", """{"tie_word_embeddings": true, "num_key_value_heads": null, "attn_config": {"alibi": true, "clip_qkv": 2.0}}"""),
        ("nemotron", "{}"),
    ];

    public static IEnumerable<string> Names => s_all.Select(family => family.Name);

    /// <summary>Writes a model.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="name">The family, and what of it.</param>
    /// <param name="change">Further members of config.json.</param>
    public static string Write(string folder, string name, string change = "{}")
    {
        var config = (JsonObject)JsonNode.Parse(Common)!;
        config["model_type"] = name.Split(' ')[0];
        var own = (JsonObject)JsonNode.Parse(s_all.Single(family => family.Name == name).Members)!;
        foreach ((string member, JsonNode? value) in own.Concat((JsonObject)JsonNode.Parse(change)!))
        {
            if (value is null && member == "num_key_value_heads")
                config.Remove(member);
            else
                config[member] = value?.DeepClone();
        }
        string text = config.ToJsonString();
        ModelConfig read = ArchitectureCatalogue.Read(Encoding.UTF8.GetBytes(text), "config.json");
        DecoderAssembly assembly = ArchitectureCatalogue.Assemble(read);
        var asked = new AskedWeights();
        assembly.Ends(asked);
        for (int layer = 0; layer < read.LayerCount; layer++)
            assembly.Block(asked, layer);
        assembly.FinalNorm(asked);
        var random = new Random(7);
        TinyModel.Write(folder, text, asked.Shapes.Select(pair => Stored(pair.Key, pair.Value, random))
            .ToDictionary(pair => pair.Name, pair => pair.Tensor));
        WriteTokenizer(folder);
        return folder;
    }

    // As Transformers stores it: GPT-2's layers are inputs x outputs.
    private static (string Name, TinyTensor Tensor) Stored(string name, int[] shape, Random random)
    {
        bool norm = shape.Length == 1 && name.EndsWith(".weight", StringComparison.Ordinal)
            || name.Contains("norm", StringComparison.Ordinal);
        double center = norm && !name.EndsWith("bias", StringComparison.Ordinal) ? 1 : 0;
        double spread = shape.Length == 1 ? 0.4 : 1.8 / Math.Sqrt(shape[^1]);
        float[] values = [.. Enumerable.Range(0, shape.Aggregate((x, y) => x * y))
            .Select(_ => (float)(center + spread * (2 * random.NextDouble() - 1)))];
        const string Linear = ".linear.";
        return !name.Contains(Linear, StringComparison.Ordinal) ? (name, new TinyTensor(shape, values))
            : (name.Replace(Linear, ".", StringComparison.Ordinal),
                shape.Length == 1 ? new TinyTensor(shape, values) : new TinyTensor([shape[1], shape[0]], values));
    }

    // The first tokens, those that are made of them, and the two special ones.
    private static void WriteTokenizer(string folder)
    {
        var tokenizer = (JsonObject)JsonNode.Parse(File.ReadAllBytes(Path.Combine(SharedData.Quill, "tokenizer.json")))!;
        var model = (JsonObject)tokenizer["model"]!;
        var added = (JsonArray)tokenizer["added_tokens"]!;
        int plain = Vocabulary - added.Count;
        string[] tokens = [.. ((JsonObject)model["vocab"]!).Where(pair => (int)pair.Value! < plain).Select(pair => pair.Key)];
        model["vocab"] = new JsonObject(tokens.Select((token, id) => KeyValuePair.Create(token, (JsonNode?)id)));
        model["merges"] = new JsonArray([.. ((JsonArray)model["merges"]!).Select(merge => merge is JsonArray pair
            ? string.Join(' ', pair.Select(part => (string)part!)) : (string)merge!)
            .Where(merge => tokens.Contains(merge.Replace(" ", "", StringComparison.Ordinal))
                && merge.Split(' ').All(part => tokens.Contains(part)))
            .Select(merge => JsonValue.Create(merge))]);
        for (int i = 0; i < added.Count; i++)
            added[i]!["id"] = plain + i;
        File.WriteAllText(Path.Combine(folder, "tokenizer.json"), tokenizer.ToJsonString());
        File.Copy(Path.Combine(SharedData.Quill, "tokenizer_config.json"), Path.Combine(folder, "tokenizer_config.json"));
    }
}
