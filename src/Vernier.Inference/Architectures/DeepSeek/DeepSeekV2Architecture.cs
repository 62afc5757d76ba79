using Vernier.Inference.Decoders;

namespace Vernier.Inference.Architectures.DeepSeek;

/// <summary>DeepSeek V2 (DeepSeek-AI, 2024): latent attention, experts in groups.</summary>
internal sealed class DeepSeekV2Architecture() : TransformerFamily<DeepSeekConfig>("deepseek_v2",
    root => new DeepSeekConfig(root, isThird: false), config => new DeepSeekAssembly(config));
