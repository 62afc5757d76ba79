using Vernier.Inference.Decoders;

namespace Vernier.Inference.Architectures.Qwen3Next;

/// <summary>The language model of Qwen 3.5 (Qwen Team, 2026): layers of the gated delta rule, some of gated attention.</summary>
internal sealed class Qwen35Architecture()
    : TransformerFamily<Qwen3NextConfig>("qwen3_5_text", root => new Qwen3NextConfig(root, joined: false),
    config => new Qwen3NextAssembly(config));
