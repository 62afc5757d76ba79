namespace Vernier.Tests;

/// <summary>A small model of the architecture that this assembly adds.</summary>
internal static class ParallelModel
{
    public static TinySpec Spec { get; } = new()
    {
        Name = "parallel", Type = "parallel", Vocabulary = 48, Hidden = 64, Intermediate = 96, HeadSize = 16, Rotary = 16, Tied = true,
    };

    /// <summary>Writes the model; a Llama of the same tensors where the type says so.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="type">The model_type.</param>
    /// <param name="silent">The end of the names of tensors that are zero; empty for none.</param>
    public static string Write(string folder, string type = "parallel", string silent = "")
    {
        TinySpec spec = Spec with { Type = type };
        Dictionary<string, TinyTensor> tensors = spec.Tensors(seed: 3);
        foreach (string name in tensors.Keys.Where(name => name.EndsWith("post_attention_layernorm.weight", StringComparison.Ordinal))
            .ToArray())
        {
            if (type == "parallel")
                tensors.Remove(name);
            else
                tensors[name] = tensors[name.Replace("post_attention", "input", StringComparison.Ordinal)];
        }
        foreach ((string name, TinyTensor tensor) in tensors.Where(_ => silent.Length > 0))
        {
            if (name.EndsWith(silent, StringComparison.Ordinal))
                tensor.Values.AsSpan().Clear();
        }
        return TinyModel.Write(folder, spec.Config(), tensors);
    }

    /// <summary>Sequences of tokens.</summary>
    public static int[][] Sequences(int count, int length)
    {
        var random = new Random(11);
        return [.. Enumerable.Range(0, count).Select(_ => Enumerable.Range(0, length).Select(_ => random.Next(Spec.Vocabulary)).ToArray())];
    }
}
