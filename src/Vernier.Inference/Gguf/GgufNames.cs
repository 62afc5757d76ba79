using System.Globalization;

namespace Vernier.Inference.Gguf;

/// <summary>The names that the tensors of an architecture have in a Hugging Face checkpoint and in a GGUF file.</summary>
/// <param name="hfLayer">What stands before the number of a block in a checkpoint.</param>
/// <param name="whole">Names outside the blocks, without <c>.weight</c>: in a checkpoint, in a GGUF file.</param>
/// <param name="parts">Names in a block, without <c>.weight</c> or <c>.bias</c>: in a checkpoint, in a GGUF file.</param>
public sealed class GgufNames(string hfLayer, IReadOnlyList<(string Hf, string Gguf)> whole, IReadOnlyList<(string Hf, string Gguf)> parts)
{
    /// <summary>The correction factors of rotary frequencies: tensors in a GGUF file, values of config.json elsewhere.</summary>
    public const string RopeFactors = "rope_freqs.weight", LongFactors = "rope_factors_long.weight",
        ShortFactors = "rope_factors_short.weight";

    private const string GgufLayer = "blk.", Weight = ".weight";

    /// <summary>The block that a tensor of a GGUF file belongs to, or null.</summary>
    public static int? LayerOf(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return name.StartsWith(GgufLayer, StringComparison.Ordinal) && name.IndexOf('.', GgufLayer.Length) is int end and > 0
            && int.TryParse(name.AsSpan(GgufLayer.Length, end - GgufLayer.Length), NumberStyles.None, CultureInfo.InvariantCulture,
                out int layer) ? layer : null;
    }

    /// <summary>The name in a GGUF file, or null for a tensor that has none.</summary>
    public string? ToGguf(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return whole.FirstOrDefault(pair => pair.Hf + Weight == name).Gguf is string outside ? outside + Weight
            : Map(name, hfLayer, GgufLayer, part => parts.FirstOrDefault(pair => pair.Hf == part).Gguf);
    }

    /// <summary>The name in a Hugging Face checkpoint, or null for a tensor that has none.</summary>
    public string? ToHf(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return whole.FirstOrDefault(pair => pair.Gguf + Weight == name).Hf is string outside ? outside + Weight
            : Map(name, GgufLayer, hfLayer, part => parts.FirstOrDefault(pair => pair.Gguf == part).Hf);
    }

    private static string? Map(string name, string from, string to, Func<string, string?> part)
    {
        if (!name.StartsWith(from, StringComparison.Ordinal))
            return null;
        int number = name.IndexOf('.', from.Length), last = name.LastIndexOf('.');
        if (number < 0 || last <= number || name[last..] is not (".weight" or ".bias")
            || number == from.Length || name.AsSpan(from.Length, number - from.Length).ContainsAnyExceptInRange('0', '9'))
            return null;
        return part(name[(number + 1)..last]) is string mapped ? $"{to}{name[from.Length..number]}.{mapped}{name[last..]}" : null;
    }
}
