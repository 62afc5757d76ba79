using System.Text.Json;

namespace Vernier.Tests.References;

/// <summary>The network that a config.json stands for, read as the Hugging Face library reads it and apart from the production
/// code.</summary>
internal static class ReferenceConfig
{
    /// <summary>The network.</summary>
    /// <exception cref="ReferenceRefusal">It stands for none, or for more than one.</exception>
    public static TinySpec Read(ReferenceObject root)
    {
        string type = root.Text("model_type") ?? "";
        if (!ReferenceFamily.All.TryGetValue(type, out ReferenceFamily? family))
            throw new ReferenceRefusal($"the family {type}");
        if (root.Has("quantization_config"))
            CheckQuantization(root.Object("quantization_config")!);
        int hidden = root.Size("hidden_size"), heads = root.Size("num_attention_heads"), layers = root.Size("num_hidden_layers");
        if (layers > 64)
            throw new ReferenceRefusal("more layers than a small model has");
        var spec = new TinySpec
        {
            Type = type,
            Vocabulary = root.Size("vocab_size"),
            Hidden = hidden,
            Intermediate = root.Size("intermediate_size"),
            Layers = layers,
            Heads = heads,
            KeyValueHeads = root.Size("num_key_value_heads", root.IsNull("num_key_value_heads") ? heads : family.KeyValueHeads ?? heads),
            HeadSize = HeadSize(root, family, hidden, heads),
            Epsilon = root.Number("rms_norm_eps", family.Epsilon),
            Tied = root.Flag("tie_word_embeddings"),
            Fused = family.Fused,
            HeadNorm = family.HeadNorm,
            QueryKeyValueBias = family.AttentionBias(root),
            OutputBias = family.OutputBias(root),
            FeedForwardBias = family.FeedForwardBias(root),
            Window = family.Window(root, layers),
        };
        return heads % spec.KeyValueHeads == 0 ? ReferenceRope.Apply(ReferenceActivation.Apply(spec, root.Text("hidden_act")), family, root)
            : throw new ReferenceRefusal("heads that can't be shared");
    }

    private static int HeadSize(ReferenceObject root, ReferenceFamily family, int hidden, int heads)
    {
        if (root.Has("head_dim"))
            return root.Size("head_dim");
        if (!root.Mentions("head_dim") && family.HeadSize is int own)
            return own;
        return hidden % heads == 0 ? hidden / heads : throw new ReferenceRefusal("part of a coordinate in a head");
    }

    // Weights of 8 bits whose scales stand beside them say all themselves.
    private static void CheckQuantization(ReferenceObject quantization)
    {
        if (quantization.Text("quant_method") != "fp8")
            throw new ReferenceRefusal("quantized by another tool");
        if (quantization.Has("weight_block_size") && (quantization.Members["weight_block_size"].ValueKind != JsonValueKind.Array
            || quantization.Members["weight_block_size"].EnumerateArray().Any(side => side.ValueKind != JsonValueKind.Number
                || side.GetDouble() != 128)))
            throw new ReferenceRefusal("blocks of another size");
    }
}
