using System.Globalization;
using Vernier.Files;

namespace Vernier.Inference.Decoders;

/// <summary>A transformer whose checkpoints may hold layers behind the last, which predict further tokens in training.</summary>
/// <param name="config">The configuration.</param>
internal class NextTokenAssembly(TransformerConfig config) : TransformerAssembly(config)
{
    /// <inheritdoc/>
    public override bool MayBeUnused(TensorInfo tensor)
    {
        string prefix = Transformer.Names.Layer;
        if (!tensor.Name.StartsWith(prefix, StringComparison.Ordinal))
            return tensor.Name.StartsWith("mtp.", StringComparison.Ordinal);
        int end = tensor.Name.IndexOf('.', prefix.Length);
        return end > 0 && int.TryParse(tensor.Name.AsSpan(prefix.Length, end - prefix.Length), NumberStyles.None,
            CultureInfo.InvariantCulture, out int layer) && layer >= Transformer.LayerCount
            && layer < Transformer.LayerCount + Transformer.FurtherLayers;
    }
}
