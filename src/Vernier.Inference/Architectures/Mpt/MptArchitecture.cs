using Vernier.Inference.Decoders;
using Vernier.Inference.Gguf;

namespace Vernier.Inference.Architectures.Mpt;

/// <summary>MPT (MosaicML, 2023).</summary>
internal sealed class MptArchitecture() : TransformerFamily<MptConfig>("mpt", root => new MptConfig(root))
{
    /// <inheritdoc/>
    public override GgufArchitecture Gguf { get; } = new MptGguf();
}
