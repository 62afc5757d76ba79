using System.Text.Json.Nodes;
using Vernier.Errors;
using Vernier.Files.Gguf;
using Vernier.Inference.Configuration;
using Vernier.Inference.Gguf;
using Vernier.Inference.Parts.Attention;

namespace Vernier.Inference.Decoders;

/// <summary>What llama.cpp has for a family of transformers.</summary>
/// <param name="name">The value of <c>general.architecture</c>.</param>
/// <param name="modelType">The <c>model_type</c> of a config.json that is made of a file.</param>
/// <param name="className">The class of <c>architectures</c> there.</param>
public abstract class TransformerGguf(string name, string modelType, string className) : GgufArchitecture
{
    /// <inheritdoc/>
    public override string Name => name;

    /// <inheritdoc/>
    public override GgufNames NamesOf(ModelConfig config) =>
        TransformerGgufNames.Of((TransformerConfig)config, FurtherParts((TransformerConfig)config));

    /// <summary>Names in a block that differ from those of other families, or that they lack: in a checkpoint, in a GGUF file. By default
    /// none.</summary>
    protected virtual IReadOnlyList<(string Hf, string Gguf)> FurtherParts(TransformerConfig config) => [];

    /// <summary>What llama.cpp computes of the family; null, the default, where an export does not ask.</summary>
    private protected virtual GgufLimits? Limits => null;

    /// <summary>Whether there is a rotary embedding. Default true.</summary>
    protected virtual bool Rotates => true;

    /// <summary>Whether config.json says what part of a head is rotated even where it is the whole. Default false.</summary>
    protected virtual bool StatesRotaryPart => false;

    /// <summary>Whether norms subtract the mean. Default false.</summary>
    protected virtual bool HasLayerNorm => false;

    /// <summary>Whether there may be experts. Default false.</summary>
    protected virtual bool HasExperts => false;

    /// <summary>The nonlinearity as config.json names it. Default <c>silu</c>.</summary>
    protected virtual string HiddenActivation => "silu";

    /// <summary>What members of config.json are called in the family: the name that others have, its own.</summary>
    protected virtual IReadOnlyList<(string Common, string Own)> Members => [];

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
        if (SlidingWindowOf(transformer) is int window)
            Add("attention.sliding_window", (uint)window);
        if (Rotates)
        {
            Add("rope.dimension_count", (uint)rope.RotarySize);
            Add("rope.freq_base", (float)rope.Theta);
        }
        AddKeys(transformer, Add);
        switch (rope.Scaling)
        {
            case RopeScaling.Linear:
                Add("rope.scaling.type", "linear");
                Add("rope.scaling.factor", (float)rope.Factor);
                break;
            case RopeScaling.Yarn:
                foreach ((string key, object value) in RopeFactors.YarnKeys(rope))
                    Add(key, value);
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
    public override GgufRows? RowsOf(string hfName, ModelConfig config)
    {
        ArgumentNullException.ThrowIfNull(hfName);
        var transformer = (TransformerConfig)config;
        IReadOnlyList<string> inputs = transformer.Names.AttentionInputs;
        int keys = transformer.KeyValueHeadCount, size = transformer.HeadSize;
        if (inputs.Count == 1)
            return transformer.QueryKeyValueOrder == QueryKeyValueOrder.Heads && Is(inputs[0])
                ? GgufRows.Grouped(keys, transformer.HeadCount / keys, size) : null;
        return !AlternatesRows ? null : Is(inputs[0]) ? GgufRows.Rotary(transformer.HeadCount, size)
            : Is(inputs[1]) ? GgufRows.Rotary(keys, size) : null;

        bool Is(string part) => hfName.Contains($".{part}.", StringComparison.Ordinal);
    }

    /// <inheritdoc/>
    public override GgufNumbers NumbersOf(string hfName, ModelConfig config)
    {
        ArgumentNullException.ThrowIfNull(hfName);
        return ((TransformerConfig)config).Norms.Offset == 1 && hfName.EndsWith("norm.weight", StringComparison.Ordinal)
            ? GgufNumbers.PlusOne : GgufNumbers.Same;
    }

    /// <inheritdoc/>
    public override string? Problem(ModelConfig config) => Limits?.Problem((TransformerConfig)config);

    /// <inheritdoc/>
    public override GgufMixModel MixOf(ModelConfig config)
    {
        var transformer = (TransformerConfig)config;
        return new GgufMixModel(config.LayerCount, transformer.HeadCount / transformer.KeyValueHeadCount, config.LayerCount == LayersOf70B)
        {
            Experts = TransformerGgufNames.ExpertsOf(transformer)?.Routing.Experts ?? 0,
            Architecture = Name,
        };
    }

    /// <inheritdoc/>
    public override JsonObject ToConfig(GgufMetadata metadata, GgufFile file)
    {
        ArgumentNullException.ThrowIfNull(metadata);
        ArgumentNullException.ThrowIfNull(file);
        if (!HasExperts && metadata.Integer($"{Name}.expert_count") is > 0)
            throw new UnsupportedModelException(file.Path, GgufModelRules.Architecture,
                $"the model is a {Name} with experts, which can't be run", "Give a dense model");
        long heads = metadata.NeedInteger($"{Name}.attention.head_count"), hidden = metadata.NeedInteger($"{Name}.embedding_length");
        long headSize = metadata.Integer($"{Name}.attention.key_length")
            ?? (heads > 0 ? hidden / heads : 0), rotary = metadata.Integer($"{Name}.rope.dimension_count") ?? headSize;
        long context = metadata.NeedInteger($"{Name}.context_length");
        string epsilon = $"{Name}.attention.{(HasLayerNorm ? "layer_norm_epsilon" : "layer_norm_rms_epsilon")}";
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
            ["hidden_act"] = HiddenActivation,
            ["rms_norm_eps"] = metadata.Decimal(epsilon) ?? throw metadata.Missing(epsilon),
            ["max_position_embeddings"] = context,
            ["tie_word_embeddings"] = !file.TryGet("output.weight", out _),
            ["torch_dtype"] = file.TryGet("token_embd.weight", out GgufTensor? embedding) && embedding.Type == GgufTensorType.BF16
                ? "bfloat16" : embedding?.Type == GgufTensorType.F32 ? "float32" : "float16",
        };
        if (Rotates)
            AddRotation(config, metadata, file, rotary, headSize, context);
        AddFeatures(config, metadata, file);
        metadata.AddTokens(config);
        foreach ((string common, string own) in Members)
        {
            JsonNode? value = config[common];
            config.Remove(common);
            config[own] = value;
        }
        return config;
    }

