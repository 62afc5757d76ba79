using System.Text;

namespace Vernier.Tests.References;

/// <summary>
/// The network of a GGUF file: what llama.cpp computes of its metadata and tensors. Where a config.json is kept beside them
/// (<c>vernier.config</c>), it counts for what the metadata have no place for, and for nothing else.
/// </summary>
internal static class ReferenceGguf
{
    private const string Long = "rope_factors_long.weight", Short = "rope_factors_short.weight", Fixed = "rope_freqs.weight";

    private static readonly (string Gguf, string Hf)[] s_names =
    [
        ("attn_norm", "input_layernorm"), ("ffn_norm", "post_attention_layernorm"), ("attn_output", "self_attn.o_proj"),
        ("ffn_down", "mlp.down_proj"), ("attn_q", "self_attn.q_proj"), ("attn_k", "self_attn.k_proj"), ("attn_v", "self_attn.v_proj"),
        ("attn_qkv", "self_attn.qkv_proj"), ("ffn_gate", "mlp.gate_proj"), ("ffn_up", "mlp.up_proj"), ("attn_q_norm", "self_attn.q_norm"),
        ("attn_k_norm", "self_attn.k_norm"),
    ];

    /// <summary>The network and its tensors under Hugging Face names.</summary>
    public static (TinySpec Spec, Dictionary<string, ReferenceTensor> Tensors) Read(StoredGguf file)
    {
        string architecture = file["general.architecture"]?.String ?? throw new ReferenceRefusal("no architecture");
        var metadata = new Metadata(file, architecture);
        int window = metadata.Integer("attention.sliding_window") is 0 ? 0 : metadata.Size("attention.sliding_window", 0);
        string type = architecture == "llama" && window > 0 ? "mistral" : architecture;
        if (!ReferenceFamily.All.TryGetValue(type, out ReferenceFamily? family))
            throw new ReferenceRefusal($"the architecture {type}");
        // A config.json of another family says nothing of this network.
        ReferenceObject? kept = Kept(file);
        if (kept?.Text("model_type") is string other && (other == "mistral" ? "llama" : other) != architecture)
            kept = null;
        if (metadata.Integer("expert_count") is > 0)
            throw new ReferenceRefusal("experts");
        TinySpec spec = Spec(metadata, file, type, family, kept, window);
        spec = Rope(ReferenceActivation.Apply(spec, kept?.Text("hidden_act")), metadata, file);
        bool alternates = architecture == "llama";
        var tensors = new Dictionary<string, ReferenceTensor>(StringComparer.Ordinal);
        foreach (ReferenceTensor tensor in file.Tensors.Where(tensor => tensor.Name is not (Long or Short or Fixed)))
        {
            string name = NameOf(tensor.Name, family) ?? throw new ReferenceRefusal($"no place for {tensor.Name}");
            int heads = !alternates ? 0 : name.Contains(".q_proj.", StringComparison.Ordinal) ? spec.Heads
                : name.Contains(".k_proj.", StringComparison.Ordinal) ? spec.KeyValueHeads : 0;
            tensors.Add(name, heads == 0 ? tensor with { Name = name } : Halves(tensor with { Name = name }, heads, spec.HeadSize));
        }
        return (spec, tensors);
    }

    private static TinySpec Spec(Metadata metadata, StoredGguf file, string type, ReferenceFamily family, ReferenceObject? kept,
        int window)
    {
        int heads = metadata.Size("attention.head_count"), hidden = metadata.Size("embedding_length");
        int? keys = metadata.Size("attention.key_length", 0), values = metadata.Size("attention.value_length", 0);
        int size = keys > 0 ? keys.Value : hidden % heads == 0 ? hidden / heads : throw new ReferenceRefusal("the size of heads");
        if (values > 0 && values != size)
            throw new ReferenceRefusal("values of another size");
        int layers = metadata.Size("block_count"), shared = metadata.Size("attention.head_count_kv", heads);
        if (heads % shared != 0 || layers > 64)
            throw new ReferenceRefusal("heads or layers");
        long? tokens = file["tokenizer.ggml.tokens"]?.Length;
        int rows = tokens is long known ? (int)known : metadata.Size("vocab_size");
        return new TinySpec
        {
            Type = type, Vocabulary = rows, Hidden = hidden, Intermediate = metadata.Size("feed_forward_length"), Layers = layers,
            Heads = heads, KeyValueHeads = shared, HeadSize = size,
            Epsilon = metadata.Number("attention.layer_norm_rms_epsilon") ?? throw new ReferenceRefusal("no epsilon"),
            Tied = !file.Tensors.Exists(tensor => tensor.Name == "output.weight"),
            Fused = family.Fused, HeadNorm = family.HeadNorm,
            QueryKeyValueBias = Has(file, "attn_q.bias"), OutputBias = Has(file, "attn_output.bias"),
            FeedForwardBias = Has(file, "ffn_up.bias"), Window = Windows(metadata, type, family, kept, layers, window),
        };
    }

    // The metadata of a Phi-3 and of a Mistral have their window; those of others have none that is read, and one as long as the context
    // is none.
    private static Func<int, int?> Windows(Metadata metadata, string type, ReferenceFamily family, ReferenceObject? kept, int layers,
        int window) => type is "phi3" or "mistral" ? _ => window > 0 ? window : null
        : window > 0 && window < metadata.Size("context_length") ? throw new ReferenceRefusal("a window")
        : kept is null || type == "llama" ? _ => null : family.Window(kept, layers);

