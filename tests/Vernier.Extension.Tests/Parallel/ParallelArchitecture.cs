using Vernier.Inference.Configuration;
using Vernier.Inference.Decoders;
using Vernier.Inference.Gguf;

namespace Vernier.Tests.Parallel;

/// <summary>
/// An architecture that src/ does not have: attention and feed-forward side by side behind one norm, h += attention(norm(h)) + ff(norm(h))
/// (Wang, Komatsuzaki: GPT-J-6B, 2021).
/// </summary>
public sealed class ParallelArchitecture : IArchitecture
{
    public string ModelType => "parallel";

    public GgufArchitecture? Gguf => null;

    public ModelConfig ReadConfiguration(ConfigObject root) => new ParallelConfig(root);

    public DecoderAssembly Assemble(ModelConfig config) => new ParallelAssembly((ParallelConfig)config);
}

/// <summary>The members are those of Llama.</summary>
public sealed class ParallelConfig(ConfigObject root) : TransformerConfig(root, new TransformerRules());
