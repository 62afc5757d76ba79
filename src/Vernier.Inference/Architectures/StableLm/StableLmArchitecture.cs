using Vernier.Inference.Decoders;

namespace Vernier.Inference.Architectures.StableLm;

/// <summary>StableLM (Bellagente et al., 2024).</summary>
internal sealed class StableLmArchitecture() : TransformerFamily<StableLmConfig>("stablelm", root => new StableLmConfig(root),
    config => new StableLmAssembly(config));
