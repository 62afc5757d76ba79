using System.Text.Json.Nodes;
using Vernier.Errors;
using Vernier.Files.Gguf;
using Vernier.Inference.Configuration;
using Vernier.Inference.Gguf;

namespace Vernier.Inference.Decoders;

/// <summary>What llama.cpp has for a family of transformers.</summary>
/// <param name="name">The value of <c>general.architecture</c>.</param>
/// <param name="modelType">The <c>model_type</c> of a config.json that is made of a file.</param>
/// <param name="className">The class of <c>architectures</c> there.</param>
/// <param name="names">The names of the tensors in a checkpoint.</param>
public abstract class TransformerGguf(string name, string modelType, string className, TransformerNames names) : GgufArchitecture
{
    /// <inheritdoc/>
    public override string Name => name;

    /// <inheritdoc/>
    public override GgufNames Names { get; } = NamesOf(names);

    /// <summary>Whether the rows of query and key alternate within each head; see <see cref="RotaryRows"/>.</summary>
    protected virtual bool AlternatesRows => false;

    /// <summary>Whether factors of the frequencies for long contexts are kept even where they are those for short ones.</summary>
    protected virtual bool KeepsLongRope => false;

    /// <summary>The blocks by which llama.cpp knows a model of 70 billion parameters; null where it knows none.</summary>
    protected virtual int? LayersOf70B => null;

    /// <inheritdoc/>
    public override IEnumerable<KeyValuePair<string, GgufValue>> ToMetadata(ModelConfig config, string name)
    {
        var transformer = (TransformerConfig)config;
        CheckScaling(transformer);
        RopeConfig rope = transformer.Rope;
        List<KeyValuePair<string, GgufValue>> pairs = Sizes(transformer, name);
        void Add(string key, object value) => pairs.Add(KeyValuePair.Create($"{Name}.{key}", GgufValue.Of(value)));
        Add("rope.dimension_count", (uint)rope.RotarySize);
        Add("rope.freq_base", (float)rope.Theta);
        if (SlidingWindowOf(transformer) is int window)
            Add("attention.sliding_window", (uint)window);
        switch (rope.Scaling)
        {
            case RopeScaling.Linear:
                Add("rope.scaling.type", "linear");
                Add("rope.scaling.factor", (float)rope.Factor);
                break;
            case RopeScaling.LongRope when !IsFixed(rope):
                Add("rope.scaling.type", "longrope");
                Add("rope.scaling.original_context_length", (uint)rope.OriginalMaxPositions);
                Add("rope.scaling.attn_factor", (float)rope.AttentionFactor);
                break;
        }
        return pairs;
    }

    /// <inheritdoc/>
    public override IEnumerable<(string Name, float[] Factors)> RopeTensors(ModelConfig config)
    {
        RopeConfig rope = ((TransformerConfig)config).Rope;
        return RopeFactors.Tensors(rope, IsFixed(rope));
    }

    /// <inheritdoc/>
    public override (int Heads, int HeadSize) RotaryHeads(string hfName, ModelConfig config)
    {
        ArgumentNullException.ThrowIfNull(hfName);
        var transformer = (TransformerConfig)config;
        if (!AlternatesRows)
            return default;
        return hfName.Contains($".{names.AttentionInputs[0]}.", StringComparison.Ordinal) ? (transformer.HeadCount, transformer.HeadSize)
            : hfName.Contains($".{names.AttentionInputs[1]}.", StringComparison.Ordinal)
                ? (transformer.KeyValueHeadCount, transformer.HeadSize) : default;
    }

    /// <inheritdoc/>
    public override GgufMixModel MixOf(ModelConfig config)
    {
        var transformer = (TransformerConfig)config;
        return new GgufMixModel(config.LayerCount, transformer.HeadCount / transformer.KeyValueHeadCount, config.LayerCount == LayersOf70B);
    }

    /// <inheritdoc/>
    public override JsonObject ToConfig(GgufMetadata metadata, GgufFile file)
    {
        ArgumentNullException.ThrowIfNull(metadata);
        ArgumentNullException.ThrowIfNull(file);
        if (metadata.Integer($"{Name}.expert_count") is > 0)
            throw new UnsupportedModelException(file.Path, GgufModelRules.Architecture,
                "the model is a mixture of experts, which can't be run", "Give a dense model");
        long heads = metadata.NeedInteger($"{Name}.attention.head_count"), hidden = metadata.NeedInteger($"{Name}.embedding_length");
        long headSize = metadata.Integer($"{Name}.attention.key_length")
            ?? (heads > 0 ? hidden / heads : 0), rotary = metadata.Integer($"{Name}.rope.dimension_count") ?? headSize;
        long context = metadata.NeedInteger($"{Name}.context_length");
        var config = new JsonObject
        {
            ["architectures"] = new JsonArray(className),
            ["model_type"] = modelType,
            ["vocab_size"] = metadata.Array<string>(GgufTokenizer.Tokens)?.Length ?? metadata.NeedInteger($"{Name}.vocab_size"),
            ["hidden_size"] = hidden,
            ["intermediate_size"] = metadata.NeedInteger($"{Name}.feed_forward_length"),
            ["num_hidden_layers"] = metadata.NeedInteger($"{Name}.block_count"),
            ["num_attention_heads"] = heads,
            ["num_key_value_heads"] = metadata.Integer($"{Name}.attention.head_count_kv") ?? heads,
            ["head_dim"] = headSize,
            ["hidden_act"] = "silu",
            ["rms_norm_eps"] = metadata.Decimal($"{Name}.attention.layer_norm_rms_epsilon")
                ?? throw metadata.Missing($"{Name}.attention.layer_norm_rms_epsilon"),
            ["max_position_embeddings"] = context,
            ["rope_theta"] = metadata.Decimal($"{Name}.rope.freq_base") ?? 10000,
            ["tie_word_embeddings"] = !file.TryGet("output.weight", out _),
            ["torch_dtype"] = file.TryGet("token_embd.weight", out GgufTensor? embedding) && embedding.Type == GgufTensorType.BF16
                ? "bfloat16" : embedding?.Type == GgufTensorType.F32 ? "float32" : "float16",
        };
        AddFeatures(config, metadata, file);
        if (rotary != headSize)
            config["partial_rotary_factor"] = headSize > 0 ? (double)rotary / headSize : 0;
        metadata.AddTokens(config);
        if (RopeFactors.ToScaling(metadata, file, (int)Math.Clamp(rotary, 0, 4096), context, (double)config["rope_theta"]!)
            is JsonObject scaling)
            config["rope_scaling"] = scaling;
        AddContext(config, metadata);
        return config;
    }

