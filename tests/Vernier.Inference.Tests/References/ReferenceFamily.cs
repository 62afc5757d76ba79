using System.Text.Json;

namespace Vernier.Tests.References;

/// <summary>
/// What the Hugging Face library does with the config.json of a family: its defaults, and what its blocks consist of. A family more is
/// an entry more in <see cref="All"/>.
/// </summary>
internal sealed record ReferenceFamily
{
    /// <summary>The families by their <c>model_type</c>.</summary>
    public static IReadOnlyDictionary<string, ReferenceFamily> All { get; } = new Dictionary<string, ReferenceFamily>
    {
        ["llama"] = new()
        {
            AttentionBias = root => root.Flag("attention_bias"), OutputBias = root => root.Flag("attention_bias"),
            FeedForwardBias = root => root.Flag("mlp_bias"),
        },
        ["mistral"] = new()
        {
            KeyValueHeads = 8,
            Window = (root, _) => root.IsNull("sliding_window") ? _ => null : Everywhere(root.Size("sliding_window", 4096)),
        },
        ["qwen2"] = new() { KeyValueHeads = 32, AttentionBias = _ => true, Window = InSomeLayers },
        ["qwen3"] = new()
        {
            KeyValueHeads = 32, HeadSize = 128, HeadNorm = true, Window = InSomeLayers, AttentionBias = root => root.Flag("attention_bias"),
            OutputBias = root => root.Flag("attention_bias"),
        },
        ["phi3"] = new()
        {
            Epsilon = 1e-5, Fused = true, Scalings = ["longrope", "su", "yarn"], Partial = true, OriginalPositions = 4096,
            Window = (root, _) => root.Has("sliding_window") ? Everywhere(root.Size("sliding_window")) : _ => null,
        },
    };

    /// <summary>Key and value heads where the file does not mention them; null for as many as query heads.</summary>
    public int? KeyValueHeads { get; init; }

    /// <summary>The size of a head where the file does not mention it; null for hidden size / heads.</summary>
    public int? HeadSize { get; init; }

    public double Epsilon { get; init; } = 1e-6;

    /// <summary>Whether query, key and value are one matrix, gate and up another.</summary>
    public bool Fused { get; init; }

    /// <summary>Whether each head of query and key has a norm.</summary>
    public bool HeadNorm { get; init; }

    /// <summary>Whether a part of a head may be rotated.</summary>
    public bool Partial { get; init; }

    /// <summary>The types of scaling that are computed.</summary>
    public string[] Scalings { get; init; } = ["linear", "dynamic", "yarn", "llama3", "longrope"];

    /// <summary>The context of the first training where the file does not mention it; null for none.</summary>
    public int? OriginalPositions { get; init; }

    public Func<ReferenceObject, bool> AttentionBias { get; init; } = _ => false;

    public Func<ReferenceObject, bool> OutputBias { get; init; } = _ => false;

    public Func<ReferenceObject, bool> FeedForwardBias { get; init; } = _ => false;

    /// <summary>The window of each layer, of a model of so many.</summary>
    public Func<ReferenceObject, int, Func<int, int?>> Window { get; init; } = (_, _) => _ => null;

    private static Func<int, int?> Everywhere(int window) => _ => window;

    // A list of types counts, else the upper layers; and both only where windows are used at all.
    private static Func<int, int?> InSomeLayers(ReferenceObject root, int layers)
    {
        bool used = root.Flag("use_sliding_window") && !root.IsNull("sliding_window");
        int? window = used ? root.Size("sliding_window", 4096) : null;
        if (root.Has("layer_types"))
        {
            JsonElement list = root.Members["layer_types"];
            if (list.ValueKind != JsonValueKind.Array || list.GetArrayLength() != layers)
                throw new ReferenceRefusal("layer_types has another length");
            bool[] slides = [.. list.EnumerateArray().Select(type => type.ValueKind != JsonValueKind.String
                ? throw new ReferenceRefusal("layer_types") : type.GetString() switch
                {
                    "full_attention" => false,
                    "sliding_attention" when window is not null => true,
                    _ => throw new ReferenceRefusal("layer_types"),
                })];
            return layer => slides[layer] ? window : null;
        }
        int first = 28;
        if (root.Has("max_window_layers") && !(root.Members["max_window_layers"].ValueKind == JsonValueKind.Number
            && root.Members["max_window_layers"].TryGetInt32(out first) && first >= 0))
            throw new ReferenceRefusal("max_window_layers");
        return layer => layer >= first ? window : null;
    }
}
