using System.Globalization;

namespace Vernier.Inference.Gguf;

/// <summary>The names that the tensors of an architecture have in a Hugging Face checkpoint and in a GGUF file.</summary>
/// <param name="hfLayer">What stands before the number of a block in a checkpoint.</param>
/// <param name="whole">Names outside the blocks, without <c>.weight</c>: in a checkpoint, in a GGUF file.</param>
/// <param name="parts">Names in a block, without <c>.weight</c> or <c>.bias</c>: in a checkpoint, in a GGUF file. A * in the first stands
/// for
/// a number: those tensors, such as the experts of a layer, are one in the file.</param>
/// <param name="exact">Names with what they end in: outside the blocks, or in a block. By default none.</param>
public sealed class GgufNames(string hfLayer, IReadOnlyList<(string Hf, string Gguf)> whole, IReadOnlyList<(string Hf, string Gguf)> parts,
    IReadOnlyList<(string Hf, string Gguf)>? exact = null)
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
    public string? ToGguf(string name) => Find(name)?.Name;

    /// <summary>The name in a GGUF file, and which part of that tensor it is where several are one; null for a tensor that has
    /// none.</summary>
    public (string Name, int? Part)? Find(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        if (exact?.FirstOrDefault(pair => pair.Hf == name).Gguf is string same)
            return (same, null);
        if (whole.FirstOrDefault(pair => pair.Hf + Weight == name).Gguf is string outside)
            return (outside + Weight, null);
        if (Split(name, hfLayer) is not var (layer, rest))
            return null;
        if (exact?.FirstOrDefault(pair => pair.Hf == rest).Gguf is string inside)
            return ($"{GgufLayer}{layer}.{inside}", null);
        if (Stem(rest) is not string stem)
            return null;
        foreach ((string hf, string gguf) in parts)
        {
            if (Matches(hf, stem, out int? part))
                return ($"{GgufLayer}{layer}.{gguf}{rest[stem.Length..]}", part);
        }
        return null;
    }

    /// <summary>The name in a Hugging Face checkpoint, or null for a tensor that has none; of a tensor that is several there the
    /// first.</summary>
    public string? ToHf(string name) => ToHf(name, 0);

    /// <summary>The name of a part of a tensor in a Hugging Face checkpoint, or null for one that has none.</summary>
    /// <param name="name">The name in a GGUF file.</param>
    /// <param name="part">The part, where it is several in the checkpoint.</param>
    public string? ToHf(string name, int part) => Pattern(name)?.Replace("*", part.ToString(CultureInfo.InvariantCulture),
        StringComparison.Ordinal);

    /// <summary>Whether a tensor of a GGUF file is several in a Hugging Face checkpoint.</summary>
    public bool IsMerged(string name) => Pattern(name)?.Contains('*', StringComparison.Ordinal) == true;

    private string? Pattern(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        if (exact?.FirstOrDefault(pair => pair.Gguf == name).Hf is string same)
            return same;
        if (whole.FirstOrDefault(pair => pair.Gguf + Weight == name).Hf is string outside)
            return outside + Weight;
        if (Split(name, GgufLayer) is not var (layer, rest))
            return null;
        if (exact?.FirstOrDefault(pair => pair.Gguf == rest).Hf is string inside)
            return $"{hfLayer}{layer}.{inside}";
        return Stem(rest) is string stem && parts.FirstOrDefault(pair => pair.Gguf == stem).Hf is string mapped
            ? $"{hfLayer}{layer}.{mapped}{rest[stem.Length..]}" : null;
    }

    private static (string Layer, string Inner)? Split(string name, string prefix)
    {
        if (!name.StartsWith(prefix, StringComparison.Ordinal))
            return null;
        int number = name.IndexOf('.', prefix.Length);
        return number <= prefix.Length || name.AsSpan(prefix.Length, number - prefix.Length).ContainsAnyExceptInRange('0', '9') ? null
            : (name[prefix.Length..number], name[(number + 1)..]);
    }

    private static string? Stem(string rest) => rest.LastIndexOf('.') is var last and > 0 && rest[last..] is ".weight" or ".bias"
        ? rest[..last] : null;

    private static bool Matches(string pattern, string stem, out int? part)
    {
        part = null;
        int star = pattern.IndexOf('*', StringComparison.Ordinal);
        if (star < 0)
            return pattern == stem;
        int digits = stem.Length - pattern.Length + 1;
        if (digits < 1 || !stem.StartsWith(pattern[..star], StringComparison.Ordinal)
            || !stem.EndsWith(pattern[(star + 1)..], StringComparison.Ordinal)
            || !int.TryParse(stem.AsSpan(star, digits), NumberStyles.None, CultureInfo.InvariantCulture, out int number)
            || number.ToString(CultureInfo.InvariantCulture).Length != digits)
            return false;
        part = number;
        return true;
    }
}