    private void AddRotation(JsonObject config, GgufMetadata metadata, GgufFile file, long rotary, long headSize, long context)
    {
        double theta = metadata.Decimal($"{Name}.rope.freq_base") ?? 10000;
        config["rope_theta"] = theta;
        if (rotary != headSize || StatesRotaryPart)
            config["partial_rotary_factor"] = headSize > 0 ? (double)rotary / headSize : 0;
        if (RopeFactors.ToScaling(metadata, file, (int)Math.Clamp(rotary, 0, 4096), context, theta) is JsonObject scaling)
            config["rope_scaling"] = scaling;
        AddContext(config, metadata);
    }

    /// <summary>Adds to config.json the experts of a file whose scores are a softmax over all of them.</summary>
    /// <param name="config">The object of config.json.</param>
    /// <param name="metadata">The metadata of the file.</param>
    /// <param name="count">The member with their number.</param>
    /// <param name="size">The member with their width; null where that is the width of feed-forwards.</param>
    private protected void AddExperts(JsonObject config, GgufMetadata metadata, string count, string? size)
    {
        long used = metadata.NeedInteger($"{Name}.expert_used_count");
        config[count] = metadata.NeedInteger($"{Name}.expert_count");
        config["num_experts_per_tok"] = used;
        if (size is not null)
            config[size] = metadata.Integer($"{Name}.expert_feed_forward_length") is long width and > 0 ? width
                : (long)config["intermediate_size"]! / Math.Max(1, used);
        if (metadata.Number($"{Name}.expert_weights_scale") is not (null or 0 or 1)
            || metadata.Integer($"{Name}.expert_gating_func") is not (null or 0 or 1))
            throw new UnsupportedModelException(metadata.Path, GgufModelRules.Metadata,
                "the weights of experts are scaled, or no softmax, which is not computed here", "Give a model with experts as in Qwen 3");
    }

    /// <summary>Adds the keys of experts.</summary>
    /// <param name="config">The configuration.</param>
    /// <param name="add">Adds one.</param>
    /// <param name="size">Whether their width is told.</param>
    private protected static void AddExpertKeys(TransformerConfig config, Action<string, object> add, bool size)
    {
        if (TransformerGgufNames.ExpertsOf(config) is not { } experts)
            return;
        add("expert_count", (uint)experts.Routing.Experts);
        add("expert_used_count", (uint)experts.Routing.PerToken);
        if (size)
            add("expert_feed_forward_length", (uint)experts.Size);
        if (experts.SharedSize > 0)
            add("expert_shared_feed_forward_length", (uint)experts.SharedSize);
    }

    /// <summary>Adds keys that the family has beside what all have; they begin behind its name.</summary>
    private protected virtual void AddKeys(TransformerConfig config, Action<string, object> add)
    {
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
        if (rope.Scaling is RopeScaling.Dynamic || rope is { Scaling: RopeScaling.Yarn, WholeBorders: false }
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
        KeyValuePair.Create($"{Name}.attention.{(HasLayerNorm ? "layer_norm_epsilon" : "layer_norm_rms_epsilon")}",
            GgufValue.Of(config.NormEpsilon)),
        KeyValuePair.Create($"{Name}.vocab_size", GgufValue.Of((uint)config.VocabularySize)),
    ];

    private bool IsFixed(RopeConfig rope) => !KeepsLongRope && rope.Scaling == RopeScaling.LongRope && rope.AttentionFactor == 1
        && rope.ShortFactors.SequenceEqual(rope.LongFactors);
}
