using Vernier.Errors;
using Vernier.Inference.Configuration;
using Vernier.Inference.Decoders;

namespace Vernier.Inference.Architectures.Mistral;

/// <summary>What config.json says about a Mistral: 8 key and value heads, and a sliding window of 4096 tokens, where it does not mention
/// them.</summary>
public sealed class MistralConfig : TransformerConfig
{
    /// <summary>Reads the file.</summary>
    /// <exception cref="InvalidFileException">A value is missing, has the wrong type or lies outside its range.</exception>
    public MistralConfig(ConfigObject root)
        : base(root, new TransformerRules { KeyValueHeads = 8 }) =>
        SlidingWindow = root.Has("sliding_window") || !root.Mentions("sliding_window") ? ReadWindow(root, 4096) : null;

    /// <summary>The sliding window of every layer in tokens; null where each sees the whole context.</summary>
    public int? SlidingWindow { get; }

    /// <inheritdoc/>
    public override int? WindowOf(int layer) => SlidingWindow;

    /// <inheritdoc/>
    public override bool CanReorder => true;
}