    /// <summary>Adds to config.json what the family has beside what all have.</summary>
    protected virtual void AddFeatures(JsonObject config, GgufMetadata metadata, GgufFile file)
    {
    }

    /// <summary>Adds to config.json what the family says of long contexts.</summary>
    protected virtual void AddContext(JsonObject config, GgufMetadata metadata)
    {
    }

    /// <summary>The sliding window of all layers, where the metadata have a place for it; null by default.</summary>
    protected virtual int? SlidingWindowOf(TransformerConfig config) => null;

    /// <summary>The sliding window of a file; null where there is none.</summary>
    /// <exception cref="InvalidFileException">It is no whole number from 0.</exception>
    protected long? WindowOf(GgufMetadata metadata)
    {
        ArgumentNullException.ThrowIfNull(metadata);
        string key = $"{Name}.attention.sliding_window";
        return metadata.Integer(key) switch
        {
            null or 0 => null,
            < 0 => throw metadata.Wrong(key, "a whole number from 0"),
            long window => window,
        };
    }

    // What a file has no place for would be passed over by those who read it.
    private static void CheckScaling(TransformerConfig config)
    {
        RopeConfig rope = config.Rope;
        if (rope.Scaling is RopeScaling.Yarn or RopeScaling.Dynamic
            || rope.LongAttentionFactor is double factor && factor != rope.AttentionFactor)
        {
            throw new UnsupportedModelException(config.Path, ModelRules.ConfigRopeScaling,
                $"the rope scaling is {rope.Scaling}, and a GGUF file has no place for it here", "Export the model to a folder");
        }
    }

    private List<KeyValuePair<string, GgufValue>> Sizes(TransformerConfig config, string model) =>
    [
        KeyValuePair.Create(GgufMetadata.ArchitectureKey, GgufValue.Of(Name)),
        KeyValuePair.Create("general.type", GgufValue.Of("model")),
        KeyValuePair.Create("general.name", GgufValue.Of(model)),
        KeyValuePair.Create($"{Name}.block_count", GgufValue.Of((uint)config.LayerCount)),
        KeyValuePair.Create($"{Name}.context_length", GgufValue.Of((uint)config.MaxPositions)),
        KeyValuePair.Create($"{Name}.embedding_length", GgufValue.Of((uint)config.HiddenSize)),
        KeyValuePair.Create($"{Name}.feed_forward_length", GgufValue.Of((uint)config.IntermediateSize)),
        KeyValuePair.Create($"{Name}.attention.head_count", GgufValue.Of((uint)config.HeadCount)),
        KeyValuePair.Create($"{Name}.attention.head_count_kv", GgufValue.Of((uint)config.KeyValueHeadCount)),
        KeyValuePair.Create($"{Name}.attention.key_length", GgufValue.Of((uint)config.HeadSize)),
        KeyValuePair.Create($"{Name}.attention.value_length", GgufValue.Of((uint)config.HeadSize)),
        KeyValuePair.Create($"{Name}.attention.layer_norm_rms_epsilon", GgufValue.Of(config.NormEpsilon)),
        KeyValuePair.Create($"{Name}.vocab_size", GgufValue.Of((uint)config.VocabularySize)),
    ];

    private bool IsFixed(RopeConfig rope) => !KeepsLongRope && rope.Scaling == RopeScaling.LongRope && rope.AttentionFactor == 1
        && rope.ShortFactors.SequenceEqual(rope.LongFactors);

    private static GgufNames NamesOf(TransformerNames names)
    {
        List<(string, string)> parts = [(names.AttentionNorm, "attn_norm"), (names.FeedForwardNorm!, "ffn_norm"),
            (names.AttentionOutput, "attn_output"), (names.FeedForwardOutput, "ffn_down")];
        parts.AddRange(names.AttentionInputs.Zip(
            names.AttentionInputs.Count == 1 ? (string[])["attn_qkv"] : ["attn_q", "attn_k", "attn_v"]));
        parts.AddRange(names.FeedForwardInputs.Zip(names.FeedForwardInputs.Count == 1 ? (string[])["ffn_up"] : ["ffn_gate", "ffn_up"]));
        if (names.QueryNorm is string query)
            parts.Add((query, "attn_q_norm"));
        if (names.KeyNorm is string key)
            parts.Add((key, "attn_k_norm"));
        return new GgufNames(names.Layer, [(names.Embedding, "token_embd"), (names.FinalNorm, "output_norm"), (names.Head, "output")],
            parts);
    }
}
