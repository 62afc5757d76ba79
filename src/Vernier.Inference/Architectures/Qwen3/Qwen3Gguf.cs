using Vernier.Inference.Decoders;

namespace Vernier.Inference.Architectures.Qwen3;

/// <summary>Qwen 3 in GGUF files.</summary>
internal sealed class Qwen3Gguf() : TransformerGguf("qwen3", "qwen3", "Qwen3ForCausalLM");
