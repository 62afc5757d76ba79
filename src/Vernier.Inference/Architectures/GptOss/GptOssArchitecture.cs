using Vernier.Files;
using Vernier.Files.Checkpoints;
using Vernier.Inference.Configuration;
using Vernier.Inference.Decoders;

namespace Vernier.Inference.Architectures.GptOss;

/// <summary>gpt-oss (OpenAI, 2025). The experts of a layer are stored in one tensor, inputs x outputs.</summary>
internal sealed class GptOssArchitecture() : TransformerFamily<GptOssConfig>("gpt_oss", root => new GptOssConfig(root))
{
    /// <inheritdoc/>
    public override IReadOnlyList<TensorView> Views(ModelConfig config, Checkpoint checkpoint)
    {
        var views = new List<TensorView>();
        foreach (TensorInfo tensor in checkpoint.Tensors)
        {
            const string Experts = ".mlp.experts.";
            int at = tensor.Name.IndexOf(Experts, StringComparison.Ordinal);
            string part = at < 0 ? "" : tensor.Name[(at + Experts.Length)..];
            string prefix = at < 0 ? "" : tensor.Name[..(at + Experts.Length)];
            if (part is "gate_up_proj" or "down_proj" && tensor.Shape.Count == 3)
                views.AddRange(NameViews.Experts(tensor, expert => $"{prefix}{expert}.{part}.weight", transposed: true));
            else if (part is "gate_up_proj_bias" or "down_proj_bias" && tensor.Shape.Count == 2)
                views.AddRange(Enumerable.Range(0, (int)tensor.Shape[0]).Select(expert => TensorView.Slice(
                    $"{prefix}{expert}.{part[..^"_bias".Length]}.bias", tensor.Name, [tensor.Shape[1]], expert * tensor.Shape[1])));
        }
        return views;
    }
}
