using System.Runtime.InteropServices;

namespace Vernier.Files.Tokenizers.Patterns;

/// <summary>A match: where it begins and how long it is, in UTF-16 units.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct PatternMatch(int Start, int Length)
{
    /// <summary>Where it ends.</summary>
    public int End => Start + Length;
}

/// <summary>Something to look for in a text.</summary>
internal interface IPattern
{
    /// <summary>Finds the matches from left to right, each beginning where the one before ended or later, in O(n) time.</summary>
    /// <param name="text">Well-formed text.</param>
    /// <param name="matches">Receives the matches.</param>
    void FindAll(ReadOnlySpan<char> text, List<PatternMatch> matches);
}
