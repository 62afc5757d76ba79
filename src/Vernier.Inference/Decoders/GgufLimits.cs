using System.Globalization;
using Vernier.Inference.Configuration;

namespace Vernier.Inference.Decoders;

/// <summary>What llama.cpp computes of a family of transformers: a model that asks for more would be another there.</summary>
internal sealed record GgufLimits
{
    /// <summary>The nonlinearities. The Gaussian error linear unit has only its tanh form there.</summary>
    public IReadOnlyList<Activation> Activations { get; init; } = [Activation.Silu];

    /// <summary>Whether query, key and value may have biases.</summary>
    public bool QueryKeyValueBias { get; init; } = true;

    /// <summary>Whether the output of the attention may have a bias.</summary>
    public bool OutputBias { get; init; }

    /// <summary>Whether feed-forwards may have biases.</summary>
    public bool FeedForwardBias { get; init; }

    /// <summary>Whether factors of rotary frequencies are read.</summary>
    public bool HasRopeFactors { get; init; }

    /// <summary>Whether heads must fill the hidden size.</summary>
    public bool FillsHidden { get; init; }

    /// <summary>Whether queries, keys and values may be bounded.</summary>
    public bool HasClip { get; init; }

    /// <summary>Whether the head must be the embedding, or must not be; null for either.</summary>
    public bool? Tied { get; init; }

    /// <summary>The window of a layer; null where every layer sees the whole context.</summary>
    public Func<TransformerConfig, int, int?>? Window { get; init; }

    /// <summary>What scores are multiplied by; null for 1 / sqrt(head size).</summary>
    public Func<TransformerConfig, double>? Scale { get; init; }

    /// <summary>Whether the weights of the experts that every layer has are divided by their sum; null where there are none, or as the
    /// metadata say.</summary>
    public bool? Normalizes { get; init; }

    /// <summary>Whether a layer rotates; null for all.</summary>
    public Func<int, bool>? Rotates { get; init; }

    /// <summary>What a model asks for beyond this, in words that follow "with"; null for nothing.</summary>
    public string? Problem(TransformerConfig config)
    {
        for (int layer = 0; layer < config.LayerCount; layer++)
        {
            if (ProblemOf(config, layer) is string problem)
                return problem;
        }
        return !Activations.Contains(config.Activation) ? $"the nonlinearity {config.Activation}"
            : !QueryKeyValueBias && config.QueryKeyValueBias ? "biases of query, key and value"
            : !OutputBias && config.OutputBias ? "a bias of the attention's output"
            : !FeedForwardBias && config.FeedForwardBias ? "biases of feed-forwards"
            : !HasClip && config.Clip is not null ? "bounds of queries, keys and values"
            : FillsHidden && config.HeadCount * config.HeadSize != config.HiddenSize
                ? $"{config.HeadCount} heads of {config.HeadSize} for a hidden size of {config.HiddenSize}"
            : Tied is bool tied && tied != config.TiedEmbeddings ? tied ? "a head that is not the embedding" : "the embedding as its head"
            : RopeProblem(config.Rope);
    }

    private string? ProblemOf(TransformerConfig config, int layer)
    {
        int? window = Window?.Invoke(config, layer);
        double scale = Scale?.Invoke(config) ?? 1 / Math.Sqrt(config.HeadSize), asked = config.ScoresOf(layer).Scale ?? scale;
        if (config.WindowOf(layer) is { } own && own < config.MaxPositions ? own != window : window < config.MaxPositions)
            return string.Create(CultureInfo.InvariantCulture, $"this sliding window of layer {layer}");
        if (Math.Abs(asked - scale) > 1e-6 * scale)
            return string.Create(CultureInfo.InvariantCulture, $"scores that are multiplied by {asked:G6}");
        if (Rotates is not null && Rotates(layer) != config.RopeOf(layer) is not null)
            return $"layer {layer} {(Rotates(layer) ? "not rotated" : "rotated")}";
        if (Normalizes is not bool normalizes)
            return null;
        return config.ExpertsOf(layer) is not { } experts ? $"a layer {layer} without experts"
            : normalizes != experts.Routing.Normalize ? $"weights of experts that are {(normalizes ? "not " : "")}divided by their sum"
                : null;
    }

    private string? RopeProblem(RopeConfig rope) => rope.Scaling switch
    {
        RopeScaling.None or RopeScaling.Linear => null,
        RopeScaling.Llama3 or RopeScaling.LongRope when HasRopeFactors => null,
        RopeScaling.Yarn when rope.WholeBorders => null,
        RopeScaling other => $"the rotary scaling {other}",
    };
}
