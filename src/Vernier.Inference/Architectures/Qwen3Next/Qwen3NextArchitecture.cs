using Vernier.Inference.Decoders;

namespace Vernier.Inference.Architectures.Qwen3Next;

/// <summary>Qwen3-Next (Qwen Team, 2025): layers of the gated delta rule, some of gated attention.</summary>
internal sealed class Qwen3NextArchitecture()
    : TransformerFamily<Qwen3NextConfig>("qwen3_next", root => new Qwen3NextConfig(root, joined: true),
    config => new Qwen3NextAssembly(config));
