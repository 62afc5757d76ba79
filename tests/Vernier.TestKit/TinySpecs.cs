namespace Vernier.TestKit;

/// <summary>A small network for every family and every feature.</summary>
public static class TinySpecs
{
    private static readonly double[] ShortFactors = [1, 1.25, 2], LongFactors = [1.5, 4, 9];

    public static TinySpec Llama { get; } = new() { Name = "llama" };

    public static IReadOnlyList<TinySpec> All { get; } =
    [
        Llama,
        Llama with { Name = "llama tied, biased", Tied = true, QueryKeyValueBias = true, OutputBias = true, FeedForwardBias = true,
            Extra = new() { ["attention_bias"] = true, ["mlp_bias"] = true } },
        Llama with { Name = "llama one key/value head", KeyValueHeads = 1, HeadSize = 20, Rotary = 20, Gelu = true },
        Llama with { Name = "llama as many key/value heads", KeyValueHeads = 4, Extra = new() { ["num_key_value_heads"] = null } },
        Llama with { Name = "llama wide heads", Hidden = 48, Heads = 3, KeyValueHeads = 1, HeadSize = 40, Rotary = 40, Layers = 1 },
        Llama with
        {
            Name = "llama linear scaling", Frequency = (i, _) => TinySpec.PlainFrequency(i, 500, 6) / 4,
            Extra = new() { ["rope_theta"] = 500, ["rope_scaling"] = new { type = "linear", factor = 4.0 } },
        },
        Llama with
        {
            Name = "llama3 scaling", HeadSize = 16, Rotary = 16, Frequency = (i, _) => Llama3(i, 300, 16, 8, 1, 4, 64),
            Extra = new()
            {
                ["rope_theta"] = 300,
                ["rope_scaling"] = new { rope_type = "llama3", factor = 8.0, low_freq_factor = 1.0, high_freq_factor = 4.0,
                    original_max_position_embeddings = 64 },
            },
        },
        Llama with
        {
            Name = "llama rope_parameters", Frequency = (i, _) => TinySpec.PlainFrequency(i, 77, 6),
            Extra = new() { ["rope_parameters"] = new { rope_type = "default", rope_theta = 77.0 } },
        },
        new() { Name = "mistral", Type = "mistral", Window = _ => 9, Extra = new() { ["sliding_window"] = 9 } },
        new() { Name = "mistral without window", Type = "mistral" },
        new() { Name = "mistral window over chunks", Type = "mistral", Window = _ => 66, Extra = new() { ["sliding_window"] = 66 } },
        new() { Name = "qwen2", Type = "qwen2", QueryKeyValueBias = true, Tied = true, Extra = new() { ["sliding_window"] = 5 } },
        new()
        {
            Name = "qwen2 window in upper layers", Type = "qwen2", Layers = 3, QueryKeyValueBias = true, Window = layer =>
                layer >= 1 ? 5 : null,
            Extra = new() { ["sliding_window"] = 5, ["use_sliding_window"] = true, ["max_window_layers"] = 1 },
        },
        new()
        {
            Name = "qwen2 layer types", Type = "qwen2", Layers = 3, QueryKeyValueBias = true, Window = layer => layer == 1 ? 7 : null,
            Extra = new() { ["sliding_window"] = 7, ["use_sliding_window"] = true,
                ["layer_types"] = new[] { "full_attention", "sliding_attention", "full_attention" } },
        },
        new() { Name = "qwen3", Type = "qwen3", HeadNorm = true, HeadSize = 10, Rotary = 10 },
        new() { Name = "phi3", Type = "phi3", Fused = true },
        new() { Name = "phi3 partial rotation and window", Type = "phi3", Fused = true, HeadSize = 8, Rotary = 6, Window = _ =>
            11, Extra = new() { ["partial_rotary_factor"] = 0.75, ["sliding_window"] = 11 } },
        new()
        {
            // 128 positions over an original 32: cosine and sine times sqrt(1 + ln 4 / ln 32).
            Name = "phi3 longrope", Type = "phi3", Fused = true, Amplitude = Math.Sqrt(1 + Math.Log(4) / Math.Log(32)),
            Frequency = (i, length) => TinySpec.PlainFrequency(i, 10000, 6) / (length > 32 ? LongFactors : ShortFactors)[i],
            Extra = new() { ["original_max_position_embeddings"] = 32,
                ["rope_scaling"] = new { type = "longrope", short_factor = ShortFactors, long_factor = LongFactors } },
        },
    ];

    /// <summary>The three cases of the published Llama 3.1 code, by wavelength.</summary>
    public static double Llama3(int i, double theta, int rotary, double factor, double low, double high, double original)
    {
        double frequency = TinySpec.PlainFrequency(i, theta, rotary), wavelength = 2 * Math.PI / frequency;
        if (wavelength < original / high)
            return frequency;
        if (wavelength > original / low)
            return frequency / factor;
        double smooth = (original / wavelength - low) / (high - low);
        return (1 - smooth) * frequency / factor + smooth * frequency;
    }
}
