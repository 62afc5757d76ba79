using Vernier.Files;
using Vernier.Files.Checkpoints;
using Vernier.Inference.Configuration;
using Vernier.Inference.Decoders;
using Vernier.Inference.Gguf;

namespace Vernier.Inference.Architectures.Gpt2;

/// <summary>GPT-2 (Radford et al., 2019). Its linear layers are stored inputs x outputs.</summary>
internal sealed class Gpt2Architecture() : TransformerFamily<Gpt2Config>("gpt2", root => new Gpt2Config(root),
    config => new Gpt2Assembly(config))
{
    /// <inheritdoc/>
    public override GgufArchitecture Gguf { get; } = new Gpt2Gguf();

    /// <inheritdoc/>
    public override IReadOnlyList<TensorView> Views(ModelConfig config, Checkpoint checkpoint) =>
        [.. checkpoint.Tensors.Select(View).OfType<TensorView>()];

    private static TensorView? View(TensorInfo tensor)
    {
        string name = NameViews.Prefixed(tensor.Name, "transformer.", "lm_head.");
        foreach (string layer in (string[])[".attn.c_attn.", ".attn.c_proj.", ".mlp.c_fc.", ".mlp.c_proj."])
        {
            int at = name.IndexOf(layer, StringComparison.Ordinal);
            // What Vernier wrote has the names already.
            if (at < 0 || name.AsSpan(at + layer.Length).StartsWith("linear.", StringComparison.Ordinal))
                continue;
            string linear = name.Insert(at + layer.Length, "linear.");
            return tensor.Shape.Count == 2 ? TensorView.Transposed(linear, tensor.Name, tensor.Shape[1], tensor.Shape[0])
                : TensorView.Slice(linear, tensor.Name, tensor.Shape);
        }
        return name == tensor.Name ? null : TensorView.Slice(name, tensor.Name, tensor.Shape);
    }
}
