using Vernier.Errors;
using Vernier.Inference.Configuration;
using Vernier.Inference.Decoders;

namespace Vernier.Inference.Architectures.Phi3;

/// <summary>
/// What config.json says about a Phi-3: query, key and value in one projection, gate and up in another, partial rotation, LongRoPE, and a
/// sliding window where the file has one.
/// </summary>
public sealed class Phi3Config : TransformerConfig
{
    internal static readonly TransformerNames TensorNames =
        new() { AttentionInputs = ["self_attn.qkv_proj"], FeedForwardInputs = ["mlp.gate_up_proj"] };

    private static readonly TransformerRules s_rules =
        new() { NormEpsilon = 1e-5, Rope = new RopeRules(true, ["longrope"], ["su", "yarn"]) { OriginalPositions = 4096 } };

    /// <summary>Reads the file.</summary>
    /// <exception cref="InvalidFileException">A value is missing, has the wrong type or lies outside its range.</exception>
    public Phi3Config(ConfigObject root)
        : base(root, s_rules) => SlidingWindow = root.Has("sliding_window") ? ReadWindow(root) : null;

    /// <summary>The sliding window of every layer in tokens; null where each sees the whole context.</summary>
    public int? SlidingWindow { get; }

    /// <inheritdoc/>
    public override TransformerNames Names => TensorNames;

    /// <inheritdoc/>
    public override int? WindowOf(int layer) => SlidingWindow;

    /// <inheritdoc/>
    public override bool CanReorder => true;
}
