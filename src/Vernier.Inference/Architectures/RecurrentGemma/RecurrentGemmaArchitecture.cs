using Vernier.Inference.Decoders;

namespace Vernier.Inference.Architectures.RecurrentGemma;

/// <summary>RecurrentGemma (Botev et al., 2024): two layers of a recurrent unit, then one of local attention.</summary>
internal sealed class RecurrentGemmaArchitecture() : TransformerFamily<RecurrentGemmaConfig>("recurrent_gemma",
    root => new RecurrentGemmaConfig(root), config => new RecurrentGemmaAssembly(config));
