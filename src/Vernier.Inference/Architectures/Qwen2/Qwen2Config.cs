using Vernier.Errors;
using Vernier.Inference.Configuration;
using Vernier.Inference.Decoders;

namespace Vernier.Inference.Architectures.Qwen2;

/// <summary>What config.json says about a Qwen 2: biases on query, key and value, and a sliding window in some layers if it asks for
/// one.</summary>
public sealed class Qwen2Config : TransformerConfig
{
    private readonly LayerWindows _windows;

    /// <summary>Reads the file.</summary>
    /// <exception cref="InvalidFileException">A value is missing, has the wrong type or lies outside its range.</exception>
    public Qwen2Config(ConfigObject root)
        : base(root, new TransformerRules { KeyValueHeads = 32 }) => _windows = new LayerWindows(root, LayerCount);

    /// <inheritdoc/>
    public override bool QueryKeyValueBias => true;

    /// <inheritdoc/>
    public override int? WindowOf(int layer) => _windows[layer];

    /// <inheritdoc/>
    public override bool CanReorder => true;
}
