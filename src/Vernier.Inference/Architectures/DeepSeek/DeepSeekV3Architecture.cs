using Vernier.Inference.Decoders;

namespace Vernier.Inference.Architectures.DeepSeek;

/// <summary>DeepSeek V3 (DeepSeek-AI, 2024): latent attention, experts in groups.</summary>
internal sealed class DeepSeekV3Architecture() : TransformerFamily<DeepSeekConfig>("deepseek_v3",
    root => new DeepSeekConfig(root, isThird: true), config => new DeepSeekAssembly(config));
