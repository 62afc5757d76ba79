namespace Vernier.Tests;

/// <summary>Writes a small model with random weights, for what the sample can't show.</summary>
internal static class TinyNetwork
{
    public const string Bad = "model.layers.0.mlp.up_proj.weight";

    private static readonly TinySpec s_spec = new()
    {
        Vocabulary = 64, Hidden = 32, Intermediate = 48, Layers = 1, HeadSize = 8, Rotary = 8, Tied = true,
    };

    /// <summary>Writes the folder.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="type">The model_type; that of an unknown family makes an unknown architecture.</param>
    /// <param name="bad">A number to put into <see cref="Bad"/> at row 2, column 3.</param>
    /// <param name="silent">Whether <see cref="Bad"/> is all zeros, so that the down projection sees nothing.</param>
    public static string Write(string folder, string type = "llama", float? bad = null, bool silent = false)
    {
        string architecture = type == "llama" ? "LlamaForCausalLM" : "MysteryForCausalLM";
        TinySpec spec = s_spec with { Type = type, Extra = new() { ["architectures"] = new[] { architecture } } };
        return TinyModel.Write(folder, spec, seed: 7, change: (name, values) =>
        {
            if (name == Bad && bad is float number)
                values[2 * s_spec.Hidden + 3] = number;
            if (name == Bad && silent)
                values.AsSpan().Clear();
        });
    }
}
