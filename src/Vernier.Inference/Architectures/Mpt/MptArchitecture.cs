using Vernier.Inference.Decoders;

namespace Vernier.Inference.Architectures.Mpt;

/// <summary>MPT (MosaicML, 2023).</summary>
internal sealed class MptArchitecture() : TransformerFamily<MptConfig>("mpt", root => new MptConfig(root));
