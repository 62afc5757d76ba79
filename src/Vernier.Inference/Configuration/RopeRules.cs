namespace Vernier.Inference.Configuration;

/// <summary>What an architecture may say of its rotary embedding.</summary>
/// <param name="Partial">Whether <c>partial_rotary_factor</c> counts: part of a head is rotated.</param>
/// <param name="Scalings">The values of <c>rope_type</c> that run.</param>
/// <param name="LongRopeNames">Further names of LongRoPE.</param>
public sealed record RopeRules(bool Partial, IReadOnlyList<string> Scalings, IReadOnlyList<string> LongRopeNames)
{
    /// <summary>Whole heads, and no scaling, linear, dynamic, yarn, llama3 or longrope.</summary>
    public static RopeRules Default { get; } = new(false, ["linear", "dynamic", "yarn", "llama3", "longrope"], []);

    /// <summary>The same, with part of a head rotated.</summary>
    public static RopeRules PartOfHead { get; } = Default with { Partial = true };

    /// <summary>Whether coordinates 2i and 2i + 1 are turned together.</summary>
    public bool Interleaved { get; init; }

    /// <summary>The type of layers that the embedding is of, where the file has one for each; null for all.</summary>
    public string? LayerType { get; init; }

    /// <summary>Further members of the scaling that change nothing: how positions in pictures would be told.</summary>
    public IReadOnlyList<string> Harmless { get; init; } = [];

    /// <summary>The part of a head that is rotated where the file does not say.</summary>
    public double PartialDefault { get; init; } = 1;

    /// <summary>The base where the file does not say.</summary>
    public double Theta { get; init; } = 10000;

    /// <summary>The context of the first training where the file does not mention it; null, the default, for none.</summary>
    public int? OriginalPositions { get; init; }
}
