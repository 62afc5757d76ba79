using Vernier.Errors;
using Vernier.Inference.Configuration;

namespace Vernier.Inference.Decoders;

/// <summary>Which layers of a Qwen have experts: every <c>decoder_sparse_step</c>-th but those of <c>mlp_only_layers</c>.</summary>
internal sealed class ExpertLayers
{
    private readonly bool[] _sparse;

    /// <summary>Reads them.</summary>
    /// <param name="root">The object of config.json.</param>
    /// <param name="layers">The number of layers.</param>
    /// <exception cref="InvalidFileException">A value has the wrong type or lies outside its range.</exception>
    public ExpertLayers(ConfigObject root, int layers)
    {
        int step = root.Integer("decoder_sparse_step", 1, ModelConfig.MostLayers, 1);
        int[] dense = root.Integers("mlp_only_layers", 0, ModelConfig.MostLayers);
        _sparse = [.. Enumerable.Range(0, layers).Select(layer => !dense.Contains(layer) && (layer + 1) % step == 0)];
    }

    /// <summary>Whether a layer has experts.</summary>
    public bool this[int layer] => _sparse[layer];
}