    private static TinySpec Rope(TinySpec spec, Metadata metadata, StoredGguf file)
    {
        int rotary = metadata.Size("rope.dimension_count", spec.HeadSize), context = metadata.Size("context_length");
        double theta = metadata.Number("rope.freq_base") ?? 10000, scale = 1;
        if (rotary > spec.HeadSize || rotary % 2 != 0 || spec.Type != "phi3" && rotary != spec.HeadSize)
            throw new ReferenceRefusal("rotated coordinates");
        // A factor without a type is a linear scaling.
        string scaling = metadata.Text("rope.scaling.type") ?? "linear";
        float[]? longer = Factors(file, Long, rotary), shorter = Factors(file, Short, rotary), always = Factors(file, Fixed, rotary);
        double original = longer is null ? context : metadata.Size("rope.scaling.original_context_length", context);
        if (scaling != "none")
            scale = metadata.Factor("rope.scaling.factor") ?? metadata.Factor("rope.scale_linear") ?? 1;
        if (scaling == "yarn" && (longer ?? shorter ?? always) is null
            && (metadata.Factor("rope.scaling.factor") ?? metadata.Factor("rope.scale_linear")) is double stretch)
        {
            double more = metadata.Number("rope.scaling.attn_factor") is double given and not 0 ? given : 1;
            return ReferenceRope.Yarn(spec with { Rotary = rotary }, stretch,
                metadata.Size("rope.scaling.original_context_length", context),
                theta, more * (stretch <= 1 ? 1 : 0.1 * Math.Log(stretch) + 1));
        }
        if (scaling is not ("none" or "linear" or "longrope") || scaling == "longrope" && (longer ?? always) is null)
            throw new ReferenceRefusal($"the scaling {scaling}");
        if ((longer is null) != (shorter is null) || longer is not null && (always is not null || scale != 1) || always is not null
            && scale != 1)
            throw new ReferenceRefusal("factors of two kinds");
        double amplitude = metadata.Number("rope.scaling.attn_factor") ?? 1;
        if (amplitude != 1 && longer is null)
            throw new ReferenceRefusal("an amplitude of its own");
        return spec with
        {
            Rotary = rotary, Amplitude = amplitude,
            Frequency = (i, length) => TinySpec.PlainFrequency(i, theta, rotary) / scale
                / (always ?? (length > original ? longer : shorter) ?? [.. Enumerable.Repeat(1f, rotary)])[i],
        };
    }

    private static float[]? Factors(StoredGguf file, string name, int rotary)
    {
        if (file.Tensors.Find(tensor => tensor.Name == name) is not { } tensor)
            return null;
        float[] factors = tensor.Read().Values;
        return factors.Length == rotary / 2 && factors.All(factor => factor > 0) ? factors : throw new ReferenceRefusal(name);
    }

    private static bool Has(StoredGguf file, string part) => file.Tensors.Exists(tensor => tensor.Name == "blk.0." + part);

    private static ReferenceObject? Kept(StoredGguf file) => file["vernier.config"] is not { } value ? null
        : ReferenceObject.Parse(Encoding.UTF8.GetBytes(value.String ?? throw new ReferenceRefusal("vernier.config is no text")));

    private static string? NameOf(string name, ReferenceFamily family)
    {
        switch (name)
        {
            case "token_embd.weight":
                return "model.embed_tokens.weight";
            case "output_norm.weight":
                return "model.norm.weight";
            case "output.weight":
                return "lm_head.weight";
        }
        string[] words = name.Split('.');
        if (words is not ["blk", _, _, "weight" or "bias"] || !int.TryParse(words[1], out int layer) || $"{layer}" != words[1])
            return null;
        string? part = family.Fused && words[2] == "ffn_up" ? "mlp.gate_up_proj" : s_names.FirstOrDefault(pair => pair.Gguf == words[2]).Hf;
        return part is null ? null : $"model.layers.{layer}.{part}.{words[3]}";
    }

    // llama.cpp turns neighbours together, the library the two halves of a head: row 2i is row i there, row 2i + 1 row i + half.
    private static ReferenceTensor Halves(ReferenceTensor tensor, int heads, int size)
    {
        int bytes = tensor.Data.Length / (heads * size);
        if (tensor.Shape.Length == 0 || tensor.Shape[0] != heads * size)
            throw new ReferenceRefusal($"the rows of {tensor.Name}");
        byte[] data = new byte[tensor.Data.Length];
        for (int row = 0; row < heads * size; row++)
        {
            int head = row / size, i = row % size, from = head * size + i % (size / 2) * 2 + i / (size / 2);
            tensor.Data.AsSpan(from * bytes, bytes).CopyTo(data.AsSpan(row * bytes));
        }
        return tensor with { Data = data };
    }

    private sealed class Metadata(StoredGguf file, string architecture)
    {
        public bool Has(string key) => file[$"{architecture}.{key}"] is not null;

        public long? Integer(string key) => file[$"{architecture}.{key}"] is not { } value ? null
            : value.Integer ?? throw new ReferenceRefusal($"{key} is no whole number");

        public int Size(string key, int? absent = null) =>
            (int)(Integer(key) ?? absent ?? throw new ReferenceRefusal($"no {key}")) is var size
            && Integer(key) is null or > 0 and < int.MaxValue ? size : throw new ReferenceRefusal($"{key} is {Integer(key)}");

        public double? Number(string key) => file[$"{architecture}.{key}"] is not { } value ? null
            : value.Number is > 0 and < 1e18 and double number ? number : throw new ReferenceRefusal($"{key} is no number");

        /// <summary>A factor, where 0 is none.</summary>
        public double? Factor(string key) => file[$"{architecture}.{key}"]?.Number is 0 ? 1 : Number(key);

        public string? Text(string key) => file[$"{architecture}.{key}"] is not { } value ? null
            : value.String ?? throw new ReferenceRefusal($"{key} is no text");
    }
}
