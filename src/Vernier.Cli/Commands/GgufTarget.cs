using Vernier.Inference.Gguf;
using Vernier.Inference.Models;
using Vernier.Quantization.Gguf;

namespace Vernier.Cli.Commands;

/// <summary>A GGUF file to be written.</summary>
/// <param name="Mix">Which tensor gets which type.</param>
/// <param name="Overrides">Types by pattern.</param>
internal sealed record GgufTarget(GgufMix Mix, IReadOnlyList<GgufOverride> Overrides)
{
    /// <summary>The types of the tensors.</summary>
    /// <param name="data">Whether data is used: llama-quantize's rules differ a little.</param>
    public GgufTypes Types(bool data) => new(Mix, Overrides, data);

    /// <summary>Refuses a file that is the model itself, or a part of it.</summary>
    public static void Check(Model model, string file)
    {
        if (model.Files.Append(model.Path).Any(part =>
            string.Equals(Path.GetFullPath(part), Path.GetFullPath(file), StringComparison.OrdinalIgnoreCase)))
            throw new Terminal.UsageException($"{file}: this is the model itself. Name another file with -o.");
    }
}
